"""Files of a component: gathered by content, and never from outside the application."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from paddock.errors import PlanError
from paddock.host.assets import mounts
from paddock.manifest.model import Application, Component, FileMount, FilePattern


@pytest.fixture
def base(tmp_path: Path) -> Path:
    base = tmp_path / "app"
    for name in ("a.txt", "pages/p.html", "pages/deep/q.html", "pages/draft.html"):
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_text(name)
    (tmp_path / "secret").write_text("secret")
    return base


def gathered(
    base: Path, *files: FilePattern | FileMount, exclude: tuple[str, ...] = ()
) -> list[tuple[Path, str]]:
    component = Component("c", base / "c.wasm", files=files, exclude_files=exclude)
    application = Application("a", components={"c": component}, base=base)
    found = mounts(application, component, base.parent / "state")
    assert not any(writable for _, _, writable in found)
    return [(Path(host), guest) for host, guest, _ in found]


def names(directory: Path) -> list[str]:
    return sorted(
        path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()
    )


def test_patterns_keep_their_paths_below_the_root(base: Path) -> None:
    [(directory, guest)] = gathered(base, FilePattern("a.txt"), FilePattern("pages/**/*.html"))
    assert guest == "/"
    assert names(directory) == ["a.txt", "pages/deep/q.html", "pages/draft.html", "pages/p.html"]


def test_a_directory_that_a_pattern_names_comes_whole(base: Path) -> None:
    [(directory, _)] = gathered(base, FilePattern("pages"), exclude=("pages/draft*",))
    assert names(directory) == ["pages/deep/q.html", "pages/p.html"]


def test_a_file_can_stand_elsewhere_and_a_directory_is_seen_as_it_is(base: Path) -> None:
    found = gathered(
        base, FileMount(base / "a.txt", "/etc/b.txt"), FileMount(base / "pages", "/www")
    )
    assert [guest for _, guest in found] == ["/", "/www"]
    assert names(found[0][0]) == ["etc/b.txt"]
    assert found[1][0] == base / "pages"


def test_the_same_content_is_kept_once_and_a_change_makes_another(base: Path) -> None:
    [(first, _)] = gathered(base, FilePattern("a.txt"))
    assert gathered(base, FilePattern("a.txt")) == [(first, "/")]
    (base / "a.txt").write_text("changed")
    [(second, _)] = gathered(base, FilePattern("a.txt"))
    assert (second != first, (first / "a.txt").read_text()) == (True, "a.txt")


@pytest.mark.parametrize("pattern", ["link", "pages", "pages/*", "../secret"])
def test_nothing_from_outside_the_application_is_gathered(base: Path, pattern: str) -> None:
    os.symlink(base.parent / "secret", base / "link")
    os.symlink(base.parent / "secret", base / "pages" / "link")
    with pytest.raises(PlanError, match="lies outside"):
        gathered(base, FilePattern(pattern))


@pytest.mark.parametrize("entry", [FilePattern("absent.txt"), FileMount(Path("/absent"), "/x")])
def test_what_is_missing_refuses_the_plan_with_a_hint(
    base: Path, entry: FilePattern | FileMount
) -> None:
    with pytest.raises(PlanError) as caught:
        gathered(base, entry)
    assert caught.value.hint and "absent" in caught.value.message
