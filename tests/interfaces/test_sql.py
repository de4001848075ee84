"""The SQL facades, called as the bridge calls them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.services.postgres import PostgresServer

from paddock.capabilities.sql import SqlDatabase
from paddock.errors import (
    AccessDenied,
    CapabilityError,
    Exhausted,
    StatementError,
    TimedOut,
    Unavailable,
)
from paddock.interfaces import Grants, bind
from paddock.interfaces.spin_rdbms import as_url
from paddock.interfaces.wasmcloud_postgres_values import decoded, encoded
from paddock.providers.sql.postgres import PostgresConfig, PostgresDatabase, PostgresSql
from paddock.providers.sql.sqlite import SqliteConfig, SqliteSql
from paddock.types import Page, Stream, Variant, resolve

V = Variant


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqlDatabase]:
    database = SqliteSql.open(SqliteConfig(), application="a", name="d", state_dir=tmp_path)
    yield database
    database.close()


@pytest.fixture
async def postgres(postgres_server: PostgresServer) -> AsyncIterator[PostgresDatabase]:
    config = PostgresConfig.from_table({"url": postgres_server.url})
    database = await PostgresSql.open(config, application="f", name="d", state_dir=Path())
    yield database
    await database.close()


class Addresses:
    """As the host's, for one database; what is asked for is remembered."""

    def __init__(self, database: SqlDatabase | None) -> None:
        self.database = database
        self.asked: list[tuple[str, str]] = []

    def open(self, kind: str, address: str, /) -> object:
        self.asked.append((kind, address))
        if self.database is None:
            raise AccessDenied("the address postgres://db:5432 is not permitted")
        return self.database


def bound(interface: str, **grants: Any) -> Any:
    return bind(interface, Grants("app", "api", **grants))


async def failure(interface: Any, call: Any, *args: object) -> object:
    try:
        await resolve(call(*args))
    except Exception as error:
        return interface.__paddock_error__(error)
    raise AssertionError("expected an error")


async def items(stream: Stream) -> list[object]:
    found: list[object] = []
    async for each in cast("AsyncIterator[object]", stream.items):
        found += each if isinstance(each, Page) else [each]
    return found


SQLITE = ["fermyon:spin/sqlite@2.0.0", "spin:sqlite/sqlite@3.0.0", "spin:sqlite/sqlite@3.1.0"]


@pytest.mark.parametrize("interface", SQLITE)
async def test_values_of_spins_sqlite(interface: str, database: SqlDatabase) -> None:
    connection = bound(interface, sqlite={"default": database}).connection.open("default")
    params = [V("integer", 1), V("real", 1.5), V("text", "a"), V("blob", b"b"), V("null")]
    found = await resolve(connection.execute("SELECT ? AS a, ? AS b, ?, ?, ?", params))
    assert found["columns"][:2] == ["a", "b"]
    assert found["rows"] == [{"values": params}]


async def test_spins_newest_sqlite_streams_rows_and_knows_its_changes(
    database: SqlDatabase,
) -> None:
    connection = bound("spin:sqlite/sqlite@3.1.0", sqlite={"d": database}).connection.open("d")
    assert (connection.last_insert_rowid(), connection.changes()) == (0, 0)
    await resolve(connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY)", []))
    await resolve(connection.execute("INSERT INTO t VALUES (7), (8)", []))
    assert await connection.last_insert_rowid_async() == 8
    assert await connection.changes_async() == 2
    stream = await connection.execute_async("SELECT n FROM t ORDER BY n", [])
    assert stream.head == ["n"]
    assert await items(stream) == [{"values": [V("integer", n)]} for n in (7, 8)]
    connection.drop()


async def test_numbers_stand_for_databases_without_a_version(database: SqlDatabase) -> None:
    sqlite = bound("fermyon:spin/sqlite", sqlite={"default": database})
    number = sqlite.open("default")
    found = await resolve(sqlite.execute(number, "SELECT 1", []))
    assert found["rows"] == [{"values": [V("integer", 1)]}]
    assert await failure(sqlite, sqlite.execute, 99, "SELECT 1", []) is not None
    sqlite.close(number)


@pytest.mark.parametrize("interface", [*SQLITE, "fermyon:spin/sqlite"])
async def test_errors_of_spins_sqlite(interface: str, database: SqlDatabase) -> None:
    sqlite = bound(interface, sqlite={"default": database, "gone": None})
    opened = sqlite.connection.open if hasattr(sqlite, "connection") else sqlite.open
    assert await failure(sqlite, opened, "other") == V("access-denied")
    assert await failure(sqlite, opened, "gone") == V("no-such-database")
    assert sqlite.__paddock_error__(Exhausted("full")) == V("database-full")
    assert sqlite.__paddock_error__(StatementError("bad")) == V("io", "bad")
    hidden = sqlite.__paddock_error__(RuntimeError("a secret"))
    assert hidden.case == "io" and "secret" not in hidden.payload


ADDRESSED = [
    "fermyon:spin/postgres@2.0.0", "spin:postgres/postgres@3.0.0", "spin:postgres/postgres@4.0.0",
    "spin:postgres/postgres@4.1.0", "spin:postgres/postgres@4.2.0", "fermyon:spin/postgres",
]  # fmt: skip


@pytest.mark.parametrize("interface", ADDRESSED)
async def test_a_query_by_address(interface: str, postgres: PostgresDatabase) -> None:
    addresses = Addresses(postgres)
    facade = bound(interface, addresses=addresses)
    sql, params = (
        "SELECT $1::int4 AS n, 'x' AS t, true, 1.5::float8, '\\x00'::bytea, NULL",
        [V("int32", 5)],
    )
    if hasattr(facade, "connection"):
        connection = facade.connection.open("postgres://db")
        found, done = connection.query(sql, params), connection.execute(sql, params)
    else:
        found = facade.query("postgres://db", sql, params)
        done = facade.execute("postgres://db", sql, params)
    result = await resolve(found)
    assert await resolve(done) == 1
    assert [column["name"] for column in result["columns"]][:2] == ["n", "t"]
    assert result["rows"] == [
        [V("int32", 5), V("str", "x"), V("boolean", True), V("floating64", 1.5),
         V("binary", b"\x00"), V("db-null")]
    ]  # fmt: skip
    assert set(addresses.asked) == {("postgres", "postgres://db")}


@pytest.mark.parametrize(
    "interface", [*ADDRESSED, "fermyon:spin/mysql@2.0.0", "fermyon:spin/mysql"]
)
async def test_errors_by_address(interface: str) -> None:
    facade = bound(interface, addresses=Addresses(None))
    call = facade.connection.open if hasattr(facade, "connection") else facade.query
    rest = () if hasattr(facade, "connection") else ("SELECT 1", [])
    wanted = V("connection-failed", "address postgres://db:5432 is not permitted")
    assert await failure(facade, call, "postgres://db", *rest) == wanted
    assert facade.__paddock_error__(Unavailable("away")) == V("connection-failed", "away")
    assert facade.__paddock_error__(CapabilityError("no")) == V("connection-failed", "no")
    assert facade.__paddock_error__(StatementError("n")) == V("bad-parameter", "n")
    other = "other" if hasattr(facade, "connection") else "other-error"
    assert facade.__paddock_error__(RuntimeError("secret")).case == other
    failed = facade.__paddock_error__(StatementError("n", code="42601"))
    assert failed.case == "query-failed"
    if "postgres@4" in interface:
        assert failed.payload.payload["code"] == "42601"
    else:
        assert failed.payload == "n"


async def test_what_the_old_interfaces_lack_is_unsupported(postgres: PostgresDatabase) -> None:
    sql = "SELECT date '2024-02-29', 1.5::numeric"
    old = bound("fermyon:spin/postgres@2.0.0", addresses=Addresses(postgres))
    found = await resolve(old.connection.open("x").query(sql, []))
    assert [column["data_type"] for column in found["columns"]] == ["other", "other"]
    assert found["rows"] == [[V("unsupported"), V("unsupported")]]
    third = bound("spin:postgres/postgres@3.0.0", addresses=Addresses(postgres))
    found = await resolve(third.connection.open("x").query(sql, []))
    assert found["rows"] == [[V("date", (2024, 2, 29)), V("unsupported")]]


async def test_types_of_spins_newest_postgres(postgres: PostgresDatabase) -> None:
    interval = SimpleNamespace(micros=1, days=2, months=3)
    given: list[tuple[str, Variant]] = [
        ("date", V("date", (2024, 2, 29))),
        ("time", V("time", (1, 2, 3, 4000))),
        ("timestamp", V("datetime", (2024, 2, 29, 1, 2, 3, 4000))),
        ("timestamptz", V("timestamp", -5)),
        ("uuid", V("uuid", "6ba7b810-9dad-11d1-80b4-00c04fd430c8")),
        ("jsonb", V("jsonb", b'{"a": 1}')),
        ("numeric", V("decimal", "-0.10")),
        ("int4range", V("range-int32", ((1, "inclusive"), (5, "exclusive")))),
        ("numrange", V("range-decimal", (("1.5", "exclusive"), None))),
        ("int8[]", V("array-int64", [1, None])),
        ("numeric[]", V("array-decimal", ["1.5", None])),
        ("text[]", V("array-str", ["a", None])),
        ("interval", V("interval", interval)),
    ]
    facade = bound("spin:postgres/postgres@4.2.0", addresses=Addresses(postgres))
    connection = facade.connection.open("x")
    sql = "SELECT " + ", ".join(f"${n}::{kind}" for n, (kind, _) in enumerate(given, 1))
    params = [value for _, value in given]
    stream = await connection.query_async(sql, params)
    (row,) = await items(stream)
    wanted = [*params[:-1], V("interval", {"micros": 1, "days": 2, "months": 3})]
    assert row == wanted
    kinds = [cast("Any", column)["data_type"].case for column in cast("list[Any]", stream.head)]
    assert kinds == [value.case for value in params]
    bad = V("date", (2024, 13, 1))
    assert (await failure(facade, connection.query, "SELECT $1::date", [bad])) == V(
        "bad-parameter", "(2024, 13, 1) is no date"
    )


async def test_a_certificate_is_handed_on_with_the_address(postgres: PostgresDatabase) -> None:
    addresses = Addresses(postgres)
    facade = bound("spin:postgres/postgres@4.2.0", addresses=addresses)
    builder = facade.connection_builder("host=db user=me password='x' dbname=shop port=5433")
    builder.set_ca_root("PEM")
    await builder.build_async()
    assert addresses.asked == [("postgres", "postgres://me:x@db:5433/shop#ca=UEVN")]


def test_addresses_in_libpqs_other_form_are_urls_too() -> None:
    assert as_url("postgres", "host=db") == "postgres://db/"
    assert as_url("postgres", "host=db user=a/b password=c@d sslmode=require") == (
        "postgres://a%2Fb:c%40d@db/?sslmode=require"
    )
    for address in ("postgres://a=b@db", "nonsense"):
        assert as_url("postgres", address) == address


NEUTRAL: list[Variant] = [
    V("null"), V("boolean", True), V("integer", -5), V("float", 1.5), V("decimal", "1.50"),
    V("text", "a"), V("bytes", b"b"), V("date", "2024-02-29"), V("time", "01:02:03"),
    V("timestamp", "2024-02-29T01:02:03"), V("timestamp-tz", "2024-02-29T01:02:03+00:00"),
    V("uuid", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"), V("json", '{"a": 1}'),
]  # fmt: skip
COLUMNS = (
    "a TEXT, b BOOLEAN, c BIGINT, d DOUBLE PRECISION, e DECIMAL(9, 2), f TEXT, g BYTES, h DATE, "
    "i TIME, j TIMESTAMP, k TIMESTAMPTZ, l UUID, m JSON"
)


@pytest.mark.parametrize("product", ["sqlite", "postgres"])
async def test_values_of_the_neutral_interface(
    product: str, database: SqlDatabase, postgres: PostgresDatabase
) -> None:
    chosen = database if product == "sqlite" else postgres
    facade = bound("paddock:sql/database@0.1.0", sql={"default": chosen})
    connection = facade.connection.open("default")
    assert connection.dialect() == product
    await resolve(connection.execute("DROP TABLE IF EXISTS neutral", []))
    await resolve(connection.execute(f"CREATE TABLE neutral ({COLUMNS})", []))
    marks = ", ".join("?" * len(NEUTRAL))
    done = await resolve(connection.execute(f"INSERT INTO neutral VALUES ({marks})", NEUTRAL))
    assert done["rows_affected"] == 1
    result = await resolve(connection.query("SELECT * FROM neutral", []))
    assert [column["name"] for column in result.columns()] == list("abcdefghijklm")
    assert await resolve(result.next(10)) == [NEUTRAL]
    assert await resolve(result.next(10)) == []
    result.drop()
    connection.drop()


async def test_a_transaction_of_the_neutral_interface_ends_once(database: SqlDatabase) -> None:
    facade = bound("paddock:sql/database@0.1.0", sql={"default": database})
    connection = facade.connection.open("default")
    await resolve(connection.execute("CREATE TABLE t (n INTEGER)", []))
    transaction = await resolve(connection.begin())
    await resolve(transaction.execute("INSERT INTO t VALUES (1)", []))
    await resolve(transaction.commit())
    for call in (transaction.commit, transaction.rollback):
        assert await failure(facade, call) == V("invalid", "the transaction has ended")
    assert (await failure(facade, transaction.query, "SELECT 1", [])) == V(
        "invalid", "the transaction has ended"
    )
    left = await resolve(connection.begin())
    await resolve(left.execute("INSERT INTO t VALUES (2)", []))
    left.drop()
    result = await resolve(connection.query("SELECT n FROM t", []))
    assert await resolve(result.next(0)) == [[V("integer", 1)]]


async def test_errors_of_the_neutral_interface(database: SqlDatabase) -> None:
    facade = bound("paddock:sql/database@0.1.0", sql={"default": database, "gone": None})
    assert await failure(facade, facade.connection.open, "other") == V("access-denied")
    assert await failure(facade, facade.connection.open, "gone") == V("no-such-database")
    connection = facade.connection.open("default")
    assert (await failure(facade, connection.query, "SELECT ?", [V("date", "soon")])) == V(
        "invalid", "'soon' is no date"
    )
    for error, wanted in (
        (StatementError("x", kind="constraint"), V("constraint", "x")),
        (StatementError("x", kind="conflict"), V("conflict", "x")),
        (Unavailable("x"), V("unavailable", "x")),
        (TimedOut("x"), V("unavailable", "x")),
        (Exhausted("x"), V("other", "x")),
        (CapabilityError("x"), V("other", "x")),
    ):
        assert facade.__paddock_error__(error) == wanted


def record(**fields: object) -> SimpleNamespace:
    return SimpleNamespace(**fields)


PG_VALUES: list[tuple[str, Variant]] = [
    ("int4", V("int4", 5)), ("int8", V("int8", 2**62)), ("bool", V("bool", True)),
    ("float8", V("float8", decoded(-0.1))), ("numeric", V("numeric", "1.50")),
    ("text", V("text", "a")), ("bytea", V("bytea", b"b")), ("jsonb", V("jsonb", '{"a": 1}')),
    ("uuid", V("uuid", "6ba7b810-9dad-11d1-80b4-00c04fd430c8")),
    ("int4[]", V("int4-array", [1, 2])), ("text[]", V("text-array", ["a"])),
    ("varchar", V("varchar", (2, "é".encode()))), ("inet", V("inet", "10.0.0.1")),
    ("date", V("date", V("ymd", (2024, 2, 29)))),
]  # fmt: skip


async def test_values_of_wasmclouds_postgres(postgres: PostgresDatabase) -> None:
    sql = "SELECT " + ", ".join(f"${n}::{kind} AS c{n}" for n, (kind, _) in enumerate(PG_VALUES, 1))
    params = [value for _, value in PG_VALUES]
    draft = bound("wasmcloud:postgres/query@0.1.1-draft", sql={"default": postgres})
    (row,) = await resolve(draft.query(sql, params))
    assert [entry["value"] for entry in row] == params
    assert row[0]["column_name"] == "c1"
    moment = V(
        "timestamp-tz",
        record(
            timestamp=record(
                date=V("ymd", (2024, 2, 29)), time=record(hour=1, min=2, sec=3, micro=4)
            ),
            offset=V("western-hemisphere-secs", 3600),
        ),
    )
    (row,) = await resolve(draft.query("SELECT $1::timestamptz", [moment]))
    assert row[0]["value"].payload["timestamp"]["time"]["hour"] == 2


async def test_dates_without_end_have_their_case_for_wasmcloud(postgres: PostgresDatabase) -> None:
    draft = bound("wasmcloud:postgres/query@0.1.1-draft", sql={"default": postgres})
    sql = "SELECT 'infinity'::date, '-infinity'::timestamp, ARRAY['infinity'::date, '2024-02-29']"
    (row,) = await resolve(draft.query(sql, []))
    day, stamp, days = (entry["value"] for entry in row)
    assert day == V("date", V("positive-infinity"))
    assert stamp.payload["date"] == V("negative-infinity")
    assert days == V("date-array", [V("positive-infinity"), V("ymd", (2024, 2, 29))])


async def test_a_query_of_wasmcloud_0_2_0_answers_rows_as_a_stream(
    postgres: PostgresDatabase,
) -> None:
    newest = bound("wasmcloud:postgres/query@0.2.0", sql={"default": postgres})
    stream = await newest.query("SELECT 1::int4 AS one UNION ALL SELECT 2 ORDER BY 1", [])
    assert stream.head == ["one"]
    assert await items(stream) == [[V("int4", 1)], [V("int4", 2)]]


async def test_batches_and_prepared_statements_of_wasmcloud(postgres: PostgresDatabase) -> None:
    for version, unknown in (("0.1.1-draft", "unknown-prepared-query"),
                             ("0.2.0", "unknown-prepared-statement")):  # fmt: skip
        query = bound(f"wasmcloud:postgres/query@{version}", sql={"default": postgres})
        prepared = bound(f"wasmcloud:postgres/prepared@{version}", sql={"default": postgres})
        await resolve(
            query.query_batch("DROP TABLE IF EXISTS wc; CREATE TABLE wc (n INT PRIMARY KEY)")
        )
        token = prepared.prepare("INSERT INTO wc VALUES ($1)")
        assert await resolve(prepared.exec(token, [V("int4", 1)])) == 1
        with pytest.raises(Exception, match=unknown):
            prepared.exec("made up", [])
        error = await failure(prepared, prepared.exec, token, [V("int4", 1)])
        if version == "0.2.0":
            assert error.case == "query-failed" and error.payload["code"] == "23505"  # type: ignore[attr-defined]
        else:
            assert error.case == "query-error"  # type: ignore[attr-defined]
        wrong = await failure(prepared, prepared.exec, token, [V("point", ())])
        assert "not supported" in str(wrong)


async def test_wasmclouds_postgres_wants_a_postgres_database(database: SqlDatabase) -> None:
    query = bound("wasmcloud:postgres/query@0.2.0", sql={"default": database})
    assert (await failure(query, query.query, "SELECT 1", [])) == V(
        "other", "the SQL database 'default' is no Postgres database"
    )
    denied = bound("wasmcloud:postgres/query@0.2.0")
    assert await failure(denied, denied.query, "SELECT 1", []) == V("access-denied")
    assert query.__paddock_error__(TimedOut("x")) == V("timeout")
    assert query.__paddock_error__(Unavailable("x")) == V("connection-failed", "x")


@pytest.mark.parametrize("value", [0.0, -0.0, 1.0, -1.5, 0.1, 5e-324, 1.7e308, float("inf")])
def test_numbers_are_taken_apart_and_put_together(value: float) -> None:
    assert encoded(decoded(value)) == value
    assert decoded(1.0) == (1 << 52, -52, 1)
    assert decoded(1.5, "f") == (3 << 22, -23, 1)
