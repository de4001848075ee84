"""Build the components of an application, as [component.ID.build] says.

Each component's commands run in its workdir, one after another; what they print
is shown as it comes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from paddock.cli import console
from paddock.cli.parser import Parser
from paddock.errors import BuildError, UsageError

if TYPE_CHECKING:
    from paddock.manifest.model import Application, Build, Component


def configure(parser: Parser) -> None:
    """Add the command's options."""
    parser.add_argument("path", nargs="?", type=Path, default=Path(), help="default: .")
    parser.add_argument("-f", "--from", dest="path_option", type=Path, help="the same, as in Spin")
    parser.add_argument(
        "-c",
        "--component",
        action="append",
        default=[],
        metavar="ID",
        help="build only this one (may be repeated)",
    )
    parser.add_argument(
        "--profile", metavar="NAME", help="as [component.ID.profile.NAME] says, where there is one"
    )


def run(parser: Parser, argv: list[str]) -> int:
    """Build; raises BuildError at the first command that fails."""
    args = parser.parse(argv)
    build(args.path_option or args.path, args.component, args.profile)
    return 0


def build(path: Path, only: Iterable[str] = (), profile: str | None = None) -> None:
    """Build the application at `path`, or the components `only` of it, in its `profile`."""
    from paddock.manifest.reader import load

    application = load(path, profile)
    chosen = _chosen(application, list(only))
    if not chosen:
        console.say(f"Nothing to build: no component of '{application.name}' has a build command.")
        return
    for component, commands in chosen:
        _component(component, commands)


def _chosen(application: Application, only: list[str]) -> list[tuple[Component, Build]]:
    from paddock.manifest.names import did_you_mean

    known = application.components
    for name in only:
        if name not in known:
            raise UsageError(
                f"'{application.name}' has no component '{name}'",
                hint=did_you_mean(name, known, what="components"),
            )
        if known[name].build is None:
            raise UsageError(
                f"component '{name}' has no build command",
                hint=f"add one to {known[name].location.file}: [component.{name}.build]",
            )
    wanted = only or known
    return [(each, each.build) for each in known.values() if each.build and each.id in wanted]


def _component(component: Component, commands: Build) -> None:
    start = time.monotonic()
    environment = _environment(commands.command)
    for command in commands.command:
        console.step(f"Building {component.id}: {command}")
        _run(component, command, commands.workdir, environment)
    console.done(f"Built {component.id} in {console.elapsed(time.monotonic() - start)}.")


def _environment(commands: tuple[str, ...]) -> Mapping[str, str]:
    from paddock.cli.tools import folders_for

    folders = [str(folder) for folder in folders_for(commands)]
    if not folders:
        return os.environ
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *folders])
    return {**os.environ, "PATH": path}


def _run(component: Component, command: str, workdir: Path, environment: Mapping[str, str]) -> None:
    try:
        # stdout is kept for data, and what a build prints is talk.
        ended = subprocess.run(
            command,
            shell=True,
            cwd=workdir,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr.fileno(),
            check=False,
        )
    except OSError as error:
        raise BuildError(
            f"component '{component.id}': can't start a build in {workdir}: {error.strerror}",
            hint="check 'workdir' in its build table",
        ) from error
    if ended.returncode == 0:
        return
    how = "ended with exit code" if ended.returncode > 0 else "was ended by signal"
    raise BuildError(
        f"component '{component.id}': the build command {how} {abs(ended.returncode)}: {command}",
        hint=_hint(ended.returncode, component),
    )


def _hint(code: int, component: Component) -> str:
    where = component.build.location if component.build else component.location
    if code == 127:
        return f"its program was not found; install it or change the command at {where}"
    return f"what went wrong stands above; the command is set at {where}"
