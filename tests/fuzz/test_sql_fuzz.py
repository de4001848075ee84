"""Statements made of what has misled readers of SQL, through the rewriter and the products."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.services.mariadb import MariadbServer
from tests.services.postgres import PostgresServer

from paddock.capabilities.sql import Dialect, Portable, SqlDatabase
from paddock.capabilities.sql_portable import native
from paddock.capabilities.sql_text import tokens
from paddock.capabilities.sql_values import Value
from paddock.errors import StatementError
from paddock.providers.sql.mysql import MysqlConfig, MysqlSql
from paddock.providers.sql.postgres import PostgresConfig, PostgresSql
from paddock.types import resolve

DIALECTS: tuple[Dialect, ...] = ("sqlite", "postgres", "mysql")

#: Pieces that begin, end or hide something.
PIECES = (
    "'", '"', "`", "?", "$1", "$2", "$$", "$a$", "--", "/*", "*/", "#", "\n", " ", "\\", "e'", "E'",
    "x'", "''", '""', ";", "(", ")", ",", "1", "1e5", "a", "é", "[", "]", ":", "::", "CREATE TABLE",
    "DATE", "TIMESTAMP", "U&'", "_utf8'", "\x00", "$", "?1", "@", "||", "GENERATED", "IDENTITY",
    "PRIMARY KEY", "ADD COLUMN", "ALTER TABLE",
)  # fmt: skip
soup = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=30).map("".join)


@given(soup, st.sampled_from(DIALECTS))
@settings(max_examples=500, deadline=None)
def test_the_pieces_of_any_text_are_that_text(text: str, dialect: Dialect) -> None:
    found = list(tokens(text, dialect))
    assert "".join(token.text for token in found) == text
    assert all(token.text for token in found)


@given(soup, st.sampled_from(DIALECTS), st.integers(0, 4))
@settings(max_examples=500, deadline=None)
def test_any_text_is_rewritten_or_refused_and_parameters_are_only_those_given(
    text: str, dialect: Dialect, count: int
) -> None:
    params = list(range(count))
    try:
        _, found = native(Portable(text), params, dialect)
    except StatementError:
        return
    assert set(found) <= set(params)


@given(soup, st.sampled_from(DIALECTS))
@settings(max_examples=500, deadline=None)
def test_a_statement_without_placeholders_and_types_is_not_touched(
    text: str, dialect: Dialect
) -> None:
    for sign in ("?", "$", "CREATE", "ALTER", "--"):
        text = text.replace(sign, "")
    assert native(Portable(text), [], dialect) == (text, [])


class Statement:
    """A SELECT of literals and placeholders with their values, and comments in between."""

    def __init__(self, seed: int, dialect: Dialect) -> None:
        self.chance = random.Random(seed)
        self.dialect = dialect
        self.numbered = self.chance.random() < 0.5
        self.params: list[Value] = [self.text() for _ in range(self.chance.randint(1, 4))]
        self.used = 0
        self.names: list[str] = []
        self.wanted: list[Value] = []
        parts = [self.column(n) for n in range(self.chance.randint(1, 5))]
        while self.used < len(self.params):
            # Every parameter stands somewhere.
            parts.append(self.placeholder(len(parts)))
        self.sql = f"{self.comment()}SELECT{self.comment()} " + f" ,{self.comment()}".join(parts)
        self.sql += self.comment()

    def text(self) -> str:
        usable = [piece for piece in PIECES if piece != "\x00"]
        return "".join(self.chance.choice(usable) for _ in range(self.chance.randint(0, 6)))

    def comment(self) -> str:
        inside = self.text().replace("*/", "").replace("/*", "").replace("*", "").replace("/", "")
        return self.chance.choice(
            ["", " ", "\n", f"/*{inside}*/", f" --{inside}".replace("\n", " ") + "\n"]
        )

    def column(self, number: int) -> str:
        if self.used < len(self.params) and self.chance.random() < 0.5:
            return self.placeholder(number)
        value = self.text()
        return self.named(number, "'" + value.replace("'", "''") + "'", value)

    def placeholder(self, number: int) -> str:
        at = self.used
        self.used += 1
        mark = f"${at + 1}" if self.numbered else "?"
        return self.named(number, f"CAST({mark} AS CHAR(90))", self.params[at])

    def named(self, number: int, expression: str, value: Value) -> str:
        name = f"{number}{self.text()}".replace("\n", "").rstrip()[:20].rstrip()
        self.names.append(name)
        self.wanted.append(value)
        return f'{expression}{self.comment()} AS "{name.replace(chr(34), chr(34) * 2)}"'


def test_sqlite_reads_statements_as_the_rewriter_does() -> None:
    raw = sqlite3.connect(":memory:")
    for seed in range(800):
        made = Statement(seed, "sqlite")
        sql, params = native(Portable(made.sql), made.params, "sqlite")
        cursor = raw.execute(sql, list(params))
        assert list(cursor.fetchone()) == made.wanted, made.sql
        assert [column[0] for column in cursor.description] == made.names, made.sql


@pytest.fixture(params=["postgres", "mysql"])
def server(
    request: pytest.FixtureRequest,
    postgres_server: PostgresServer,
    mariadb_server: MariadbServer,
    tmp_path: Path,
) -> Callable[[], Awaitable[SqlDatabase]]:
    where = {"application": "fuzz", "name": "default", "state_dir": tmp_path}
    if request.param == "postgres":
        config = PostgresConfig.from_table({"url": postgres_server.url})
        return lambda: PostgresSql.open(config, **where)
    return lambda: MysqlSql.open(MysqlConfig.from_table({"url": mariadb_server.url}), **where)


async def test_servers_read_statements_as_the_rewriter_does(
    server: Callable[[], Awaitable[SqlDatabase]],
) -> None:
    database = await server()
    session = database.session()
    for seed in range(120):
        made = Statement(seed, database.dialect)
        table = await resolve(session.fetch(Portable(made.sql), made.params))
        found = [str(value).rstrip() for value in table.rows[0]]
        assert found == [str(value).rstrip() for value in made.wanted], made.sql
        assert [column.name for column in table.columns] == made.names, made.sql
    await resolve(session.close())
    await resolve(database.close())
