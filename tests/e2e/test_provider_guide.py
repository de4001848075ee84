"""docs/guides/write-a-provider.md, followed by the test as it stands there."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from hosts import environment

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "guides" / "write-a-provider.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: A block for a file begins with its name.
NAMED = re.compile(r"# ([\w.-]+\.(?:py|toml))\n")
#: Creating an environment, and two installations which fetch setuptools.
LONGEST = 300


def blocks() -> list[tuple[str, str]]:
    return BLOCK.findall(GUIDE.read_text(encoding="utf-8"))


def test_the_provider_of_the_guide_has_at_most_thirty_lines() -> None:
    (code,) = (text for _, text in blocks() if text.startswith("# json_store.py"))
    assert len([line for line in code.splitlines()[1:] if line.strip()]) <= 30


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A fresh environment with pip, in which Paddock and pytest are found, as if installed."""
    place = tmp_path / "environment"
    venv.create(place, with_pip=True)
    (packages,) = place.glob("lib/python*/site-packages")
    ours = [path for path in sys.path if path.endswith("site-packages")]
    lines = [f"import site; site.addsitedir({path!r})" for path in ours]
    (packages / "paddock-of-the-tests.pth").write_text("\n".join(lines) + "\n")
    script = place / "bin" / "paddock"
    script.write_text(f'#!/bin/sh\nexec {place}/bin/python -m paddock "$@"\n')
    script.chmod(0o755)
    return place / "bin"


@pytest.mark.timeout(LONGEST + 60)
@pytest.mark.skipif(shutil.which("bash") is None, reason="the guide needs bash")
@pytest.mark.skipif(shutil.which("curl") is None, reason="the guide needs curl")
def test_the_guide_works_as_printed(tmp_path: Path, programs: Path, cache: Path) -> None:
    lines = ["set -e"]
    found = blocks()
    for kind, text in found:
        name = NAMED.match(text)
        if name:
            lines.append(f"cat > {name[1]} <<'END-OF-FILE'\n{text}END-OF-FILE")
        elif kind == "sh":
            lines.append(text)
    # The store of the guide behind an application, and what the host says of it.
    lines += [
        "paddock apply --config both.toml",
        "paddock status",
        "paddock stop --wait",
    ]
    lines.insert(-3, "cat host.toml board.toml > both.toml")
    script = "\n".join(lines)
    with socket.create_server(("127.0.0.1", 0)) as free:
        script = script.replace("127.0.0.1:3000", f"127.0.0.1:{free.getsockname()[1]}")
    output = typed(script, tmp_path, programs, cache)
    assert re.search(r"^\d+ passed", output, re.MULTILINE), output
    expected = [text for kind, text in found if kind == "text" and "json" not in text]
    assert len(expected) == 2
    for text in expected:
        assert text in output, (text, output)
    assert "interface acme:gpio/pins@0.1.0  desk, json-store 1.1.0" in output


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
