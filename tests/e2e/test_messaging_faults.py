"""What guests and a host make of brokers that die and come back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hosts import GUESTS, Running, memory, wait_for
from manifests import configuration, routed, write
from tests.services.mosquitto import MosquittoServer
from tests.services.nats import NatsServer
from tests.services.redis import RedisServer

Server = NatsServer | RedisServer | MosquittoServer


@pytest.fixture(params=["nats", "redis", "mosquitto"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(f"own_{request.param}")
    return found


@pytest.fixture
def host(up, tmp_path: Path, server: Server) -> Running:
    kind, url = server.url.split(":")[0], server.url
    if isinstance(server, MosquittoServer):
        url = url.replace("//", f"//{server.user}:{server.password}@")
    text = f'[message_broker.default]\ntype = "{kind}"\nurl = "{url}"\ntimeout = "1s"\n'
    source = GUESTS / "rust/messaging3/messaging3.wasm"
    grants = 'message_brokers = ["default"]\nkey_value_stores = ["default"]\n'
    manifest = write(tmp_path, routed("publisher", source, grants))
    return up(manifest, "--config", configuration(tmp_path, text))


def test_a_dead_broker_is_an_error_that_fills_no_memory_until_it_is_back(
    host: Running, server: Server
) -> None:
    def publish() -> tuple[int, str]:
        answer = host.get("/publish?subject=a&size=500000")
        return answer.status_code, answer.text

    assert publish()[0] == 200
    server.kill()
    wanted = {(500, "error: broker-unavailable\n"), (500, "error: timeout\n")}
    wait_for("the broker to be missed", lambda: publish() in wanted)
    assert {publish() for _ in range(30)} <= wanted
    before = memory(host)
    assert {publish() for _ in range(150)} <= wanted
    assert memory(host) - before < 60_000
    server.start()
    wait_for("the broker", lambda: publish()[0] == 200)
    assert server.password not in host.log
