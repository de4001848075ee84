"""wasmCloud's interface of Postgres, in both of its versions, on a real server."""

from __future__ import annotations

import pytest
from databases import ask
from hosts import GUESTS, Running
from manifests import configuration, routed, write
from tests.services.postgres import PostgresServer

VERSIONS = {"draft": "postgres-wasmcloud", "newest": "postgres-wasmcloud3"}
#: A parameter, the type to read it back as, and what the guest sees.
VALUES = [
    ("null", "int4", "Null"),
    ("bool:true", "bool", "Bool(true)"),
    ("int2:-2", "int2", "Int2(-2)"),
    ("int4:5", "int4", "Int4(5)"),
    ("int8:9007199254740993", "int8", "Int8(9007199254740993)"),
    ("text:grün", "text", 'Text("grün")'),
    ("blob:00ff", "bytea", "Bytea([0, 255])"),
    ("numeric:1.50", "numeric", 'Numeric("1.50")'),
    ("uuid:6f2c1a52-0b7e-4c3e-9c55-0d8a3c0c1a11", "uuid",
     'Uuid("6f2c1a52-0b7e-4c3e-9c55-0d8a3c0c1a11")'),
    ("inet:10.0.0.0/8", "inet", 'Inet("10.0.0.0/8")'),
    ("date:2024-02-29", "date", "Date(Date::Ymd((2024, 2, 29)))"),
    ("date:infinity", "date", "Date(Date::PositiveInfinity)"),
    ("int4-array:1,2", "int4[]", "Int4Array([1, 2])"),
    ("text-array:a,b", "text[]", 'TextArray(["a", "b"])'),
]  # fmt: skip


def part(who: str, label: str, grants: str) -> str:
    source = GUESTS / "rust" / VERSIONS[who] / f"{VERSIONS[who]}.wasm"
    text = routed(label, source, grants, "/...")
    return text.replace('"/..."', f'"/..."\nhost = "{label}.test"')


@pytest.fixture(scope="module")
def host(
    module_up, tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer
) -> Running:
    directory = tmp_path_factory.mktemp("wasmcloud")
    text = f'[sql_database.default]\ntype = "postgres"\nurl = "{postgres_server.url}"\n'
    granted = 'sql_databases = ["default"]\n'
    parts = [part(who, who, granted) for who in VERSIONS]
    parts += [part(who, f"denied-{who}", "") for who in VERSIONS]
    return module_up(write(directory, *parts), "--config", configuration(directory, text))


@pytest.mark.parametrize("who", VERSIONS)
@pytest.mark.parametrize(("param", "kind", "shown"), VALUES)
def test_a_value_comes_back_in_its_own_type(
    host: Running, who: str, param: str, kind: str, shown: str
) -> None:
    status, answers = ask(host, who, "/query", (f"SELECT $1::{kind} AS a", param))
    assert (status, answers) == (200, [[["a"], [f"PgValue::{shown}"]]]), host.log


@pytest.mark.parametrize("who", VERSIONS)
def test_batches_and_prepared_statements(host: Running, who: str) -> None:
    table = f"rows_{who}"
    batch = f"DROP TABLE IF EXISTS {table}; CREATE TABLE {table} (a INT PRIMARY KEY, b TEXT)"
    assert ask(host, who, "/batch", batch) == (200, ["ok"])
    insert = (f"INSERT INTO {table} SELECT n, $1 FROM generate_series(1, 300) AS n", "text:x")
    assert ask(host, who, "/exec", insert) == (200, ["300"])
    status, answers = ask(host, who, "/query", f"SELECT a, b FROM {table} ORDER BY a")
    assert status == 200
    rows = [[f"PgValue::Int4({n})", 'PgValue::Text("x")'] for n in range(1, 301)]
    assert answers[0] == [["a", "b"], *rows]


def test_mistakes_have_the_cases_of_each_version(host: Running) -> None:
    status, answers = ask(host, "draft", "/query", "SELECT * FROM absent")
    assert (status, str(answers[0]).startswith("error: invalid-query(")) == (500, True), answers
    asked = {
        "draft": ("query-error:invalid-query(", "unknown-prepared-query"),
        "newest": ("query-failed(ERROR 42P01: ", "unknown-prepared-statement"),
    }
    for who, (wrong, unknown) in asked.items():
        status, answers = ask(host, who, "/exec", "SELECT * FROM absent")
        assert (status, str(answers[0]).startswith(f"error: {wrong}")) == (500, True), answers
        assert ask(host, who, "/unknown", "x") == (404, [f"error: {unknown}"])


@pytest.mark.parametrize(("who", "status"), [("draft", 500), ("newest", 403)])
def test_without_a_grant_nothing_is_reached(host: Running, who: str, status: int) -> None:
    found, answers = ask(host, f"denied-{who}", "/query", "SELECT 1")
    assert found == status
    assert "error: " in str(answers[0])


def test_a_guest_may_read_a_part_of_the_stream_and_leave(host: Running) -> None:
    rows = "SELECT generate_series(1, 1000000000) AS n"
    # More than there are connections: each has to be given back.
    for _ in range(20):
        status, answers = ask(host, "newest", "/query", rows, take="3")
        assert status == 200, host.log
        assert answers == [[["n"], *([f"PgValue::Int4({n})"] for n in (1, 2, 3))]]
