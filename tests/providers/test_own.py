"""A class with an interface's functions and an entry point is a provider of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from paddock.errors import AccessDenied, ManifestError
from paddock.host.handles import Key
from paddock.host.moved import identity
from paddock.interfaces import Grants, bind, find
from paddock.providers import own
from paddock.providers.options import OptionError
from paddock.providers.registry import origin

PINS = "acme:gpio/pins@0.1.0"

SOURCE = """
from paddock.providers.options import Secret

class Board:
    def __init__(self, pins: int = 8, label: str = "a", rate: float = 1.0, safe: bool = True,
                 key: Secret | None = None, maybe: str | None = None):
        self.given = (pins, label, rate, safe, key, maybe)

class Placed:
    def __init__(self, application, state_dir, *, name, size: int = 1):
        self.given = (application, name, state_dir, size)

class Needy:
    def __init__(self, port: int): ...

class Odd:
    def __init__(self, table: dict = {}): ...

class Full:
    class Config:
        @classmethod
        def from_table(cls, options, base=None):
            return ("read", tuple(options))
    @staticmethod
    def open(config, *, application, name, state_dir):
        return (config, application, name)

NOTHING = 3
"""

ENTRIES = {
    PINS: "Board",
    f"{PINS} board": "Board",
    f"{PINS} needy": "Needy",
    f"{PINS} placed": "Placed",
    f"{PINS} odd": "Odd",
    f"{PINS} full": "Full",
    f"{PINS} nothing": "NOTHING",
    f"{PINS} gone": "Gone",
    "acme:gpio/pins@0.2.0 board": "Board",
}

Install = Callable[[str], None]


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "acme_gpio-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-gpio\nVersion: 1.2\n")
    lines = [f"{name} = acme_gpio_test:{target}" for name, target in ENTRIES.items()]
    (info / "entry_points.txt").write_text("\n".join(["[paddock.interfaces]", *lines]))
    (tmp_path / "acme_gpio_test.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))


def opened(type_name: str, **options: object) -> object:
    provider = own.find(PINS, type_name)
    config = provider.Config.from_table(options, Path("/etc"))
    return provider.open(config, application="app", name=PINS, state_dir=Path())


def test_options_become_arguments_by_their_annotations() -> None:
    board = opened("board", pins=4, label="b", rate=2, safe=False, key="s3cret", maybe="m")
    pins, name, rate, safe, key, maybe = board.given  # type: ignore[attr-defined]
    assert (pins, name, rate, safe, maybe) == (4, "b", 2.0, False, "m")
    assert key.value == "s3cret" and "s3cret" not in repr(key)
    assert opened("default").given == (8, "a", 1.0, True, None, None)  # type: ignore[attr-defined]


def test_what_it_is_opened_for_is_given_to_a_class_that_asks_for_it() -> None:
    given = opened("placed", size=2).given  # type: ignore[attr-defined]
    assert given == ("app", PINS, Path(), 2)
    with pytest.raises(OptionError, match="has no option `application`"):
        opened("placed", application="other")


def test_equal_options_are_the_same_provider_and_are_not_shown() -> None:
    read = own.find(PINS, "board").Config.from_table
    assert read({"pins": 1, "key": "s3cret"}) == read({"key": "s3cret", "pins": 1})
    assert read({"pins": 1}) != read({"pins": 2})
    assert hash(read({"pins": 1})) == hash(read({"pins": 1}))
    assert "s3cret" not in repr(read({"key": "s3cret"}))


def test_where_its_data_is_follows_from_its_options_and_shows_no_secret() -> None:
    read = own.find(PINS, "board").Config.from_table
    key = Key("app", "key_value", "default", "board", read({"pins": 1, "key": "s3cret"}))
    assert identity(key) == identity(replace(key, config=read({"pins": 1, "key": "another"})))
    assert identity(key) != identity(replace(key, config=read({"pins": 2, "key": "s3cret"})))


@pytest.mark.parametrize(
    ("type_name", "options", "key", "text"),
    [
        ("board", {"pin": 1}, "pin", "did you mean `pins`"),
        ("board", {"pins": "4"}, "pins", "must be an integer"),
        ("board", {"pins": True}, "pins", "must be an integer"),
        ("board", {"safe": 1}, "safe", "must be a boolean"),
        ("board", {"rate": "fast"}, "rate", "must be a number"),
        ("needy", {}, "port", "needs the option `port`"),
        ("odd", {"table": {}}, "table", "has a type that no option can have"),
    ],
)
def test_an_option_that_does_not_fit_is_refused(
    type_name: str, options: dict[str, object], key: str, text: str
) -> None:
    with pytest.raises(OptionError) as raised:
        own.find(PINS, type_name).Config.from_table(options)
    assert raised.value.key == key
    assert text in str(raised.value)


def test_a_class_of_the_usual_shape_is_taken_as_it_is() -> None:
    assert opened("full", a=1) == (("read", ("a",)), "app", PINS)


@pytest.mark.parametrize(
    ("interface", "type_name", "text"),
    [
        (PINS, "bord", r"known types: board, default, full"),
        ("acme:gpio/pins@0.3.0", "board", "install the Python package"),
        (PINS, "nothing", "is no class"),
        (PINS, "gone", "can't be loaded"),
    ],
)
def test_what_is_not_installed_is_refused(interface: str, type_name: str, text: str) -> None:
    with pytest.raises(ManifestError, match=text):
        own.find(interface, type_name)


def test_its_package_and_version_are_known() -> None:
    for type_name in ("board", "full"):
        assert origin(own.find(PINS, type_name)) == ("acme-gpio", "1.2")


def test_the_catalogue_offers_it_and_without_a_grant_every_call_is_denied() -> None:
    offer = find(PINS)
    assert offer is not None and offer.capability == "interface"
    told: list[tuple[str, str, str]] = []
    answer = bind(PINS, Grants("app", "api", denied=lambda *each: told.append(each)))
    for name in ("set", "get"):
        with pytest.raises(AccessDenied, match="is not granted"):
            getattr(answer, name)(1, 2)
    assert told == [("interface", PINS, f'interfaces = ["{PINS}"]')]
