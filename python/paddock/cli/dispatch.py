"""Finds the command that was typed, runs it, and says what went wrong.

Only the module of that command is imported, and `--help` imports none: how fast
`paddock` answers is a feature.
"""

from __future__ import annotations

import os
from typing import NamedTuple, Protocol, cast

from paddock.cli import console
from paddock.cli.parser import Parser
from paddock.errors import PaddockError, UsageError

#: What BSD's sysexits calls EX_SOFTWARE: the fault is ours.
EXIT_BUG = 70
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141


class Command(Protocol):
    """What a module of a command offers."""

    def configure(self, parser: Parser) -> None:
        """Add the command's options."""
        ...

    def run(self, parser: Parser, argv: list[str]) -> int:
        """Parse `argv` and do it; returns the exit code, raises PaddockError."""
        ...


class Entry(NamedTuple):
    """A command of the table: the module in this package, and one line about it."""

    module: str
    about: str


COMMANDS = {
    "new": Entry("new", "start a project from a template"),
    "build": Entry("build", "build the components of an application"),
    "up": Entry("up", "serve an application from its manifest"),
    "run": Entry("run", "run a command component or module, or call one export"),
    "serve": Entry("serve", "serve one HTTP component, without a manifest"),
    "status": Entry("status", "what a running host serves"),
    "apply": Entry("apply", "apply a changed manifest or configuration to a running host"),
    "upgrade": Entry("upgrade", "exchange the process of a running host, without a failed request"),
    "stop": Entry("stop", "let a running host finish its work and end"),
    "inspect": Entry("inspect", "what a file imports and exports, and which grants it needs"),
    "grants": Entry("grants", "what each component may use and why, next to what it imports"),
    "doctor": Entry("doctor", "what of an application will work here, and what will not"),
    "convert": Entry("convert", "write the paddock.toml that means the same as another manifest"),
    "compile": Entry("compile", "compile a file to machine code ahead of time"),
    "schema": Entry("schema", "JSON schema of the manifest or of the host's configuration"),
    "version": Entry("version", "versions of Paddock and of what it is made of"),
}

USE_TABLE = """\
Which one to use:
  command  for                                   gets                      ends
  run      a program: wasi:cli/run, _start,      arguments, terminal,      when the program does,
           or one export (--invoke)              --dir, --env              with its exit code
  serve    one wasi:http component, to try it    --addr, --dir, --env      Ctrl-C
  up       an application: a manifest with       what the manifest         Ctrl-C, paddock stop
           routes, stores, variables, limits     grants
"""


def dispatch(argv: list[str]) -> int:
    """Run one command line and turn every outcome into an exit code."""
    try:
        code = _command(argv)
        console.data("")
        return code
    except PaddockError as error:
        console.error(error)
        return error.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output is gone.
        console.silence()
        return EXIT_BROKEN_PIPE
    except Exception as error:
        return _bug(error)


def _command(argv: list[str]) -> int:
    if not argv or argv[0] in ("-h", "--help", "help"):
        if len(argv) > 1 and argv[0] == "help":
            return _command([argv[1], "--help"])
        console.data(overview())
        return 0 if argv else UsageError.exit_code
    name = "version" if argv[0] in ("-V", "--version") else argv[0]
    entry = COMMANDS.get(name)
    if entry is None:
        raise _unknown(name)
    import importlib

    module = importlib.import_module(f"paddock.cli.{entry.module}")
    command = cast("Command", module)
    parser = Parser(name, (module.__doc__ or entry.about).strip())
    command.configure(parser)
    return command.run(parser, argv[1:])


def overview() -> str:
    """What `paddock --help` prints."""
    lines = ["Paddock runs WebAssembly components as applications.", ""]
    lines += ["usage: paddock COMMAND [OPTIONS]", "", "Commands:"]
    width = max(map(len, COMMANDS))
    lines += [f"  {name:<{width}}  {entry.about}" for name, entry in COMMANDS.items()]
    lines += ["", USE_TABLE.rstrip(), "", "Options of a command: paddock COMMAND --help", ""]
    return "\n".join(lines)


def _unknown(name: str) -> UsageError:
    if name.startswith("-"):
        return UsageError(f"unknown option {name}", hint="paddock --help lists the commands")
    from paddock.manifest.names import did_you_mean

    if name.endswith((".wasm", ".wat", ".toml")):
        return UsageError(
            f"there is no command '{name}'",
            hint=f"to run that file: paddock run {name}, or to serve it: paddock up {name}",
        )
    return UsageError(
        f"there is no command '{name}'", hint=did_you_mean(name, COMMANDS, what="commands")
    )


def _bug(error: Exception) -> int:
    if os.environ.get("PADDOCK_DEBUG") == "1":
        import traceback

        traceback.print_exception(error)
    summary = " ".join(str(error).split())[:200]
    console.error(
        PaddockError(
            f"Paddock failed unexpectedly ({type(error).__name__}: {summary})",
            hint="this is a flaw in Paddock, not in what you typed: run it again with "
            "PADDOCK_DEBUG=1 and report the traceback to the project's issue tracker",
        )
    )
    return EXIT_BUG
