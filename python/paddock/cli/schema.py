"""Print the JSON schema (draft 2020-12) of a manifest or of a host's configuration.

An editor that knows it completes keys and marks mistakes while you type. With
the Even Better TOML extension: paddock schema > paddock.schema.json, and
"#:schema ./paddock.schema.json" as the first line of paddock.toml.
"""

from __future__ import annotations

import json

from paddock.cli import console
from paddock.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "kind",
        nargs="?",
        default="manifest",
        choices=("manifest", "host"),
        help="manifest (paddock.toml, the default) or host (host.toml)",
    )


def run(parser: Parser, argv: list[str]) -> int:
    """Print the schema to stdout."""
    args = parser.parse(argv)
    from paddock.manifest.schema import application_schema, host_schema

    schema = host_schema() if args.kind == "host" else application_schema()
    console.line(json.dumps(schema, indent=2))
    return 0
