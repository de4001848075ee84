"""Requests per second of a page that reads one key, and of one that reads one row.

Through guests in Rust, a fresh instance for each request, on real servers: what a
user of an application sees.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from urllib.parse import urlencode

from tests.services.mariadb import MariadbServer
from tests.services.nats import NatsServer
from tests.services.postgres import PostgresServer
from tests.services.redis import RedisServer

from benchmarks.bench import Bench
from benchmarks.load import Result, Target
from benchmarks.machine import Others
from benchmarks.report import Row, Section
from benchmarks.servers import Server
from benchmarks.tools import GUESTS

KEY_VALUE_GUEST = GUESTS / "rust" / "kv-draft2" / "kv-draft2.wasm"
SQL_GUEST = GUESTS / "rust" / "sql" / "sql.wasm"
CONNECTIONS = 50

MANIFEST = """
[[trigger.http]]
route = "/..."
component = "page"

[component.page]
source = "{source}"
{grants} = [{labels}]
"""

VALUE = "v" * 100
#: The last line of a right answer; the first has the types as the product names them.
ROW = b'\n["integer:1","text:a name","integer:0"]\n'


def measure(bench: Bench) -> list[Section]:
    """Key-value, then SQL."""
    with ExitStack() as stack:
        postgres = stack.enter_context(PostgresServer())
        return [_key_value(bench, postgres), _sql(bench, postgres)]


def _key_value(bench: Bench, postgres: PostgresServer) -> Section:
    with ExitStack() as stack:
        redis, nats = stack.enter_context(RedisServer()), stack.enter_context(NatsServer())
        tables = {
            "memory": 'type = "memory"',
            "sqlite": 'type = "sqlite"',
            "redis": f'type = "redis"\nurl = "{redis.url}"',
            "nats": f'type = "nats"\nurl = "{nats.url}"',
            "postgres": f'type = "postgres"\nurl = "{postgres.url}"',
        }
        grants = ("key_value_stores", "key_value_store")
        server, others = stack.enter_context(_host(bench, "kv", grants, tables)), Others()
        targets: list[Target] = []
        for label in tables:
            query = urlencode({"store": label, "key": "page"})
            server.expect(f"/set?{query}&value={VALUE}", b"ok")
            server.expect(f"/get?{query}", VALUE.encode())
            targets.append(Target(label, server, f"/get?{query}"))
        results = bench.load.rounds_over(targets, connections=CONNECTIONS)
    return _section(bench, "Key-value page", "gets a value of 100 bytes", results, others)


def _sql(bench: Bench, postgres: PostgresServer) -> Section:
    with ExitStack() as stack:
        mariadb = stack.enter_context(MariadbServer())
        tables = {
            "sqlite": 'type = "sqlite"',
            "postgres": f'type = "postgres"\nurl = "{postgres.url}"',
            "mariadb": f'type = "mariadb"\nurl = "{mariadb.url}"',
        }
        grants = ("sql_databases", "sql_database")
        server, others = stack.enter_context(_host(bench, "sql", grants, tables)), Others()
        targets: list[Target] = []
        for label in tables:
            table = "CREATE TABLE page (id INTEGER PRIMARY KEY, name VARCHAR(100), n INTEGER)"
            made = server.ask(_statements(label, table, "INSERT INTO page VALUES (1, 'a name', 0)"))
            if made is None or made[0] != 200:
                raise RuntimeError(f"no table in {label}: {made}: {server.output()}")
            path = _statements(label, "SELECT id, name, n FROM page WHERE id = ?", p="int:1")
            answer = server.ask(path)
            if answer is None or answer[0] != 200 or not answer[1].endswith(ROW):
                raise RuntimeError(f"{label} gave {answer}: {server.output()}")
            targets.append(Target(label, server, path))
        results = bench.load.rounds_over(targets, connections=CONNECTIONS)
    return _section(bench, "SQL page", "reads one row by its key", results, others)


def _statements(label: str, *statements: str, **parameters: str) -> str:
    pairs = [("db", label), *(("sql", each) for each in statements), *parameters.items()]
    return f"/sql?{urlencode(pairs)}"


def _host(bench: Bench, name: str, keys: tuple[str, str], tables: Mapping[str, str]) -> Server:
    """One host with a table for each label; `keys` are the manifest's and the host's."""
    source = KEY_VALUE_GUEST if name == "kv" else SQL_GUEST
    labels = ", ".join(f'"{label}"' for label in tables)
    manifest = MANIFEST.format(source=source.name, grants=keys[0], labels=labels)
    directory = bench.application(f"page-{name}", manifest, [source])
    config = directory / "host.toml"
    parts = [f"[{keys[1]}.{label}]\n{table}\n" for label, table in tables.items()]
    config.write_text("".join(parts), encoding="utf-8")
    path = "/exists?store=memory" if name == "kv" else "/dialect?db=sqlite"
    return bench.paddock(directory, "--config", str(config), "--quiet", path=path)


def _section(
    bench: Bench, title: str, what: str, results: Mapping[str, Result], others: Others
) -> Section:
    rows: Sequence[Row] = [
        Row(
            f"{title}, {label}", result.median("per_second"), "requests/s", headline=True,
            note=f"p50 {result.median('p50') / 1000:.2f} ms, p99 {result.median('p99') / 1000:.2f} "
            f"ms, {result.rate:,.0f} requests/CPU-s of the host",
        )
        for label, result in results.items()
    ]  # fmt: skip
    failed = sum(result.failed for result in results.values())
    name = f"{title}, failed requests"
    failures = Row(name, failed, "", goal=0, judged="value", bound="at most")
    conditions = (
        f"a Rust guest {what}, fresh instance each, {CONNECTIONS} connections, {bench.placed}; the "
        "servers of the data share the machine"
    )
    return Section(title, conditions, [*rows, failures], others.share())
