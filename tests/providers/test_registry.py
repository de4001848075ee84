"""Providers are found by capability and type name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from paddock.errors import ManifestError, PaddockError
from paddock.providers import own, registry
from paddock.triggers import registry as triggers

#: What a table needs at least, by type.
NEEDED = {
    "redis": {"url": "redis://host"},
    "nats": {"url": "nats://host"},
    "postgres": {"url": "postgres://host"},
    "mysql": {"url": "mysql://host"},
    "mariadb": {"url": "mysql://host"},
    "mqtt": {"url": "mqtt://host"},
    "kafka": {"url": "kafka://host"},
    "s3": {"bucket": "b", "access_key": "a", "secret_key": "s"},
    "file": {"path": "values.toml"},
    "directory": {"path": "values"},
    "vault": {"url": "http://host", "token": "t", "mount": "m", "path": "p"},
    "otlp": {"endpoint": "http://host"},
}


@pytest.mark.parametrize(
    ("capability", "type_name"),
    [(capability, name) for capability, names in registry.BUILT_IN.items() for name in names],
)
def test_every_built_in_provider_can_be_found_and_configured(
    capability: str, type_name: str
) -> None:
    provider = registry.find(capability, type_name)
    if not hasattr(provider, "Config"):
        # It only opens clients for addresses of guests.
        assert hasattr(provider, "open_address")
        return
    table = NEEDED.get(type_name, {})
    first = provider.Config.from_table({"type": type_name, **table}, Path("/etc"))
    assert first == provider.Config.from_table({"type": type_name, **table}, Path("/etc"))
    assert hash(first) == hash(provider.Config.from_table(table, Path("/etc")))


def test_a_built_in_provider_is_found_without_reading_package_metadata() -> None:
    code = (
        "import sys\n"
        "from paddock.providers.registry import find\n"
        "find('key_value', 'memory')\n"
        "sys.exit('importlib.metadata' in sys.modules)\n"
    )
    assert (
        subprocess.run(
            [sys.executable, "-S", "-c", code], env={"PYTHONPATH": ":".join(sys.path)}, check=False
        ).returncode
        == 0
    )


def test_an_unknown_type_names_the_known_and_the_nearest() -> None:
    with pytest.raises(ManifestError, match='no key-value provider of type "sqlit"') as raised:
        registry.find("key_value", "sqlit")
    assert raised.value.hint is not None
    assert 'did you mean "sqlite"?' in raised.value.hint
    assert "known types: filesystem, memory, nats, postgres, redis, spin, sqlite" in (
        raised.value.hint
    )


def installed(folder: Path, group: str, line: str) -> None:
    info = folder / "acme-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{group}]\n{line}\n")


def test_a_third_partys_provider_is_found_through_its_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = "paddock.providers.key_value.memory:MemoryKeyValue"
    installed(tmp_path, "paddock.providers.key_value", f"acme = {target}")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert registry.find("key_value", "acme") is registry.find("key_value", "memory")
    assert "acme" in registry.known("key_value")
    assert "acme" not in registry.known("configuration")


@pytest.mark.parametrize(
    "module", ["def", "raise RuntimeError('no board')", "import acme_missing"], ids=str.split
)
def test_a_module_that_fails_in_any_way_is_a_plain_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    installed(
        tmp_path,
        "paddock.providers.key_value",
        "acme = acme_broken:Store\n[paddock.triggers]\nacme = acme_broken:Tick\n"
        "[paddock.interfaces]\nacme:a/b@1.0.0 = acme_broken:Pins",
    )
    (tmp_path / "acme_broken.py").write_text(module)
    monkeypatch.syspath_prepend(str(tmp_path))
    for find in (
        lambda: registry.find("key_value", "acme"),
        lambda: triggers.find("acme"),
        lambda: own.find("acme:a/b@1.0.0", "default"),
    ):
        with pytest.raises(PaddockError, match="can't be loaded from acme_broken"):
            find()


def test_a_provider_that_can_not_be_imported_is_a_plain_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(tmp_path, "paddock.providers.key_value", "acme = acme.missing:Store")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ManifestError, match="can't be loaded from acme"):
        registry.find("key_value", "acme")
