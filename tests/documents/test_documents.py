"""What the documents say about the repository is so."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def documents() -> list[Path]:
    places = ["*.md", "docs/**/*.md", "packaging/*.md", "examples/**/*.md"]
    return sorted(path for place in places for path in ROOT.glob(place))


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_local_link_leads_somewhere(document: Path) -> None:
    links = LINK.findall(document.read_text(encoding="utf-8"))
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (document.parent / link).exists()] == []


def test_every_direct_dependency_is_explained() -> None:
    page = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w-]+)`", page))
    assert crates() | packages() <= named


def crates() -> set[str]:
    found: set[str] = set()
    for manifest in ROOT.glob("crates/*/Cargo.toml"):
        table = tomllib.loads(manifest.read_text(encoding="utf-8"))
        found |= {*table.get("dependencies", {}), *table.get("dev-dependencies", {})}
    return {name for name in found if not name.startswith("paddock-")}


def packages() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"]]
    for file in ROOT.glob("requirements/*.in"):
        lines += file.read_text(encoding="utf-8").splitlines()
    names = [
        re.match(r"[\w-]+", line) for line in lines if line and not line.startswith(("#", "-"))
    ]
    return {name[0] for name in names if name}


def test_the_architecture_names_the_layers_of_the_contract() -> None:
    contract = (ROOT / ".importlinter").read_text(encoding="utf-8")
    layers = re.search(r"^layers =\n((?:    .+\n)+)", contract, re.MULTILINE)
    assert layers
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    table = re.search(r"^\| layer .*\n((?:\|.*\n)+)", page, re.MULTILINE)
    assert table
    named = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\|[^|]*", table[1], re.MULTILINE))))
    # The entry module is no layer of its own, nor are the Python halves of the core.
    assert set(re.findall(r"\w+", layers[1])) - {"__main__", "_bridge", "_options"} == named


def test_every_make_target_of_the_readme_exists() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE)) <= known


def test_nothing_is_committed_that_a_build_makes() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    built = (".so", ".pyd", ".pyc", ".cwasm", ".whl")
    assert [name for name in listed if name.endswith(built)] == []
