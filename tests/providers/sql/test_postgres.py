"""PostgreSQL beyond the suite: its own types, sessions that break, TLS."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest
from tests.services.postgres import PostgresServer
from tests.services.server import CERTIFICATE

from paddock.capabilities.sql_values import Array, Interval, Json, Other, Range, Value
from paddock.errors import CapabilityError, StatementError, TimedOut
from paddock.providers.connections import postgres_raw
from paddock.providers.connections.postgres import POOLS
from paddock.providers.sql.postgres import PostgresConfig, PostgresDatabase, PostgresSql
from paddock.types import resolve


async def opened(url: str, application: str = "app", **options: object) -> PostgresDatabase:
    config = PostgresConfig.from_table({"url": url, **options})
    return await PostgresSql.open(config, application=application, name="x", state_dir=Path())


@pytest.fixture
async def database(postgres_server: PostgresServer) -> AsyncIterator[PostgresDatabase]:
    database = await opened(postgres_server.url, connections=2)
    yield database
    await database.close()


async def one(database: PostgresDatabase, sql: str, *params: Value) -> Value:
    return (await database.session().fetch(sql, params)).rows[0][0]


TYPED: list[tuple[str, str, Value]] = [
    ("int4[]", "array<int32>", Array((1, None, -3), "int32")),
    ("int4[]", "array<int32>", Array((Array((1, 2), "int32"), Array((3, 4), "int32")), "int32")),
    ("text[]", "array<text>", Array(('a"b', None, ""), "text")),
    ("date[]", "array<date>", Array((date(2024, 2, 29), None), "date")),
    ("int4range", "range<int32>", Range(1, 5, kind="int32")),
    ("int8range", "range<int64>", Range(None, 5, False, kind="int64")),
    ("numrange", "range<decimal>", Range(Decimal("1.5"), None, False, False, kind="decimal")),
    ("numrange", "range<decimal>", Range(None, None, False, False, True, "decimal")),
    ("tsrange", "range<timestamp>",
     Range(datetime(2024, 1, 1), datetime(2024, 1, 2), kind="timestamp")),
    ("interval", "interval", Interval(14, -3, 3_600_000_001)),
    ("date", "date", Other("date", "infinity")),
    ("date", "date", Other("date", "-infinity")),
    ("timestamp", "timestamp", Other("timestamp", "infinity")),
    ("timestamptz", "timestamptz", Other("timestamptz", "-infinity")),
    ("time", "time", Other("time", "24:00:00")),
    ("timetz", "time", time.fromisoformat("12:00:00+02:00")),
    ("json", "json", Json('{"b":1,  "a":2}')),
    ("jsonb", "json", Json('{"a": 2}')),
    ("inet", "other", Other("inet", "10.0.0.1")),
    ("numeric", "decimal", Decimal("1E+3")),
]  # fmt: skip


@pytest.mark.parametrize(("native", "kind", "value"), TYPED)
async def test_types_of_its_own_come_back_as_they_were(
    database: PostgresDatabase, native: str, kind: str, value: Value
) -> None:
    found = await database.session().fetch(f"SELECT $1::{native} AS v", (value,))
    assert found.columns[0].kind == kind
    assert found.rows[0][0] == value


async def test_an_enum_is_a_text_with_a_type(
    postgres_server: PostgresServer, database: PostgresDatabase
) -> None:
    session = database.session()
    await session.script("DROP TYPE IF EXISTS mood; CREATE TYPE mood AS ENUM ('sad', 'ok')")
    found = await session.fetch("SELECT $1::mood", ("ok",))
    assert found.rows[0][0] == Other("mood", "ok")
    assert (await session.fetch("SELECT $1::mood", (Other("mood", "sad"),))).rows
    await session.execute("DROP TYPE mood")


@pytest.mark.parametrize(
    ("native", "given", "found"),
    [
        ("date", "2024-02-29", date(2024, 2, 29)),
        ("timestamp", "2024-02-29T01:02:03", datetime(2024, 2, 29, 1, 2, 3)),
        ("float8", 2, 2.0),
        ("numeric", 0.5, Decimal("0.5")),
        ("int4", Decimal(5), 5),
        ("text", 5, "5"),
        ("boolean", 1, True),
    ],
)
async def test_a_value_of_another_type_is_converted_where_nothing_is_lost(
    database: PostgresDatabase, native: str, given: Value, found: Value
) -> None:
    assert await one(database, f"SELECT $1::{native}", given) == found


@pytest.mark.parametrize(
    ("native", "given"),
    [("int4", 1.5), ("int4", 2**40), ("date", "soon"), ("uuid", "x"), ("bytea", "text"),
     ("int4[]", 1), ("interval", "1 day"), ("text", b"x"), ("boolean", 7)],
)  # fmt: skip
async def test_a_value_that_does_not_fit_is_refused_by_name(
    database: PostgresDatabase, native: str, given: Value
) -> None:
    with pytest.raises(StatementError) as raised:
        await one(database, f"SELECT $1::{native}", given)
    assert raised.value.kind == "invalid"
    assert not raised.value.code, "the server has not seen it"


async def test_what_the_server_says_of_an_error_is_kept(database: PostgresDatabase) -> None:
    session = database.session()
    await session.script("DROP TABLE IF EXISTS kept; CREATE TABLE kept (n INT PRIMARY KEY)")
    await session.execute("INSERT INTO kept VALUES (1)")
    with pytest.raises(StatementError) as raised:
        await session.execute("INSERT INTO kept VALUES (1)")
    error = raised.value
    assert (error.code, error.severity, error.kind) == ("23505", "ERROR", "constraint")
    assert error.detail == "Key (n)=(1) already exists."
    assert dict(error.extras)["constraint_name"] == "kept_pkey"


async def test_a_result_that_no_host_can_keep_is_refused(
    database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_raw, "MOST_ROWS", 1000)
    session = database.session()
    assert len((await session.fetch("SELECT generate_series(1, 1000)")).rows) == 1000
    for run in (session.fetch, session.execute):
        with pytest.raises(StatementError, match="more than 1000 rows"):
            await run("SELECT generate_series(1, 2000000000)")
    assert await one(database, "SELECT 1") == 1


async def test_settings_of_a_session_stay_in_it_and_go_with_it(
    database: PostgresDatabase,
) -> None:
    session = database.session()
    await session.execute("SET application_name = 'mine'")
    await session.execute("CREATE TEMPORARY TABLE own (n INT)")
    for _ in range(3):
        assert (await session.fetch("SHOW application_name")).rows[0][0] == "mine"
    await session.execute("INSERT INTO own VALUES (1)")
    await resolve(session.close())
    for _ in range(4):
        assert await one(database, "SHOW application_name") == "paddock"


async def test_a_transaction_that_broke_is_never_committed_by_another_connection(
    own_postgres: PostgresServer,
) -> None:
    database = await opened(own_postgres.url)
    session = database.session()
    await session.execute("CREATE TABLE t (n INT)")
    await session.begin()
    await session.execute("INSERT INTO t VALUES (1)")
    own_postgres.disconnect_clients()
    with pytest.raises(CapabilityError):
        await session.execute("INSERT INTO t VALUES (2)")
    with pytest.raises(StatementError, match="undone"):
        await session.execute("INSERT INTO t VALUES (3)")
    with pytest.raises(StatementError, match="undone"):
        await session.commit()
    assert not session.in_transaction
    assert await one(database, "SELECT count(*) FROM t") == 0
    await session.execute("INSERT INTO t VALUES (4)")
    await database.close()


async def test_a_statement_that_takes_too_long_is_ended_and_costs_only_its_connection(
    own_postgres: PostgresServer,
) -> None:
    database = await opened(own_postgres.url, timeout="200ms")
    with pytest.raises(TimedOut, match=r"did not answer within 0\.2 s"):
        await one(database, "SELECT pg_sleep(60)")
    assert await one(database, "SELECT 1") == 1
    await database.close()


async def test_rows_of_a_stream_end_with_an_error_when_the_server_goes(
    own_postgres: PostgresServer,
) -> None:
    database = await opened(own_postgres.url, timeout="1s")
    rows = await database.session().query("SELECT generate_series(1, 100000)")
    own_postgres.kill()
    with pytest.raises(CapabilityError):
        while await resolve(rows.next(500)):
            pass
    await database.close()


async def test_one_application_shares_its_connections_and_another_has_its_own(
    postgres_server: PostgresServer,
) -> None:
    first, second = await opened(postgres_server.url), await opened(postgres_server.url)
    other = await opened(postgres_server.url, "other")
    assert first.pool() is second.pool() and other.pool() is not first.pool()
    await first.close()
    assert await one(second, "SELECT 1") == 1
    await second.close()
    await other.close()
    assert not POOLS._open


async def test_certificates_are_checked_as_sslmode_says(
    start_server: Callable[[PostgresServer], PostgresServer],
) -> None:
    server = start_server(PostgresServer(tls=True))
    url = server.url.replace("127.0.0.1", "localhost")
    encrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
    root = str(CERTIFICATE)
    for mode, options in (
        ("prefer", {}), ("require", {}), ("verify-ca", {"sslrootcert": root}),
        ("verify-full", {"sslrootcert": root}),
    ):  # fmt: skip
        database = await opened(url, sslmode=mode, **options)
        assert await one(database, encrypted) is True, mode
        await database.close()
    plain = await opened(url, sslmode="disable")
    assert await one(plain, encrypted) is False
    await plain.close()
    for address, options in (
        (url, {}),
        (server.url.replace("127.0.0.1", "127.1"), {"sslrootcert": root}),
    ):
        database = await opened(address, sslmode="verify-full", **options)
        with pytest.raises(CapabilityError, match="certificate is not trusted"):
            await one(database, encrypted)
        await database.close()
