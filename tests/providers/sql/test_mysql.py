"""MariaDB beyond the suite: its own types, sessions, and how it spells SQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from tests.services.mariadb import MariadbServer

from paddock.capabilities.sql_values import Array, Interval, Other, Value
from paddock.errors import CapabilityError, StatementError, TimedOut
from paddock.providers.sql.mysql import MysqlConfig, MysqlDatabase, MysqlSql
from paddock.types import resolve


async def opened(url: str, **options: object) -> MysqlDatabase:
    config = MysqlConfig.from_table({"url": url, **options})
    return await MysqlSql.open(config, application="app", name="x", state_dir=Path())


@pytest.fixture
async def database(mariadb_server: MariadbServer) -> AsyncIterator[MysqlDatabase]:
    database = await opened(mariadb_server.url, connections=2)
    yield database
    await database.close()


async def one(database: MysqlDatabase, sql: str, *params: Value) -> Value:
    return (await database.session().fetch(sql, params)).rows[0][0]


@pytest.mark.parametrize(
    ("native", "kind", "literal", "value"),
    [
        ("TINYINT", "int8", "-5", -5),
        ("BIGINT UNSIGNED", "uint64", str(2**64 - 1), 2**64 - 1),
        ("BOOLEAN", "boolean", "1", True),
        ("FLOAT", "float32", "1.5", 1.5),
        ("DECIMAL(65, 30)", "decimal", "-0.1", Decimal("-0.1")),
        ("TIME", "time", "'-25:00:01'", Other("time", "-25:00:01")),
        ("YEAR", "uint16", "2024", 2024),
        ("BIT(9)", "other", "b'100000001'", Other("bit", "0101")),
        ("ENUM('a', 'b')", "text", "'b'", "b"),
        ("VARBINARY(9)", "bytes", "x'00ff'", b"\x00\xff"),
        ("DATE", "date", "'2024-02-29'", date(2024, 2, 29)),
    ],
)
async def test_types_of_its_own(
    database: MysqlDatabase, native: str, kind: str, literal: str, value: Value
) -> None:
    session = database.session()
    await session.execute("DROP TABLE IF EXISTS own")
    await session.execute(f"CREATE TABLE own (v {native})")
    await session.execute(f"INSERT INTO own VALUES ({literal})")
    found = await session.fetch("SELECT v FROM own")
    assert (found.columns[0].kind, found.rows[0][0]) == (kind, value)
    rows = await session.query("SELECT v FROM own")
    assert list(await resolve(rows.next())) == [(value,)], "a cursor reads the same"
    await session.execute("DROP TABLE own")


@pytest.mark.parametrize("value", [Array((1,)), Interval(1), 2**70])
async def test_a_value_that_it_has_no_type_for_is_refused(
    database: MysqlDatabase, value: Value
) -> None:
    with pytest.raises(StatementError) as raised:
        await one(database, "SELECT ?", value)
    assert raised.value.kind == "invalid"


async def test_the_last_key_is_the_sessions_whatever_connection_it_gets(
    database: MysqlDatabase,
) -> None:
    session, other = database.session(), database.session()
    await session.execute("DROP TABLE IF EXISTS counted")
    await session.execute("CREATE TABLE counted (id INT AUTO_INCREMENT PRIMARY KEY, t TEXT)")
    await session.execute("INSERT INTO counted (t) VALUES ('a')")
    await other.execute("INSERT INTO counted (t) VALUES ('b')")
    for one_of, wanted in ((session, 1), (other, 2)):
        assert (await one_of.fetch("SELECT LAST_INSERT_ID()")).rows[0][0] == wanted
    await session.execute("DROP TABLE counted")


async def test_settings_of_a_session_stay_in_it_and_go_with_it(database: MysqlDatabase) -> None:
    session = database.session()
    await session.execute("SET @mine = 5")
    assert (await session.fetch("SELECT @mine")).rows[0][0] == 5
    await resolve(session.close())
    for _ in range(4):
        assert await one(database, "SELECT @mine") is None


async def test_a_configured_database_reads_standard_sql(database: MysqlDatabase) -> None:
    assert await one(database, """SELECT 'a\\' || 'b' AS "x" """) == "a\\b"


async def test_statements_that_can_not_be_prepared_run_too(database: MysqlDatabase) -> None:
    session = database.session()
    await session.execute("DROP PROCEDURE IF EXISTS twice")
    await session.execute("CREATE PROCEDURE twice (n INT) SELECT n * 2 AS m")
    assert (await session.fetch("CALL twice(21)")).rows[0][0] == 42
    await session.execute("DROP PROCEDURE twice")


async def test_a_transaction_that_broke_is_never_committed_by_another_connection(
    own_mariadb: MariadbServer,
) -> None:
    database = await opened(own_mariadb.url)
    session = database.session()
    await session.execute("CREATE TABLE t (n INT)")
    await session.begin()
    await session.execute("INSERT INTO t VALUES (1)")
    own_mariadb.disconnect_clients()
    with pytest.raises(CapabilityError):
        await session.execute("INSERT INTO t VALUES (2)")
    with pytest.raises(StatementError, match="undone"):
        await session.commit()
    assert await one(database, "SELECT count(*) FROM t") == 0
    await database.close()


async def test_a_statement_that_takes_too_long_is_ended_and_costs_only_its_connection(
    own_mariadb: MariadbServer,
) -> None:
    database = await opened(own_mariadb.url, timeout="200ms")
    with pytest.raises(TimedOut, match=r"did not answer within 0\.2 s"):
        await one(database, "SELECT SLEEP(60)")
    assert await one(database, "SELECT 1") == 1
    await database.close()


async def test_a_server_without_tls_is_refused_where_tls_is_required(
    mariadb_server: MariadbServer,
) -> None:
    database = await opened(mariadb_server.url, sslmode="require")
    with pytest.raises(CapabilityError):
        await one(database, "SELECT 1")
    await database.close()
