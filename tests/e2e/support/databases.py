"""Asks guests of SQL interfaces, and keeps them busy."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlencode

import httpx
import writers
from hosts import Running
from manifests import routed

#: A statement with its parameters, as the guests want them.
Statement = str | tuple[str, ...]

GUESTS = {
    "spin": "sql-spin",
    "spin1": "sql-spin-unversioned",
    "spin3": "sql-spin3",
    "neutral": "sql",
}
GRANTS = """sqlite_databases = ["default"]
sql_databases = ["default", "pg", "my"]
allowed_outbound_hosts = ["postgres://127.0.0.1:*", "mysql://127.0.0.1:*"]
"""


def part(who: str, grants: str = GRANTS, label: str | None = None) -> str:
    """A guest under a host name of its own, since it looks at the whole path."""
    source = Path(__file__).resolve().parents[2] / "guests" / "rust" / GUESTS[who]
    text = routed(label or who, source / f"{GUESTS[who]}.wasm", grants, "/...")
    return text.replace('"/..."', f'"/..."\nhost = "{label or who}.test"')


def url_of(path: str, statements: Sequence[Statement], **options: str) -> str:
    """The URL of a request; the order of statements and parameters matters."""
    query: list[tuple[str, str]] = []
    for statement in statements:
        sql, *params = (statement,) if isinstance(statement, str) else statement
        query.append(("sql", sql))
        query += [("p", param) for param in params]
    return f"{path}?{urlencode([*query, *options.items()])}"


def ask(
    host: Running, who: str, path: str, *statements: Statement, **options: str
) -> tuple[int, list[object]]:
    """Status and answers: a list of rows of texts for a query, after that of columns."""
    response = host.get(url_of(path, statements, **options), headers={"host": f"{who}.test"})
    answers: list[object] = []
    for answer in response.text.removesuffix("\n").split("\n\n"):
        lines = answer.split("\n")
        answers.append([_line(line) for line in lines] if answer[:1] == "[" else answer)
    return response.status_code, answers


def _line(line: str) -> object:
    return json.loads(line) if line[:1] == "[" else line


def rows(host: Running, who: str, path: str, statement: Statement, **options: str) -> list[object]:
    """The rows of one query that has to succeed."""
    status, answers = ask(host, who, path, statement, **options)
    assert status == 200, answers
    found = answers[0]
    assert isinstance(found, list), answers
    return found[1:]


class Writers(writers.Writers):
    """Threads that insert names."""

    def __init__(self, host: Running, who: str, path: str, insert: str, **options: str) -> None:
        def write(client: httpx.Client, name: str) -> httpx.Response:
            return client.get(url_of(path, [(insert, f"text:{name}")], **options))

        super().__init__(host, write, (who,))
