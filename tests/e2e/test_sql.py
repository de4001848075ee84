"""SQL databases through every interface that guests import, on real servers."""

from __future__ import annotations

from pathlib import Path

import pytest
from databases import ask, part, rows
from hosts import Running
from manifests import configuration, write
from tests.services.mariadb import MariadbServer
from tests.services.postgres import PostgresServer

SPIN = ["spin", "spin1", "spin3"]
DATABASES = ["default", "pg", "my"]


@pytest.fixture(scope="module")
def host(
    module_up,
    tmp_path_factory: pytest.TempPathFactory,
    postgres_server: PostgresServer,
    mariadb_server: MariadbServer,
) -> Running:
    directory = tmp_path_factory.mktemp("sql")
    text = (
        f'[sql_database.pg]\ntype = "postgres"\nurl = "{postgres_server.url}"\n'
        f'[sql_database.my]\ntype = "mysql"\nurl = "{mariadb_server.url}"\n'
    )
    parts = [part(who) for who in [*SPIN, "neutral"]]
    parts += [part(who, "", f"denied-{who}") for who in ("spin", "neutral")]
    return module_up(write(directory, *parts), "--config", configuration(directory, text))


@pytest.fixture(params=["postgres", "mysql"])
def server(
    request: pytest.FixtureRequest, postgres_server: PostgresServer, mariadb_server: MariadbServer
) -> tuple[str, str]:
    """A path of Spin's guests, and the address for it."""
    chosen = postgres_server if request.param == "postgres" else mariadb_server
    return f"/{request.param}", chosen.url


@pytest.mark.parametrize("who", SPIN)
def test_sqlite_keeps_what_spins_guests_put_there(host: Running, who: str) -> None:
    status, answers = ask(
        host, who, "/sqlite",
        f"CREATE TABLE kept_{who} (a INTEGER PRIMARY KEY, b)",
        (f"INSERT INTO kept_{who} (b) VALUES (?), (?), (?), (?), (?)",
         "null", "int:-5", "real:1.5", "text:grün", "blob:00ff"),
        f"SELECT * FROM kept_{who} ORDER BY a",
    )  # fmt: skip
    assert status == 200, answers
    assert answers[2] == [
        ["a", "b"], ["integer:1", "null"], ["integer:2", "integer:-5"], ["integer:3", "real:1.5"],
        ["integer:4", "text:grün"], ["integer:5", "blob:00ff"],
    ]  # fmt: skip


@pytest.mark.parametrize("who", ["spin", "spin3"])
def test_a_connection_knows_its_last_insert_and_its_transaction(host: Running, who: str) -> None:
    table = f"last_{who}"
    status, answers = ask(
        host, who, "/sqlite",
        f"CREATE TABLE {table} (a INTEGER PRIMARY KEY)",
        f"INSERT INTO {table} VALUES (41)",
        "SELECT last_insert_rowid()",
        "BEGIN",
        f"INSERT INTO {table} VALUES (42)",
        "ROLLBACK",
        f"SELECT count(*) FROM {table}",
    )  # fmt: skip
    assert status == 200, answers
    assert answers[2][1] == ["integer:41"]  # type: ignore[index]
    assert answers[6][1] == ["integer:1"]  # type: ignore[index]


def test_a_transaction_that_a_guest_leaves_open_is_undone(host: Running) -> None:
    ask(host, "spin", "/sqlite", "CREATE TABLE left_open (a INTEGER)")
    ask(host, "spin", "/sqlite", "BEGIN", "INSERT INTO left_open VALUES (1)")
    assert rows(host, "spin", "/sqlite", "SELECT * FROM left_open") == []
    assert ask(host, "spin", "/sqlite", "INSERT INTO left_open VALUES (2)")[0] == 200


@pytest.mark.parametrize("who", SPIN)
def test_mistakes_in_sqlite_have_the_interfaces_error(host: Running, who: str) -> None:
    status, answers = ask(host, who, "/sqlite", "SELEC 1")
    assert status == 500
    assert str(answers[0]).startswith("error: io(")
    assert ask(host, who, "/sqlite", "SELECT 1", db="absent")[0] == 403


def test_a_guest_gets_nothing_but_its_database(host: Running, tmp_path: Path) -> None:
    for statement in (
        f"ATTACH DATABASE '{tmp_path}/x.db' AS x",
        f"VACUUM INTO '{tmp_path}/x.db'",
        "PRAGMA journal_mode = DELETE",
        "SELECT load_extension('x')",
    ):
        status, answers = ask(host, "spin", "/sqlite", statement)
        assert status == 500, answers
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("who", SPIN)
def test_servers_are_reached_by_address(host: Running, who: str, server: tuple[str, str]) -> None:
    path, address = server
    mark = "$1" if path == "/postgres" else "?"
    table = f"by_address_{who}"
    status, answers = ask(
        host, who, path,
        f"DROP TABLE IF EXISTS {table}",
        f"CREATE TABLE {table} (a INTEGER PRIMARY KEY, b TEXT, c DOUBLE PRECISION)",
        (f"INSERT INTO {table} VALUES ({mark}, 'grün', 1.5)", "int32:5"),
        f"SELECT a, b, c, NULL AS d FROM {table}",
        f"DROP TABLE {table}",
        address=address,
    )  # fmt: skip
    assert status == 200, answers
    assert answers[3][0][:3] == ["a:int32", "b:str", "c:floating64"]  # type: ignore[index]
    assert answers[3][1] == ["int32:5", "str:grün", "floating64:1.5", "null"]  # type: ignore[index]


@pytest.mark.parametrize("who", SPIN)
def test_errors_of_servers_have_the_interfaces_cases(
    host: Running, who: str, server: tuple[str, str]
) -> None:
    path, address = server
    for statement, start in (
        ("SELECT * FROM absent", "error: query-failed"),
        (("SELECT 1", "int32:1"), "error: bad-parameter"),
    ):
        status, answers = ask(host, who, path, statement, address=address)
        assert (status, str(answers[0]).startswith(start)) == (500, True), answers
    denied = address.replace("127.0.0.1", "127.0.0.2")
    status, answers = ask(host, who, path, "SELECT 1", address=denied)
    place = denied.split("@")[1].split("/")[0]
    wanted = f"error: connection-failed(address {path[1:]}://{place} is not permitted)"
    assert answers == [wanted]
    wrong = address.replace("paddock:", "paddock:wrong")
    status, answers = ask(host, who, path, "SELECT 1", address=wrong)
    assert str(answers[0]).startswith("error: connection-failed(") and "refuses" in str(answers[0])
    assert wrong.split("@")[0].split(":")[-1] not in host.log


def test_types_of_postgres_reach_spins_newest_interface(
    host: Running, postgres_server: PostgresServer
) -> None:
    values = [
        ("date", "date:2024-02-29"), ("time", "time:23:59:59.500000000"),
        ("timestamp", "datetime:2024-02-29T23:59:59.500000000"),
        ("timestamptz", "timestamp:1700000000"),
        ("uuid", "uuid:6ba7b810-9dad-11d1-80b4-00c04fd430c8"), ("jsonb", 'jsonb:{"a": 1}'),
        ("numeric", "decimal:12345678901234567890.50"), ("int4range", "range-int32:[1,5)"),
        ("int8range", "range-int64:(,5)"), ("numrange", "range-decimal:(1.5,)"),
        ("int4[]", "array-int32:[1,null]"), ("text[]", 'array-str:["a",null]'),
        ("interval", "interval:1,2,3"), ("boolean", "boolean:true"),
    ]  # fmt: skip
    params = [
        text.replace("[1,null]", "1,null")
        .replace('["a",null]', "a,null")
        .replace("boolean:", "bool:")
        for _, text in values
    ]
    asked = ", ".join(f"${n}::{name}" for n, (name, _) in enumerate(values, 1))
    for mode in ("async", "sync"):
        found = rows(
            host, "spin3", "/postgres", (f"SELECT {asked}", *params),
            address=postgres_server.url, mode=mode,
        )  # fmt: skip
        assert found == [[text for _, text in values]], mode


@pytest.mark.parametrize("path", ["/sqlite", "/postgres", "/mysql"])
def test_long_results_are_streamed_and_can_be_left(
    host: Running, path: str, postgres_server: PostgresServer, mariadb_server: MariadbServer
) -> None:
    many = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 900) "
    sql = f"{many} SELECT a.n FROM c a, c b WHERE b.n <= 30"
    address = {"/postgres": postgres_server.url, "/mysql": mariadb_server.url}.get(path)
    options = {"address": address} if address else {}
    status, answers = ask(host, "spin3", path, sql, show="count", **options)
    assert (status, answers) == (200, [[["n"] if path == "/sqlite" else ["n:int32"], "27000 rows"]])
    for _ in range(3):
        assert len(rows(host, "spin3", path, sql, take="5", **options)) == 5


@pytest.mark.parametrize("db", DATABASES)
def test_one_component_runs_on_each_product(host: Running, db: str) -> None:
    assert ask(host, "neutral", "/dialect", db=db)[1] == [
        {"default": "sqlite", "pg": "postgres", "my": "mysql"}[db]
    ]
    status, answers = ask(
        host, "neutral", "/sql",
        "DROP TABLE IF EXISTS n",
        "CREATE TABLE n (id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, a BOOLEAN, "
        "b DECIMAL(10, 2), c TIMESTAMP, d TIMESTAMPTZ, e DATE, f TIME, g BYTES, "
        "h VARCHAR(20) UNIQUE)",
        ("INSERT INTO n (a, b, c, d, e, f, g, h) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
         "bool:true", "decimal:-1.50", "timestamp:2024-02-29T01:02:03.5",
         "timestamp-tz:2024-02-29T02:02:03+01:00", "date:2024-02-29", "time:01:02:03",
         "blob:00ff", "text:it's ?"),
        (("SELECT * FROM n WHERE h = $1 AND '?' <> \"h\" -- $2"), "text:it's ?"),
        db=db,
    )  # fmt: skip
    assert status == 200, answers
    assert answers[3][1] == [  # type: ignore[index]
        "integer:1", "boolean:true", "decimal:-1.50", "timestamp:2024-02-29T01:02:03.500000",
        "timestamp-tz:2024-02-29T01:02:03+00:00", "date:2024-02-29", "time:01:02:03",
        "bytes:00ff", "text:it's ?",
    ]  # fmt: skip


@pytest.mark.parametrize("db", DATABASES)
def test_transactions_of_the_neutral_interface(host: Running, db: str) -> None:
    make = "CREATE TABLE t (a INTEGER PRIMARY KEY)"
    assert ask(host, "neutral", "/sql", "DROP TABLE IF EXISTS t", make, db=db)[0] == 200
    assert ask(
        host, "neutral", "/sql", ".begin", ("INSERT INTO t VALUES (?)", "int:1"), ".commit", db=db
    )[0] == 200  # fmt: skip
    for end in ([".rollback"], []):
        ask(host, "neutral", "/sql", ".begin", "INSERT INTO t VALUES (2)", *end, db=db)
    assert rows(host, "neutral", "/sql", "SELECT a FROM t", db=db) == [["integer:1"]]
    status, answers = ask(host, "neutral", "/sql", "INSERT INTO t VALUES (1)", db=db)
    assert status == 409 and str(answers[0]).startswith("error: constraint(")
    status, answers = ask(host, "neutral", "/sql", "SELECT a FROM absent", db=db)
    assert status == 500 and str(answers[0]).startswith("error: invalid(")


def test_what_is_not_granted_is_denied_and_the_log_says_how_to_grant_it(host: Running) -> None:
    assert ask(host, "denied-spin", "/sqlite", "SELECT 1") == (403, ["error: access-denied"])
    host.logged(r"\[component\.denied-spin\]: sqlite_databases = \[\"default\"\]")
    assert ask(host, "denied-neutral", "/sql", "SELECT 1") == (403, ["error: access-denied"])
    host.logged(r"\[component\.denied-neutral\]: sql_databases = \[\"default\"\]")
