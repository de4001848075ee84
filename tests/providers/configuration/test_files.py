"""Variables out of a file or a directory of files, and their changes."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from paddock.errors import ManifestError, PaddockError, Unavailable
from paddock.providers.configuration import watched
from paddock.providers.configuration.directory import DirectoryConfig, DirectoryConfiguration
from paddock.providers.configuration.file import FileConfig, FileConfiguration
from paddock.providers.configuration.watched import WatchedValues
from paddock.providers.options import OptionError
from paddock.providers.registry import find
from paddock.types import Deferred, resolve

TEXTS = {
    "values.toml": 'api_key = "s3cret"\nport = 8080\nratio = 1.5\non = true\n',
    "values.json": '{"api_key": "s3cret", "port": 8080, "ratio": 1.5, "on": true}',
    "values.env": "API_KEY=s3cret\nexport PORT=8080\nRATIO=1.5\non='true'\n",
    ".env": "API_KEY=s3cret\nexport PORT=8080\nRATIO=1.5\non='true'\n",
}
VALUES = {"api_key": "s3cret", "port": "8080", "ratio": "1.5", "on": "true"}


@pytest.fixture(autouse=True)
def looks_at_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched, "INTERVAL", 0.0)


def file(path: Path, **options: object) -> WatchedValues:
    config = FileConfig.from_table({"path": str(path), **options})
    return FileConfiguration.open(config, application="a", name="", state_dir=Path())


def directory(path: Path) -> WatchedValues:
    config = DirectoryConfig.from_table({"path": str(path)})
    return DirectoryConfiguration.open(config, application="a", name="", state_dir=Path())


def got(values: WatchedValues, name: str) -> str | None:
    return asyncio.run(resolve(values.get(name)))


def all_of(values: WatchedValues) -> Mapping[str, str]:
    return asyncio.run(resolve(values.get_all()))


@pytest.mark.parametrize("name", TEXTS)
def test_a_file_is_read_by_its_suffix(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(TEXTS[name])
    values = file(path)
    assert all_of(values) == VALUES
    assert got(values, "absent") is None


def test_a_format_may_be_named_and_a_path_starts_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "values").write_text(TEXTS["values.json"])
    config = FileConfig.from_table({"path": "values", "format": "json"}, tmp_path)
    values = FileConfiguration.open(config, application="a", name="", state_dir=Path())
    assert all_of(values) == VALUES


@pytest.mark.parametrize(
    ("table", "key", "text"),
    [
        ({}, "path", "needs the option `path`"),
        ({"path": "values.yaml"}, "path", "can't read 'values.yaml' as yaml"),
        ({"path": "values.toml", "format": "ini"}, "format", "as ini"),
        ({"path": "values.toml", "pth": "x"}, "pth", "has no option `pth`"),
    ],
)
def test_a_bad_table_is_refused(table: dict[str, object], key: str, text: str) -> None:
    with pytest.raises(OptionError, match=text) as raised:
        FileConfig.from_table(table)
    assert raised.value.key == key


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.toml", 'key = "hidden'),
        ("a.toml", 'key = ["hidden"]'),
        ("a.json", '{"key": "hidden"'),
        ("a.json", '["hidden"]'),
        ("a.json", '{"key": {"inner": "hidden"}}'),
        ("a.env", "key hidden"),
        ("a.toml", b"key = 'hidden\xff'"),
        ("a.toml", "# " + "x" * (1 << 20) + "\nkey = 'hidden'"),
    ],
)
def test_a_bad_file_is_refused_and_its_values_are_not_shown(
    tmp_path: Path, name: str, text: str | bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ManifestError) as raised:
        file(path)
    assert str(path) in str(raised.value)
    chain: BaseException | None = raised.value
    while chain is not None:
        assert "hidden" not in str(chain)
        chain = chain.__cause__


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"absent\.toml can't be read: No such file"):
        file(tmp_path / "absent.toml")


def test_a_changed_file_shows_without_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "values.toml"
    path.write_text('a = "1"\n')
    values = file(path)
    path.with_suffix(".new").write_text('a = "2"\nb = "3"\n')
    os.replace(path.with_suffix(".new"), path)
    assert (got(values, "a"), got(values, "b")) == ("2", "3")


def test_a_file_that_breaks_leaves_its_last_values_and_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "values.toml"
    path.write_text('a = "1"\n')
    values = file(path)
    with caplog.at_level(logging.WARNING, logger="paddock.host"):
        path.write_text('a = "broken')
        assert [got(values, "a"), got(values, "a")] == ["1", "1"]
        path.unlink()
        assert [got(values, "a"), got(values, "a")] == ["1", "1"]
    first, second = caplog.messages
    assert "not valid toml" in first and "broken" not in first
    assert "No such file" in second
    path.write_text('a = "2"\n')
    assert got(values, "a") == "2"


def test_between_two_looks_a_value_is_answered_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched, "INTERVAL", 1.0)
    looks = 0

    class Counted:
        def signature(self) -> object:
            nonlocal looks
            looks += 1
            return looks

        def read(self) -> Mapping[str, str]:
            return {"a": str(looks)}

    now = 10.0
    values = WatchedValues("it", Counted(), clock=lambda: now)
    assert [values.get("a") for _ in range(1000)] == ["1"] * 1000
    assert looks == 1
    now = 11.5
    due = values.get("a")
    assert isinstance(due, Deferred)
    # The reading looks once, for the signature, and so does the check before it.
    assert due() == "3"
    assert values.get("a") == "3"


def test_a_directory_has_a_file_for_each_name(tmp_path: Path) -> None:
    for name, text in {
        "api_key": "s3cret\n",
        "DB-URL": "postgres://x",
        "tls.crt": "a\nb\n\n",
        ".hidden": "no",
    }.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "inner").mkdir()
    values = directory(tmp_path)
    assert all_of(values) == {
        "api_key": "s3cret", "db_url": "postgres://x", "tls_crt": "a\nb\n",
    }  # fmt: skip


def test_a_name_as_it_is_wins_over_a_respelt_one(tmp_path: Path) -> None:
    for name in ("API_KEY", "api_key", "api-key"):
        (tmp_path / name).write_text(name)
    assert got(directory(tmp_path), "api_key") == "api_key"


class Mounted:
    """A volume as Kubernetes makes it: `name -> ..data/name`, `..data -> ..VERSION`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.versions = 0

    def put(self, values: Mapping[str, str]) -> None:
        self.versions += 1
        version = f"..2026_11_25_{self.versions}"
        (self.path / version).mkdir()
        for name, text in values.items():
            (self.path / version / name).write_text(text)
        (self.path / "..data_tmp").symlink_to(version)
        os.replace(self.path / "..data_tmp", self.path / "..data")
        for name in values:
            if not (self.path / name).is_symlink():
                (self.path / name).symlink_to(f"..data/{name}")
        for link in self.path.iterdir():
            if not link.name.startswith("..") and link.name not in values:
                link.unlink()


def test_a_mounted_config_map_changes_without_a_restart(tmp_path: Path) -> None:
    mounted = Mounted(tmp_path)
    mounted.put({"a": "1", "gone": "x"})
    values = directory(tmp_path)
    assert all_of(values) == {"a": "1", "gone": "x"}
    mounted.put({"a": "2", "b": "3"})
    assert all_of(values) == {"a": "2", "b": "3"}
    assert got(values, "gone") is None


@pytest.mark.parametrize(
    "change",
    [
        lambda path: (path / "a").write_text("other"),
        lambda path: (path / "new").write_text("other"),
        lambda path: (path / "a").unlink(),
    ],
)
def test_a_plain_directory_changes_without_a_restart(
    tmp_path: Path, change: Callable[[Path], object]
) -> None:
    (tmp_path / "a").write_text("1")
    values = directory(tmp_path)
    before = all_of(values)
    change(tmp_path)
    assert all_of(values) != before


def too_many(path: Path) -> None:
    for number in range(1001):
        (path / str(number)).touch()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda path: path.rmdir(), "No such file"),
        (too_many, "more than 1000 files"),
        (lambda path: (path / "a").write_bytes(b"hidden\xff"), "is not UTF-8"),
        (lambda path: (path / "a").write_bytes(b"x" * ((1 << 20) + 1)), "larger than 1 MiB"),
    ],
)
def test_what_is_no_directory_of_values_is_refused(
    tmp_path: Path, make: Callable[[Path], object], text: str
) -> None:
    make(tmp_path)
    with pytest.raises(PaddockError, match=text) as raised:
        directory(tmp_path)
    assert "hidden" not in str(raised.value)


@pytest.mark.parametrize("type_name", ["file", "directory", "vault", "static", "env"])
def test_the_registry_knows_each_source(type_name: str) -> None:
    assert find("configuration", type_name).Config is not None


@pytest.mark.parametrize(
    ("capability", "type_name"),
    [("configuration", "azure_key_vault"), ("key_value", "aws_dynamo"), ("sql", "libsql")],
)
def test_a_type_that_only_spin_has_is_refused_with_its_reason(
    capability: str, type_name: str
) -> None:
    with pytest.raises(ManifestError, match=f'"{type_name}" is Spin\'s: .* not supported'):
        find(capability, type_name)
