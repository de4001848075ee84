"""Manifests of other hosts: which one a file is, and the module that reads it.

Each module of this package translates one format (`translate`); nothing else knows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from paddock.manifest.document import Located
    from paddock.manifest.translation import Translation

#: Names of manifests in a directory, after our own and Spin's; the first found wins.
NAMES = (
    "modules.toml",
    "wadm.yaml",
    "wadm.yml",
    "workload.yaml",
    "workload.yml",
    ".wash/config.yaml",
    ".wash/config.yml",
    ".wash/config.json",
    ".wash/config.toml",
)
#: Suffixes of files that YAML's parser reads; JSON is part of YAML.
YAML = (".yaml", ".yml", ".json")


def is_wash(path: Path) -> bool:
    """Whether a file is the configuration of a wash project, by its place."""
    return path.parent.name == ".wash" and path.stem == "config"


def recognised(table: Mapping[str, object], path: Path) -> str | None:
    """The format of a file with this content, as the name of its module; None if it is ours."""
    if is_wash(path):
        return "wash"
    version = str(table.get("apiVersion", ""))
    if version.startswith("core.oam.dev/"):
        return "wadm"
    if version.startswith("runtime.wasmcloud.dev/"):
        return "workload"
    if "spin_version" in table or table.get("spin_manifest_version") in ("1", 1):
        return "spin1"
    ours = any(key in table for key in ("paddock_manifest_version", "spin_manifest_version"))
    if not ours and ("module" in table or path.name == "modules.toml"):
        return "wagi"
    return None


def translate(name: str, document: Located, path: Path) -> Translation:
    """The tables of a file of format `name`; `path` is absolute."""
    module = import_module(f"paddock.manifest.formats.{name}")
    return cast("Translation", module.translate(document, path))
