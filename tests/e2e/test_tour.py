"""The README's tour, typed by the test as it stands there."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"
BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: Fetching the compiler for Python guests and compiling its component twice.
LONGEST = 600
MARK = "--- block"


def tour() -> list[tuple[str, str]]:
    """The `sh` and `text` blocks between the tour's heading and the next."""
    text = README.read_text(encoding="utf-8")
    section = re.search(r"^## A five-minute tour\n(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    assert section
    return BLOCK.findall(section[1])


@pytest.mark.timeout(LONGEST + 60)
@pytest.mark.skipif(shutil.which("bash") is None, reason="the tour needs bash")
@pytest.mark.skipif(shutil.which("curl") is None, reason="the tour needs curl")
def test_the_tour_works_as_printed(tmp_path: Path) -> None:
    blocks = tour()
    assert len(blocks) > 8
    lines = ["set -e"]
    expected: list[tuple[int, str]] = []
    for number, (kind, content) in enumerate(blocks):
        if kind == "sh":
            lines += [f"echo '{MARK} {number}'", content]
        else:
            expected += [(number - 1, line) for line in content.splitlines()]
    output = typed(with_free_ports("\n".join(lines)), tmp_path)
    for number, line in expected:
        # A host in the background prints its routes into the same terminal.
        block = output.split(f"{MARK} {number}\n")[1].split(MARK)[0]
        assert line in block.splitlines(), output


def with_free_ports(script: str) -> str:
    """The script as it is, but for ports which another program holds already."""
    for address in sorted(set(re.findall(r"127\.0\.0\.1:\d+", script))):
        host, _, port = address.partition(":")
        try:
            socket.create_server((host, int(port))).close()
        except OSError:
            with socket.create_server((host, 0)) as free:
                script = script.replace(address, f"{host}:{free.getsockname()[1]}")
    return script


def typed(script: str, folder: Path) -> str:
    """What the script printed to stdout; its background processes end with it."""
    programs = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    talk = (folder / "stderr.txt").open("w+", encoding="utf-8")
    shell = subprocess.Popen(
        ["bash", "-c", script],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=talk,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = shell.communicate(timeout=LONGEST)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(shell.pid, signal.SIGTERM)
    talk.seek(0)
    assert shell.returncode == 0, output + talk.read()
    talk.close()
    return output
