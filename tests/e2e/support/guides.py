"""Guides of docs/, followed by a test as they stand there."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import venv
from pathlib import Path

from hosts import environment

ROOT = Path(__file__).resolve().parents[3]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: A block for a file begins with its name.
NAMED = re.compile(r"# ([\w.-]+\.(?:py|toml))\n")
#: Creating an environment, and installations which fetch setuptools.
LONGEST = 300


def blocks(guide: str) -> list[tuple[str, str]]:
    """Kind and text of each block of `docs/guides/GUIDE.md`."""
    return BLOCK.findall((ROOT / "docs" / "guides" / f"{guide}.md").read_text(encoding="utf-8"))


def lines_of(guide: str, file: str) -> int:
    """Lines with something on them of a file that a guide shows."""
    (code,) = (text for _, text in blocks(guide) if text.startswith(f"# {file}"))
    return len([line for line in code.splitlines()[1:] if line.strip()])


def script(guide: str) -> list[str]:
    """What to type: files are written, commands are typed."""
    lines = ["set -e"]
    for kind, text in blocks(guide):
        name = NAMED.match(text)
        if name:
            lines.append(f"cat > {name[1]} <<'END-OF-FILE'\n{text}END-OF-FILE")
        elif kind == "sh":
            lines.append(text)
    return lines


def programs(place: Path) -> Path:
    """A fresh environment with pip, in which Paddock and pytest are found, as if installed."""
    venv.create(place, with_pip=True)
    (packages,) = place.glob("lib/python*/site-packages")
    ours = [path for path in sys.path if path.endswith("site-packages")]
    lines = [f"import site; site.addsitedir({path!r})" for path in ours]
    (packages / "paddock-of-the-tests.pth").write_text("\n".join(lines) + "\n")
    script = place / "bin" / "paddock"
    script.write_text(f'#!/bin/sh\nexec {place}/bin/python -m paddock "$@"\n')
    script.chmod(0o755)
    return place / "bin"


def typed(script: str, folder: Path, programs: Path, cache: Path) -> str:
    """What the script printed; its background processes end with it."""
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    written = (folder / "output.txt").open("w+", encoding="utf-8")
    shell = subprocess.Popen(
        ["bash", "-c", script],
        cwd=folder,
        env={**environment(cache), "PATH": path, "PADDOCK": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=written,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        code = shell.wait(LONGEST)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(shell.pid, signal.SIGTERM)
    written.seek(0)
    output = written.read()
    written.close()
    assert code == 0, output
    return output
