"""TLS to each server: with its CA it works, without it or with another name it is refused."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.services.fixtures import started
from tests.services.mariadb import MariadbServer
from tests.services.nats import NatsServer
from tests.services.server import CERTIFICATE, HOST, Server

from paddock.capabilities.messaging import Message
from paddock.errors import CapabilityError
from paddock.providers.options import OptionError
from paddock.providers.registry import find
from paddock.types import resolve

#: 127.0.0.1 too, by a name that the certificate does not have.
OTHER = "127.1"


@dataclass(frozen=True)
class Kind:
    """A provider, where it finds its server, and a call that needs it."""

    capability: str
    type: str
    call: Callable[..., Awaitable[object]]
    #: What its table calls the file of the CA.
    ca: str = "ca"


async def get(store) -> object:
    return await resolve(store.get("key"))


async def publish(broker) -> object:
    return await resolve(broker.publish(Message("tls.a", b"x")))


async def query(database) -> object:
    async with contextlib.AsyncExitStack() as stack:
        session = await resolve(database.session())
        stack.push_async_callback(lambda: resolve(session.close()))
        return await resolve(session.query("SELECT 1", ()))


KINDS = {
    "redis": Kind("key_value", "redis", get),
    "nats": Kind("key_value", "nats", get),
    "mosquitto": Kind("messaging", "mqtt", publish),
    "kafka": Kind("messaging", "kafka", publish),
    "mariadb": Kind("sql", "mysql", query, "sslrootcert"),
}


class Place:
    """One server, and how to open the provider on it."""

    def __init__(self, kind: Kind, server: Server, state_dir: Path) -> None:
        self.kind = kind
        self.server = server
        self._state_dir = state_dir

    @asynccontextmanager
    async def opened(self, host: str = HOST, **options: object) -> AsyncIterator[object]:
        table: dict[str, object] = {"timeout": "5s", **self._table(host), **options}
        provider = find(self.kind.capability, self.kind.type)
        config = provider.Config.from_table(table)
        found = await resolve(
            provider.open(config, application="app", name="x", state_dir=self._state_dir)
        )
        try:
            yield found
        finally:
            await resolve(found.close())  # type: ignore[attr-defined]

    def _table(self, host: str) -> Mapping[str, object]:
        server = self.server
        if self.kind.capability == "sql":
            return {"url": server.url.replace(HOST, host), "sslmode": "verify-full"}
        table = {"url": server.tls_url.replace(HOST, host)}  # type: ignore[attr-defined]
        if self.kind.capability == "messaging":
            table |= {"username": server.user, "password": server.password}
        return table


@pytest.fixture(scope="module")
def secure_mariadb() -> Iterator[MariadbServer]:
    # The usual one has no TLS, which whoever leaves the choice would use.
    yield from started(lambda: MariadbServer(tls=True))


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    name = "secure_mariadb" if request.param == "mariadb" else f"{request.param}_server"
    server: Server = request.getfixturevalue(name)
    return Place(KINDS[request.param], server, tmp_path)


async def test_a_server_whose_ca_is_configured_is_trusted(place: Place) -> None:
    async with place.opened(**{place.kind.ca: str(CERTIFICATE)}) as provider:
        await place.kind.call(provider)


async def test_a_server_of_another_ca_is_refused_and_the_reason_said(place: Place) -> None:
    async with place.opened() as provider:
        with pytest.raises(CapabilityError) as refused:
            await place.kind.call(provider)
    assert "certificate" in refused.value.message
    assert place.server.password not in str(refused.value)


async def test_a_server_of_another_name_is_refused_and_the_reason_said(place: Place) -> None:
    async with place.opened(OTHER, **{place.kind.ca: str(CERTIFICATE)}) as provider:
        with pytest.raises(CapabilityError) as refused:
            await place.kind.call(provider)
    assert "certificate" in refused.value.message


async def test_a_ca_that_is_not_there_is_a_mistake_in_the_table(place: Place) -> None:
    with pytest.raises(OptionError, match="no certificates") as refused:
        async with place.opened(**{place.kind.ca: "/nowhere/ca.pem"}):
            pass
    assert refused.value.key == place.kind.ca


async def test_a_nats_server_without_tls_is_not_told_the_password(
    start_server: Callable[[NatsServer], NatsServer], tmp_path: Path
) -> None:
    place = Place(KINDS["nats"], start_server(NatsServer(tls=False)), tmp_path)
    async with place.opened(ca=str(CERTIFICATE)) as store:
        with pytest.raises(CapabilityError, match="offers no TLS"):
            await get(store)
