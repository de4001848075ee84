"""Triggers without a broker, whose components are exchanged and whose servers and hosts end."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from collections.abc import Callable, Iterable
from pathlib import Path

from hosts import GUESTS, Running, until_taken, wait_for
from manifests import configuration
from tests.services.s3 import S3Server

from paddock.capabilities.blob import BlobStore, store_object
from paddock.providers.registry import find
from paddock.types import resolve

Start = Callable[..., Running]
EXCHANGES = 50


class Photos:
    """A container on an S3 server, and an application that is told of its objects."""

    def __init__(self, server: S3Server, folder: Path) -> None:
        self.folder = folder
        self.options = {
            "bucket": server.bucket,
            "endpoint": server.url,
            "region": server.region,
            "access_key": server.user,
            "secret_key": server.password,
        }

    def configuration(self) -> Path:
        table = {"type": "s3", **self.options}
        lines = [f"{key} = {json.dumps(value)}" for key, value in table.items()]
        return configuration(self.folder, "\n".join(["[blob_store.photos]", *lines, ""]))

    def write(self, version: int = 1) -> Path:
        manifest = self.folder / "paddock.toml"
        manifest.write_text(
            'paddock_manifest_version = 1\n[application]\nname = "photos"\n'
            '[[trigger.blob]]\nid = "t"\ncomponent = "handler"\ncontainer = "photos"\n'
            'interval = "200ms"\nbackoff = "50ms"\n'
            '[[trigger.http]]\nroute = "/..."\ncomponent = "handler"\n'
            "[component.handler]\n"
            f'source = "{GUESTS / "rust/messaging/messaging.wasm"}"\n'
            'key_value_stores = ["default"]\nmessage_brokers = ["default"]\n'
            f'environment = {{ VERSION = "{version}" }}\n'
        )
        return manifest

    async def put(self, names: Iterable[str]) -> None:
        """Each acknowledged by the server before the next."""
        provider = find("blob", "s3")
        config = provider.Config.from_table(self.options, None)
        opened = provider.open(config, application="photos", name="photos", state_dir=self.folder)
        store: BlobStore = await resolve(opened)  # type: ignore[arg-type]
        try:
            for name in names:
                await self._put(store, name)
        finally:
            await resolve(store.close())

    async def _put(self, store: BlobStore, name: str) -> None:
        async def stored() -> None:
            await resolve(store.create_container("photos"))
            await resolve(store_object(store, "photos", name, [name.encode()]))

        await until_taken(stored)


def told(host: Running) -> list[tuple[str, str]]:
    """Version and name of each object that the handler was told of."""
    lines = host.get("/received").text.splitlines()
    return [(line.split(" ")[0], json.loads(line.split(" ", 3)[3])["name"]) for line in lines]


def test_objects_are_told_of_while_their_handler_is_exchanged(
    s3_server: S3Server, up: Start, tmp_path: Path
) -> None:
    photos = Photos(s3_server, tmp_path)
    host = up(photos.write(), "--config", photos.configuration())

    async def flowing() -> None:
        putting = asyncio.create_task(photos.put(f"p{number}" for number in range(300)))
        for version in range(2, EXCHANGES + 2):
            photos.write(version)
            await asyncio.to_thread(host.apply, "--config", photos.configuration())
        await putting

    asyncio.run(flowing())
    wanted = {f"p{number}" for number in range(300)}
    wait_for("every object", lambda: {name for _, name in told(host)} == wanted)
    found = told(host)
    assert len({version for version, _ in found}) > 1
    assert len(found) == len(wanted)
    assert host.trigger("t")["failed"] == 0


def test_no_object_is_missed_when_its_server_and_its_host_are_killed(
    own_s3: S3Server, up: Start, tmp_path: Path
) -> None:
    photos = Photos(own_s3, tmp_path)
    host = up(photos.write(), "--config", photos.configuration())

    async def flowing() -> Running:
        putting = asyncio.create_task(photos.put(f"p{number}" for number in range(200)))
        await asyncio.to_thread(wait_for, "objects", lambda: len(told(host)) > 20)
        await asyncio.to_thread(own_s3.kill)
        await asyncio.to_thread(own_s3.restart)
        seen = len(told(host))
        await asyncio.to_thread(wait_for, "more of them", lambda: len(told(host)) > seen)
        host.signal(signal.SIGKILL)
        await asyncio.to_thread(host.ended)
        again = await asyncio.to_thread(
            up, photos.write(), "--config", photos.configuration(), "--state-dir", host.state_dir
        )
        await putting
        return again

    again = asyncio.run(flowing())
    wanted = {f"p{number}" for number in range(200)}
    wait_for("every object", lambda: {name for _, name in told(again)} == wanted)
    assert again.trigger("t")["dead"] == 0


def test_times_come_while_the_job_is_exchanged(up: Start, tmp_path: Path) -> None:
    manifest = tmp_path / "paddock.toml"

    def write(version: int) -> Path:
        manifest.write_text(
            'paddock_manifest_version = 1\n[application]\nname = "jobs"\n'
            '[[trigger.cron]]\nid = "t"\ncomponent = "job"\ncron_expression = "* * * * * *"\n'
            f'[component.job]\nsource = "{GUESTS / "rust/trigger-spin/trigger-spin.wasm"}"\n'
            f'environment = {{ VERSION = "{version}" }}\n'
        )
        return manifest

    host = up(write(1))
    for version in range(2, EXCHANGES + 2):
        write(version)
        host.apply()
    handled = int(host.trigger("t")["handled"])  # type: ignore[call-overload]
    wait_for("another time", lambda: int(host.trigger("t")["handled"]) > handled)  # type: ignore[call-overload]
    times = re.findall(r"stdout: cron: (\d+)", host.log)
    assert len(times) == len(set(times)) > 1
    assert host.trigger("t")["failed"] == 0
