"""What is offered, and how it is found and made."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from paddock.errors import NotFound
from paddock.interfaces import OFFERED, Grants, Offer, bind, find, nearest

CAPABILITIES = {
    "absent", "blob", "configuration", "key_value", "logging", "messaging", "outbound", "secrets", "sql",
    "sqlite", "telemetry",
}  # fmt: skip


@pytest.mark.parametrize("interface", OFFERED)
def test_every_offer_can_be_bound_with_nothing_granted(interface: str) -> None:
    offer = OFFERED[interface]
    assert offer.capability in CAPABILITIES
    assert interface.replace("@", " ") in offer.plain_words
    assert bind(interface, Grants("app", "api")) is not None


def test_the_catalogue_is_read_without_loading_any_facade_or_package_metadata() -> None:
    code = (
        "import sys\n"
        "from paddock.interfaces import find\n"
        "assert find('wasi:keyvalue/store@0.2.0-draft2')\n"
        "loaded = [name for name in sys.modules if name.startswith('paddock.interfaces.')]\n"
        "assert {name.rpartition('.')[2] for name in loaded} <= {'catalogue', 'grants', 'nearest'}\n"
        "assert not {'importlib.metadata', 'asyncio', 'sqlite3', 'logging'} & set(sys.modules)\n"
    )
    environment = {"PYTHONPATH": ":".join(sys.path)}
    ended = subprocess.run([sys.executable, "-S", "-c", code], env=environment, check=False)
    assert ended.returncode == 0


@pytest.mark.parametrize(
    ("asked", "offered"),
    [
        ("wasi:keyvalue/store@0.2.0-draft3", "wasi:keyvalue/store@0.2.0-draft2"),
        ("wasi:config/store@0.2.0-rc.2", "wasi:config/store@0.2.0-rc.1"),
        ("fermyon:spin/key-value@1.0.0", "fermyon:spin/key-value@2.0.0"),
        ("wasi:logging/logging@0.2.0", "wasi:logging/logging@0.1.0-draft"),
        ("wasi:keyvalue/stores@0.2.0-draft2", "wasi:keyvalue/store@0.2.0-draft2"),
        ("acme:thing/thing@1.0.0", None),
    ],
)
def test_the_nearest_offer_is_another_version_first(asked: str, offered: str | None) -> None:
    assert nearest(asked) == offered


def test_what_is_not_offered_can_not_be_bound() -> None:
    assert find("acme:thing/thing@1.0.0") is None
    with pytest.raises(NotFound, match="acme:thing/thing@1"):
        bind("acme:thing/thing@1.0.0", Grants("app", "api"))


def test_a_third_partys_interface_is_found_through_its_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "acme-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[paddock.interfaces]\nacme:clock/clock@1.0.0 = acme_clock:CLOCK\n"
    )
    (tmp_path / "acme_clock.py").write_text(
        "from paddock.interfaces import Offer\n"
        "CLOCK = Offer('acme_clock', 'Clock', 'clock', 'a clock')\n"
        "class Clock:\n"
        "    def __init__(self, grants):\n"
        "        self.zone = grants.extra['clock']\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    offer = find("acme:clock/clock@1.0.0")
    assert isinstance(offer, Offer)
    made = bind("acme:clock/clock@1.0.0", Grants("app", "api", extra={"clock": "UTC"}))
    assert made.__dict__ == {"zone": "UTC"}
