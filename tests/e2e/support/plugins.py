"""Python packages with entry points, as an installer would leave them, without one."""

from __future__ import annotations

import os
import shutil
import sys
import tomllib
import venv
from collections.abc import Mapping
from pathlib import Path


def installed(project: Path, target: Path) -> Mapping[str, str]:
    """Put the packages of a project into `target`, with its metadata; the environment to use it."""
    table = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for package in project.iterdir():
        if (package / "__init__.py").exists():
            shutil.copytree(package, target / package.name)
        elif package.suffix == ".py":
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(package, target)
    name, version = table["name"], table["version"]
    entries = table["entry-points"]
    metadata(target, name, version, entries)
    return environment(target)


def metadata(
    target: Path, name: str, version: str, entries: Mapping[str, Mapping[str, str]]
) -> None:
    """What importlib.metadata reads of an installed package."""
    info = target / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines: list[str] = []
    for group, items in entries.items():
        lines += [f"[{group}]", *(f"{key} = {value}" for key, value in items.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")


def installation(place: Path, *packages: Path) -> Path:
    """An environment of its own, with Paddock as here and `packages`; its interpreter."""
    venv.create(place, with_pip=False)
    (site,) = place.glob("lib/python*/site-packages")
    ours = [path for path in sys.path if path.endswith("site-packages")]
    lines = [f"import site; site.addsitedir({path!r})" for path in ours]
    text = "\n".join([*map(str, packages), *lines])
    (site / "paddock-of-the-tests.pth").write_text(text + "\n")
    return place / "bin" / "python"


def environment(*paths: Path) -> Mapping[str, str]:
    """PYTHONPATH with `paths` in front of what is there."""
    known = [os.environ["PYTHONPATH"]] if os.environ.get("PYTHONPATH") else []
    return {"PYTHONPATH": os.pathsep.join([*map(str, paths), *known])}
