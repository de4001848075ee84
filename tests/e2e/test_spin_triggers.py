"""Applications with Spin's own triggers, from a `spin.toml` as its templates write it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from hosts import GUESTS, Running, wait_for
from tests.services.mosquitto import MosquittoServer
from tests.services.redis import RedisServer

Start = Callable[..., Running]


def application(folder: Path, guest: str, *parts: str) -> Path:
    manifest = folder / "spin.toml"
    source = GUESTS / "rust" / guest / f"{guest}.wasm"
    head = 'spin_manifest_version = 2\n[application]\nname = "app"\nversion = "0.1.0"\n'
    manifest.write_text(head + "\n".join(parts) + f'\n[component.app]\nsource = "{source}"\n')
    return manifest


@pytest.mark.parametrize(
    ("guest", "prefix"), [("trigger-spin", "redis"), ("trigger-redis3", "redis3")]
)
def test_a_component_of_spins_redis_trigger(
    guest: str, prefix: str, redis_server: RedisServer, up: Start, tmp_path: Path
) -> None:
    import redis

    host = up(
        application(
            tmp_path,
            guest,
            f'[application.trigger.redis]\naddress = "{redis_server.url}"',
            f'[[trigger.redis]]\nchannel = "{guest}"\ncomponent = "app"',
        )
    )
    with redis.Redis.from_url(redis_server.url) as client:
        wait_for("the subscription", lambda: client.publish(guest, "hello") == 1)
        client.publish(guest, "grün".encode())
    host.logged(rf"\[app\] stdout: {prefix}: hello")
    host.logged(rf"\[app\] stdout: {prefix}: grün")


def test_a_component_of_spins_cron_trigger(up: Start, tmp_path: Path) -> None:
    host = up(
        application(
            tmp_path,
            "trigger-spin",
            '[[trigger.cron]]\ncomponent = "app"\ncron_expression = "1/1 * * * * *"',
        )
    )
    first = int(host.logged(r"\[app\] stdout: cron: (\d+)")[1])
    assert first > 1_700_000_000
    wait_for("another run", lambda: host.log.count("stdout: cron: ") >= 2)


def test_a_component_of_spins_mqtt_trigger(
    mosquitto_server: MosquittoServer, up: Start, tmp_path: Path
) -> None:
    import aiomqtt

    server = mosquitto_server
    host = up(
        application(
            tmp_path,
            "trigger-mqtt",
            "[variables]\nmqtt_password = { required = true, secret = true }",
            f'[application.trigger.mqtt]\naddress = "{server.url}"\n'
            f'username = "{server.user}"\npassword = "{{{{ mqtt_password }}}}"\n'
            'keep_alive_interval = "30"',
            '[[trigger.mqtt]]\ncomponent = "app"\ntopic = "home/+/temperature"\nqos = "1"',
        ),
        "--variable",
        f"mqtt_password={server.password}",
    )

    async def publish() -> None:
        async with aiomqtt.Client(
            "127.0.0.1", server.port, username=server.user, password=server.password
        ) as client:
            await client.publish("home/kitchen/temperature", b"21.5", qos=1)
            await client.publish("home/kitchen/door", b"open", qos=1)
            await client.publish("home/attic/temperature", b"poison", qos=1)

    asyncio.run(publish())
    host.logged(r"\[app\] stdout: mqtt: home/kitchen/temperature 21\.5")
    host.logged(r"a message on home\.attic\.temperature failed \(attempt 1 of 5\)")
    assert "door" not in host.log
    assert server.password not in host.log
