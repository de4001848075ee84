"""Fixtures: a server that the whole session shares, one of a test's own, or one with options.

`redis_server` and its kin start at their first use and are shared: leave them as
they were found. `own_redis` and its kin are for faults: kill them, fill them.
A server whose program is missing skips the test; in CI that is a failure.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, TypeVar

import pytest
from tests.services.kafka import KafkaServer
from tests.services.mariadb import MariadbServer
from tests.services.mosquitto import MosquittoServer
from tests.services.nats import NatsServer
from tests.services.openbao import OpenBaoServer
from tests.services.postgres import PostgresServer
from tests.services.redis import RedisServer
from tests.services.s3 import S3Server
from tests.services.server import MissingProgram, Server

if TYPE_CHECKING:
    from tests.services.collector import Collector

S = TypeVar("S", bound=Server)

#: Every kind of server by its name.
KINDS: dict[str, type[Server]] = {
    kind.name: kind
    for kind in (
        RedisServer,
        NatsServer,
        PostgresServer,
        MariadbServer,
        MosquittoServer,
        S3Server,
        KafkaServer,
    )
}


def started(kind: Callable[[], S]) -> Iterator[S]:
    server = kind()
    try:
        yield start_or_skip(server)
    finally:
        server.close()


def start_or_skip(server: S) -> S:
    try:
        return server.start()
    except MissingProgram as missing:
        pytest.skip(str(missing))


@pytest.fixture
def start_server() -> Iterator[Callable[[S], S]]:
    """`start_server(RedisServer(full=True))`: for one test, with options."""
    with ExitStack() as stack:

        def start(server: S) -> S:
            stack.callback(server.close)
            return start_or_skip(server)

        yield start


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    yield from started(RedisServer)


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    yield from started(RedisServer)


@pytest.fixture(scope="session")
def nats_server() -> Iterator[NatsServer]:
    yield from started(NatsServer)


@pytest.fixture
def own_nats() -> Iterator[NatsServer]:
    yield from started(NatsServer)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    yield from started(PostgresServer)


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    yield from started(PostgresServer)


@pytest.fixture(scope="session")
def kafka_server() -> Iterator[KafkaServer]:
    yield from started(KafkaServer)


@pytest.fixture
def own_kafka() -> Iterator[KafkaServer]:
    yield from started(KafkaServer)


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariadbServer]:
    yield from started(MariadbServer)


@pytest.fixture
def own_mariadb() -> Iterator[MariadbServer]:
    yield from started(MariadbServer)


@pytest.fixture(scope="session")
def mosquitto_server() -> Iterator[MosquittoServer]:
    yield from started(MosquittoServer)


@pytest.fixture
def own_mosquitto() -> Iterator[MosquittoServer]:
    yield from started(MosquittoServer)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    yield from started(S3Server)


@pytest.fixture
def own_s3() -> Iterator[S3Server]:
    yield from started(S3Server)


@pytest.fixture(scope="session")
def openbao_server() -> Iterator[OpenBaoServer]:
    yield from started(OpenBaoServer)


@pytest.fixture
def own_openbao() -> Iterator[OpenBaoServer]:
    yield from started(OpenBaoServer)


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector of OpenTelemetry."""
    from tests.services.collector import Collector

    with Collector() as found:
        yield found


@pytest.fixture
def no_otel_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment says nothing of OpenTelemetry."""
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
