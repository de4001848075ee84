"""Start a project from a template, in a new folder.

paddock new hello -t http-python
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

from paddock.cli import console
from paddock.cli.parser import Parser
from paddock.errors import HostError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = Path(__file__).parents[1] / "templates"
#: Stands for the project's name in every file of a template.
NAME = "__NAME__"


class Template(NamedTuple):
    """A folder of `templates/`: its `template.toml`, and `files` to copy.

    `wit` are files of `templates/wit` which the project needs in its wit/deps,
    `next` the commands to type afterwards.
    """

    name: str
    description: str
    next: tuple[str, ...]
    wit: tuple[str, ...]


def configure(parser: Parser) -> None:
    """Add the command's options."""
    parser.add_argument("name", nargs="?", help="name of the project, in kebab-case")
    parser.add_argument("-t", "--template", metavar="TEMPLATE", help="see --list")
    parser.add_argument("-o", "--output", metavar="DIR", type=Path, help="default: the name")
    parser.add_argument("--list", action="store_true", help="list the templates")


def run(parser: Parser, argv: list[str]) -> int:
    """Write the project; refuses a folder that holds anything."""
    args = parser.parse(argv)
    known = templates()
    if args.list:
        for each in known.values():
            console.line(f"{each.name:<14}{each.description}")
        return 0
    if args.name is None:
        raise UsageError("the name is missing", hint="paddock new NAME -t TEMPLATE")
    name = _checked(args.name)
    template = _chosen(args.template, known)
    target: Path = args.output or Path(name)
    _write(template, name, target)
    console.done(f"Created {target} from the template {template.name}.")
    console.say("Next:")
    for command in (f"cd {target}", *template.next):
        console.say(f"  {command}")
    return 0


def templates() -> Mapping[str, Template]:
    """The templates of this package, by name."""
    import tomllib

    found: dict[str, Template] = {}
    for file in sorted(FOLDER.glob("*/template.toml")):
        table = cast("dict[str, object]", tomllib.loads(file.read_text(encoding="utf-8")))
        name = file.parent.name
        found[name] = Template(
            name,
            str(table["description"]),
            tuple(cast("list[str]", table["next"])),
            tuple(cast("list[str]", table["wit"])),
        )
    return found


def _chosen(name: str | None, known: Mapping[str, Template]) -> Template:
    if name is None:
        raise UsageError(
            "which template?", hint=f"add -t with one of: {', '.join(known)} (paddock new --list)"
        )
    if name in known:
        return known[name]
    from paddock.manifest.names import did_you_mean

    raise UsageError(
        f"there is no template '{name}'", hint=did_you_mean(name, known, what="templates")
    )


def _checked(name: str) -> str:
    from paddock.manifest.names import kebab

    good = kebab(name, "hello")
    if name == good:
        return name
    raise UsageError(
        f"the name '{name}' is not in kebab-case",
        hint=f"use words of lower-case letters and digits joined by '-', such as '{good}'",
    )


def _write(template: Template, name: str, target: Path) -> None:
    try:
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise UsageError(
                f"{target} exists already, nothing was written",
                hint="choose another name, or another folder with --output",
            )
        _copy(template, name, target)
    except OSError as error:
        raise HostError(f"can't write the project to {target}: {error.strerror}") from error


def _copy(template: Template, name: str, target: Path) -> None:
    source = FOLDER / template.name / "files"
    for file in sorted(source.rglob("*")):
        if not file.is_file() or "__pycache__" in file.parts:
            continue
        relative = file.relative_to(source)
        # A package index may drop a file called .gitignore.
        if relative.name == "gitignore":
            relative = relative.with_name(".gitignore")
        copy = target / relative
        copy.parent.mkdir(parents=True, exist_ok=True)
        text = file.read_text(encoding="utf-8").replace(NAME, name)
        copy.write_text(text, encoding="utf-8", newline="\n")
    for wit in template.wit:
        folder = target / "wit" / "deps"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(FOLDER / "wit" / wit, folder / wit)
