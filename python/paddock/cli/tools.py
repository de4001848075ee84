"""Build tools which `paddock build` fetches when they are not installed.

A manifest names a plain command, so that the same file builds with any other
runner; only a program that is missing from the PATH, and is known here, is
installed, into a virtual environment of its own in the user's cache. The user's
own installation always wins.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from paddock.cli import console
from paddock.errors import BuildError


class Tool(NamedTuple):
    """A package of the Python Package Index that has a program."""

    package: str
    version: str


#: By program. The version is the one that the templates were tried with.
KNOWN = {"componentize-py": Tool("componentize-py", "0.25.1")}


def folders_for(commands: Iterable[str]) -> list[Path]:
    """Folders to append to the PATH for these shell commands; installs what is missing.

    Raises BuildError when an installation fails.
    """
    folders: list[Path] = []
    for program in dict.fromkeys(filter(None, map(_program, commands))):
        tool = KNOWN.get(program)
        if tool is not None and shutil.which(program) is None:
            folders.append(_installed(program, tool))
    return folders


def _program(command: str) -> str | None:
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    # Settings such as A=b may stand in front of the program.
    return next((word for word in words if "=" not in word), None)


def _installed(program: str, tool: Tool) -> Path:
    from paddock.host.state import cache_directory

    home = cache_directory() / "tools" / f"{tool.package}-{tool.version}"
    folder = home / ("Scripts" if sys.platform == "win32" else "bin")
    if shutil.which(program, path=str(folder)) and (home / "complete").is_file():
        return folder
    with console.progress(f"Installing {tool.package} {tool.version} (needed once)"):
        _install(home, folder, tool)
    return folder


def _install(home: Path, folder: Path, tool: Tool) -> None:
    wanted = f"{tool.package}=={tool.version}"
    # An installation that was interrupted is begun again.
    _call([sys.executable, "-m", "venv", "--clear", str(home)], f"make {home}")
    python = folder / ("python.exe" if sys.platform == "win32" else "python")
    _call(
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wanted],
        f"install {wanted}",
    )
    (home / "complete").touch()


def _call(command: list[str], what: str) -> None:
    ended = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
    )
    if ended.returncode == 0:
        return
    lines = (ended.stderr or ended.stdout).strip().splitlines()
    raise BuildError(
        f"could not {what}: {lines[-1] if lines else f'exit code {ended.returncode}'}",
        hint="install it yourself so that it is on the PATH, and build again",
    )
