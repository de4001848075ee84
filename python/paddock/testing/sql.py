"""The conformance suite for SQL providers, to be run by pytest.

    class TestCockroach(SqlSuite):
        requirements = Requirements(generated_keys=False)

        def make_database(self) -> Reply[SqlDatabase]:
            return CockroachDatabase(URL)

`make_database` answers an open database, or a coroutine that does; all of one test
runs on one event loop. Each test makes tables of its own names and drops them.
Statements are the portable ones of `paddock.capabilities.sql_portable`.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cached_property, partial
from typing import ClassVar, TypeVar, cast
from uuid import UUID

from paddock.capabilities.sql import Outcome, Portable, Row, Rows, Session, SqlDatabase, Table
from paddock.capabilities.sql_values import Json, Value
from paddock.errors import CapabilityError, StatementError, Unavailable
from paddock.testing.suite import ProviderSuite, in_threads
from paddock.types import Reply, resolve

T = TypeVar("T")

#: Texts that have broken databases: quotes, comments, placeholders, other scripts.
TEXTS = (
    "", " ", "a'b", 'a"b', "a`b", "a\\", "\\'", "?", "$1", "%s", ":a", "--", "/*", "*/", ";",
    "a\nb", "\t", "é", "日本", "🦆", "x" * 5000, "NULL", "' OR 1=1 --",
)  # fmt: skip

#: A portable type and values of it that come back as they were.
TYPED: tuple[tuple[str, tuple[Value, ...]], ...] = (
    ("BOOLEAN", (True, False)),
    ("SMALLINT", (-32768, 0, 32767)),
    ("INTEGER", (-(2**31), 2**31 - 1)),
    ("BIGINT", (-(2**63), 2**63 - 1)),
    ("DOUBLE PRECISION", (0.1, -1e300, 1e-300)),
    ("DECIMAL(30, 10)", (Decimal("12345678901234567890.0123456789"), Decimal("-0.0000000001"))),
    ("TEXT", TEXTS),
    ("VARCHAR(100)", ("é", "")),
    ("BYTES", (b"", b"\x00'\\\xff", bytes(range(256)) * 50)),
    ("DATE", (date(1, 1, 1), date(2024, 2, 29), date(9999, 12, 31))),
    ("TIME", (time(0), time(23, 59, 59, 999999))),
    ("TIMESTAMP", (datetime(1000, 1, 1), datetime(2024, 2, 29, 23, 59, 59, 123456))),
    ("TIMESTAMPTZ", (datetime(2024, 2, 29, 23, 59, 59, 123456, UTC),)),
)


@dataclass(frozen=True, slots=True)
class Requirements:
    """What a provider claims beyond the contract, or can't do, as data.

    last_id: `Outcome.last_id` has the key that an insert generated.
    own_types: UUID and JSON come back as such, not as text.
    returning: INSERT … RETURNING.
    threads: tests at once from several threads; off for databases bound to a loop.
    many: rows for the tests of streams.
    """

    last_id: bool = False
    own_types: bool = True
    returning: bool = True
    threads: bool = False
    many: int = 2000


class SqlSuite(ProviderSuite):
    """Subclass it under a name that begins with `Test`, and give `make_database`."""

    requirements: ClassVar[Requirements] = Requirements()

    def make_database(self) -> Reply[SqlDatabase]:
        """Open the database; each call opens anew."""
        raise NotImplementedError

    def setup_method(self) -> None:
        super().setup_method()
        self._tables: list[str] = []

    def teardown_method(self) -> None:
        if self._tables:
            for name in reversed(self._tables):
                self.run(f"DROP TABLE IF EXISTS {name}")
        super().teardown_method()

    # -- what tests are made of

    @cached_property
    def database(self) -> SqlDatabase:
        """The test's own."""
        return self.opened()

    @cached_property
    def session(self) -> Session:
        """A session on it."""
        return self.database.session()

    def opened(self) -> SqlDatabase:
        """A database that is closed after the test."""
        return self.kept(self.value(self.make_database()))

    def run(self, sql: str, *params: Value, on: Session | None = None) -> Outcome:
        """Execute a portable statement."""
        return self.value((on or self.session).execute(Portable(sql), params))

    def rows(self, sql: str, *params: Value, on: Session | None = None) -> Sequence[Row]:
        """All rows of a portable query."""
        return self.fetched(sql, *params, on=on).rows

    def fetched(self, sql: str, *params: Value, on: Session | None = None) -> Table:
        """The same with its columns."""
        return self.value((on or self.session).fetch(Portable(sql), params))

    def streamed(self, sql: str, *params: Value, on: Session | None = None) -> Rows:
        """The same as a stream."""
        return self.value((on or self.session).query(Portable(sql), params))

    def table(self, columns: str) -> str:
        """A new table, dropped after the test."""
        name = f"suite_{uuid.uuid4().hex[:16]}"
        self.run(f"CREATE TABLE {name} ({columns})")
        self._tables.append(name)
        return name

    def filled(self, count: int) -> str:
        """A table `n INTEGER, t TEXT` with rows from 0."""
        name = self.table("n INTEGER PRIMARY KEY, t TEXT")
        for start in range(0, count, 200):
            part = range(start, min(start + 200, count))
            values = ", ".join(f"({number}, 'row {number}')" for number in part)
            self.run(f"INSERT INTO {name} (n, t) VALUES {values}")
        return name

    def fails(self, call: Callable[[], object], kind: str | None = None) -> CapabilityError:
        """The error of a call that has to fail, perhaps with a StatementError of a kind."""
        try:
            call()
        except CapabilityError as error:
            if kind is not None:
                assert isinstance(error, StatementError), repr(error)
                assert error.kind == kind, repr(error)
            return error
        raise AssertionError("expected a CapabilityError")

    # -- statements and values

    def test_a_statement_tells_what_it_did(self) -> None:
        name = self.table("n INTEGER, t TEXT")
        assert self.run(f"INSERT INTO {name} VALUES (?, ?), (?, ?)", 1, "a", 2, "b").affected == 2
        assert self.run(f"UPDATE {name} SET t = ? WHERE n > ?", "a", 0).affected == 2
        assert self.run(f"UPDATE {name} SET t = 'a'").affected == 2, "found, though not changed"
        assert self.run(f"DELETE FROM {name} WHERE n = ?", 1).affected == 1
        assert self.run(f"DELETE FROM {name} WHERE n = ?", 1).affected == 0

    def test_a_query_has_named_columns_and_rows_in_their_order(self) -> None:
        name = self.filled(3)
        found = self.fetched(f'SELECT t AS "The text", n FROM {name} ORDER BY n DESC')
        assert [column.name for column in found.columns] == ["The text", "n"]
        assert [tuple(row) for row in found.rows] == [("row 2", 2), ("row 1", 1), ("row 0", 0)]
        empty = self.fetched(f"SELECT n FROM {name} WHERE n < 0")
        assert [column.name for column in empty.columns] == ["n"]
        assert list(empty.rows) == []

    def test_values_of_each_type_come_back_as_they_were(self) -> None:
        for type_name, values in TYPED:
            name = self.table(f"k INTEGER PRIMARY KEY, v {type_name}")
            for key, value in enumerate((*values, None)):
                self.run(f"INSERT INTO {name} (k, v) VALUES (?, ?)", key, value)
            found = [row[0] for row in self.rows(f"SELECT v FROM {name} ORDER BY k")]
            assert found == [*values, None], type_name
            assert [type(each) for each in found[:-1]] == [type(each) for each in values]

    def test_uuid_and_json_are_types_of_their_own(self) -> None:
        self.need("own_types")
        key = UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
        name = self.table("u UUID, j JSON")
        self.run(f"INSERT INTO {name} VALUES (?, ?)", key, Json('{"a": [1, null]}'))
        assert [tuple(row) for row in self.rows(f"SELECT u, j FROM {name}")] == [
            (key, Json('{"a": [1, null]}'))
        ]

    def test_uuid_and_json_can_be_kept(self) -> None:
        key = UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
        name = self.table("u UUID, j JSON")
        self.run(f"INSERT INTO {name} VALUES (?, ?)", key, Json('{"a": [1, null]}'))
        assert len(self.rows(f"SELECT u FROM {name} WHERE u = ?", key)) == 1
        ((u, j),) = self.rows(f"SELECT u, j FROM {name}")
        assert (str(u), str(j)) == (str(key), '{"a": [1, null]}')

    def test_a_parameter_is_never_part_of_the_statement(self) -> None:
        name = self.table("k INTEGER PRIMARY KEY, v TEXT")
        for key, text in enumerate(TEXTS):
            self.run(f"INSERT INTO {name} VALUES (?, ?)", key, text)
        for key, text in enumerate(TEXTS):
            found = self.rows(f"SELECT k FROM {name} WHERE v = ? AND k = ?", text, key)
            assert [tuple(row) for row in found] == [(key,)], repr(text)
        assert len(self.rows(f"SELECT k FROM {name}")) == len(TEXTS)

    def test_placeholders_may_be_numbered_and_repeated(self) -> None:
        name = self.table("a INTEGER, b INTEGER, c INTEGER")
        self.run(f"INSERT INTO {name} VALUES ($2, $1, $2)", 1, 2)
        assert [tuple(row) for row in self.rows(f"SELECT a, b, c FROM {name}")] == [(2, 1, 2)]

    def test_a_quoted_name_may_be_any_text(self) -> None:
        name = self.table('"select" INTEGER, "a b?" TEXT')
        self.run(f'INSERT INTO {name} ("select", "a b?") VALUES (?, ?)', 1, "x")
        assert [tuple(row) for row in self.rows(f'SELECT "a b?", "select" FROM {name}')] == [
            ("x", 1)
        ]

    def test_texts_are_joined_by_two_bars(self) -> None:
        name = self.filled(1)
        assert self.rows(f"SELECT t || '!' FROM {name}")[0][0] == "row 0!"

    def test_keys_are_generated_in_order(self) -> None:
        name = self.table("id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, t TEXT")
        done = [self.run(f"INSERT INTO {name} (t) VALUES (?)", text) for text in ("a", "b")]
        assert [tuple(row) for row in self.rows(f"SELECT id, t FROM {name} ORDER BY id")] == [
            (1, "a"), (2, "b"),
        ]  # fmt: skip
        if self.requirements.last_id:
            assert [each.last_id for each in done] == [1, 2]

    def test_an_insert_returns_what_it_was_asked_for(self) -> None:
        self.need("returning")
        name = self.table("id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, t TEXT")
        found = self.rows(f"INSERT INTO {name} (t) VALUES (?), (?) RETURNING id, t", "a", "b")
        assert [tuple(row) for row in found] == [(1, "a"), (2, "b")]
        rows = self.streamed(f"INSERT INTO {name} (t) VALUES (?) RETURNING id", "c")
        assert [tuple(row) for row in self.value(rows.next())] == [(3,)]
        self.value(rows.close())
        assert len(self.rows(f"SELECT id FROM {name}")) == 3

    def test_a_script_has_several_statements(self) -> None:
        name = self.table("n INTEGER")
        self.value(
            self.session.script(
                f"INSERT INTO {name} VALUES (1); -- a comment; with one\n"
                f"INSERT INTO {name} VALUES (2);\n"
            )
        )
        assert sorted(tuple(row) for row in self.rows(f"SELECT n FROM {name}")) == [(1,), (2,)]

    # -- mistakes

    def test_mistakes_are_told_apart(self) -> None:
        name = self.table("n INTEGER PRIMARY KEY, t VARCHAR(10) NOT NULL UNIQUE")
        self.run(f"INSERT INTO {name} VALUES (1, 'a')")
        for sql, kind in (
            ("SELEC 1", "invalid"),
            ("SELECT * FROM no_such_table_at_all", "invalid"),
            (f"SELECT no_such_column FROM {name}", "invalid"),
            (f"INSERT INTO {name} VALUES (1, 'b')", "constraint"),
            (f"INSERT INTO {name} VALUES (2, 'a')", "constraint"),
            (f"INSERT INTO {name} VALUES (2, NULL)", "constraint"),
        ):
            error = self.fails(partial(self.run, sql), kind)
            assert error.message, sql
            self.fails(partial(self.fetched, sql), kind)
            self.fails(partial(self.streamed, sql), kind)
        assert len(self.rows(f"SELECT n FROM {name}")) == 1

    def test_a_wrong_number_of_parameters_is_refused(self) -> None:
        name = self.filled(1)
        self.fails(lambda: self.rows(f"SELECT n FROM {name} WHERE n = ?"), "invalid")
        self.fails(lambda: self.rows(f"SELECT n FROM {name} WHERE n = ?", 1, 2), "invalid")

    def test_foreign_keys_are_kept(self) -> None:
        parent = self.table("id INTEGER PRIMARY KEY")
        child = self.table(f"p INTEGER, FOREIGN KEY (p) REFERENCES {parent} (id)")
        self.fails(lambda: self.run(f"INSERT INTO {child} VALUES (1)"), "constraint")
        self.run(f"INSERT INTO {parent} VALUES (1)")
        self.run(f"INSERT INTO {child} VALUES (1)")
        self.fails(lambda: self.run(f"DELETE FROM {parent}"), "constraint")

    def test_a_table_may_change_between_two_uses_of_a_statement(self) -> None:
        name = self.table("n INTEGER")
        self.run(f"INSERT INTO {name} VALUES (1)")
        assert len(self.rows(f"SELECT * FROM {name}")[0]) == 1
        self.run(f"ALTER TABLE {name} ADD COLUMN t TEXT")
        assert len(self.rows(f"SELECT * FROM {name}")[0]) == 2

    # -- streams

    def test_a_stream_gives_every_row_once_in_pages_of_any_size(self) -> None:
        many = self.requirements.many
        name = self.filled(many)
        for size in (1, 7, many, many + 1):
            rows = self.streamed(f"SELECT n FROM {name} WHERE n >= ? ORDER BY n", many - 300)
            found = self._drained(rows, size)
            assert found == list(range(many - 300, many)), size

    def test_a_long_stream_is_read_to_its_end(self) -> None:
        name = self.filled(self.requirements.many)
        rows = self.streamed(f"SELECT n, t FROM {name} ORDER BY n")
        assert [column.name for column in rows.columns] == ["n", "t"]
        assert self._drained(rows, 500) == list(range(self.requirements.many))
        assert list(self.value(rows.next(10))) == []
        self.value(rows.close())

    def test_a_stream_may_be_left_in_the_middle(self) -> None:
        name = self.filled(self.requirements.many)
        for _ in range(20):
            rows = self.streamed(f"SELECT n FROM {name} ORDER BY n")
            assert len(self.value(rows.next(3))) == 3
            for _ in range(2):
                self.value(rows.close())
        assert len(self.rows(f"SELECT n FROM {name} WHERE n < 5")) == 5

    def test_other_statements_run_beside_an_open_stream(self) -> None:
        name = self.filled(self.requirements.many)
        rows = self.streamed(f"SELECT n FROM {name} ORDER BY n")
        first = len(self.value(rows.next(100)))
        self.run(f"INSERT INTO {name} VALUES (-1, 'late')")
        assert first + len(self._drained(rows, 333)) == self.requirements.many
        assert len(self.rows(f"SELECT n FROM {name} WHERE n < 0")) == 1

    # -- transactions

    def test_a_committed_transaction_stays_and_others_see_it_then(self) -> None:
        name = self.table("n INTEGER")
        one, other = self.database.session(), self.database.session()
        self.value(one.begin())
        assert one.in_transaction
        self.run(f"INSERT INTO {name} VALUES (1)", on=one)
        assert len(self.rows(f"SELECT n FROM {name}", on=one)) == 1
        assert list(self.rows(f"SELECT n FROM {name}", on=other)) == []
        self.value(one.commit())
        assert not one.in_transaction
        assert len(self.rows(f"SELECT n FROM {name}", on=other)) == 1

    def test_what_is_rolled_back_or_left_never_was(self) -> None:
        name = self.table("n INTEGER")
        for end in ("rollback", "close"):
            one = self.database.session()
            self.value(one.begin())
            self.run(f"INSERT INTO {name} VALUES (1)", on=one)
            self.value(cast("Reply[None]", getattr(one, end)()))
            assert not one.in_transaction
            assert list(self.rows(f"SELECT n FROM {name}")) == []
        self.value(self.database.session().rollback())

    def test_statements_begin_and_end_transactions_too(self) -> None:
        name = self.table("n INTEGER")
        one = self.database.session()
        self.run("BEGIN", on=one)
        assert one.in_transaction
        self.run(f"INSERT INTO {name} VALUES (1)", on=one)
        self.run("ROLLBACK", on=one)
        assert not one.in_transaction
        self.run("BEGIN", on=one)
        self.run(f"INSERT INTO {name} VALUES (2)", on=one)
        self.run("COMMIT", on=one)
        assert [tuple(row) for row in self.rows(f"SELECT n FROM {name}")] == [(2,)]

    def test_a_stream_in_a_transaction_sees_it(self) -> None:
        name = self.filled(self.requirements.many)
        one = self.database.session()
        self.value(one.begin())
        self.run(f"DELETE FROM {name} WHERE n < 100", on=one)
        rows = self.streamed(f"SELECT n FROM {name} ORDER BY n", on=one)
        first = self.value(rows.next(10))
        assert first[0][0] == 100
        self.run(f"UPDATE {name} SET t = 'beside' WHERE n = 100", on=one)
        assert len(self._drained(rows, 400)) == self.requirements.many - 110
        self.value(one.commit())
        assert self.rows(f"SELECT t FROM {name} WHERE n = 100")[0][0] == "beside"

    def test_a_transaction_begins_once_and_ends_once(self) -> None:
        one = self.database.session()
        self.fails(lambda: self.value(one.commit()), "invalid")
        self.value(one.begin())
        self.fails(lambda: self.value(one.begin()), "invalid")
        self.value(one.rollback())

    def test_a_transaction_whose_statement_failed_is_whole_or_nothing(self) -> None:
        name = self.table("n INTEGER PRIMARY KEY")
        one = self.database.session()
        self.value(one.begin())
        self.run(f"INSERT INTO {name} VALUES (1)", on=one)
        self.fails(lambda: self.run(f"INSERT INTO {name} VALUES (1)", on=one), "constraint")
        try:
            self.value(one.commit())
        except StatementError as error:
            assert error.kind == "conflict"
            assert list(self.rows(f"SELECT n FROM {name}")) == []
        else:
            assert len(self.rows(f"SELECT n FROM {name}")) == 1
        assert not one.in_transaction

    def test_many_that_count_in_transactions_lose_nothing(self) -> None:
        name = self.table("n INTEGER")
        self.run(f"INSERT INTO {name} VALUES (0)")
        database, add = self.database, Portable(f"UPDATE {name} SET n = n + ?")

        async def count() -> None:
            for _ in range(10):
                session = database.session()
                await resolve(session.begin())
                await resolve(session.execute(add, (1,)))
                await resolve(session.commit())
                await resolve(session.close())

        async def all_of_them() -> None:
            await asyncio.gather(*(count() for _ in range(8)))

        self.loop.run_until_complete(all_of_them())
        assert self.rows(f"SELECT n FROM {name}")[0][0] == 80

    def test_threads_that_count_lose_nothing(self) -> None:
        self.need("threads")
        name = self.table("n INTEGER")
        self.run(f"INSERT INTO {name} VALUES (0)")
        database = self.database
        add = Portable(f"UPDATE {name} SET n = n + ?")

        def count() -> None:
            for _ in range(25):
                asyncio.run(_resolved(database.session().execute(add, (1,))))

        in_threads(*[count] * 4)
        assert self.rows(f"SELECT n FROM {name}")[0][0] == 100

    # -- sessions and databases

    def test_many_statements_at_once_are_all_answered(self) -> None:
        name = self.filled(10)
        database, query = self.database, f"SELECT count(*) FROM {name}"

        async def ask() -> Table:
            return await resolve(database.session().fetch(query))

        async def all_of_them() -> list[Table]:
            return await asyncio.gather(*(ask() for _ in range(64)))

        found = self.loop.run_until_complete(all_of_them())
        assert [table.rows[0][0] for table in found] == [10] * 64

    def test_sessions_can_be_left_without_closing(self) -> None:
        name = self.table("n INTEGER")
        for _ in range(30):
            self.run(f"INSERT INTO {name} VALUES (1)", on=self.database.session())
        assert len(self.rows(f"SELECT n FROM {name}")) == 30

    def test_data_outlives_closing_and_two_openings_share_it(self) -> None:
        name = self.table("n INTEGER")
        first, second = self.opened(), self.opened()
        self.run(f"INSERT INTO {name} VALUES (7)", on=first.session())
        assert self.rows(f"SELECT n FROM {name}", on=second.session())[0][0] == 7
        self.value(first.close())
        assert self.rows(f"SELECT n FROM {name}", on=self.opened().session())[0][0] == 7

    def test_a_closed_database_says_so_and_can_be_closed_again(self) -> None:
        database = self.opened()
        for _ in range(2):
            self.value(database.close())
        error = self.fails(lambda: self.value(database.session().fetch("SELECT 1")))
        assert isinstance(error, Unavailable)

    def _drained(self, rows: Rows, size: int) -> list[Value]:
        found: list[Value] = []
        while page := self.value(rows.next(size)):
            assert len(page) <= size
            found += [row[0] for row in page]
        return found


async def _resolved(reply: Reply[object]) -> None:
    await resolve(reply)
