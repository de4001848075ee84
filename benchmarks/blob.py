"""What blob stores cost beside their raw clients doing the same, in this process."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
import uuid
from collections.abc import AsyncIterable, Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import cast

from benchmarks.bench import Bench
from benchmarks.machine import Others
from benchmarks.report import Row, Section
from paddock.capabilities.blob import CHUNK, BlobStore, store_object
from paddock.host.live import wrapped
from paddock.providers.registry import find
from paddock.types import resolve

#: Name of the figure, bytes of an object, objects of a round, how many are under way at once.
SHAPES = (("1 kB", 1000, 64, 1), ("1 kB, 64 at once", 1000, 256, 64), ("8 MiB", 8 << 20, 2, 1))
ROUNDS = 5
GOAL = 1.5

Put = Callable[[str, bytes], Awaitable[object]]
Get = Callable[[str], Awaitable[int]]


def measure(bench: Bench) -> list[Section]:
    """Each provider whose server is on this machine."""
    from tests.services.nats import NatsServer
    from tests.services.s3 import S3Server
    from tests.services.server import MissingProgram

    others = Others()
    rows: list[Row] = []
    with ExitStack() as stack:
        rows += asyncio.run(_filesystem(bench.directory / "blobs"))
        try:
            s3 = stack.enter_context(S3Server())
            nats = stack.enter_context(NatsServer())
        except MissingProgram as missing:
            print(f"  left out: {missing}")
        else:
            rows += asyncio.run(_s3(s3.url, s3.bucket, (s3.user, s3.password)))
            rows += asyncio.run(_nats(nats.url))
    conditions = (
        "this process and a server on this machine, behind what can move the store; an object is "
        f"written and read again in chunks of 64 KiB; median of {ROUNDS} rounds, ours and the raw "
        "client's in turns"
    )
    return [Section("Blob stores", conditions, rows, others.share())]


async def _opened(stack: AsyncExitStack, type_name: str, **options: object) -> BlobStore:
    provider = find("blob", type_name)
    config = provider.Config.from_table(options)
    opened = provider.open(config, application="bench", name="default", state_dir=Path())
    if asyncio.iscoroutine(opened):
        opened = await opened
    store = cast("BlobStore", wrapped("blob", opened))

    async def close() -> None:
        await resolve(store.close())

    stack.push_async_callback(close)
    await resolve(store.create_container("box"))
    return store


async def _filesystem(folder: Path) -> list[Row]:
    async with AsyncExitStack() as stack:
        store = await _opened(stack, "filesystem", path=str(folder))
        raw = folder / "raw"
        raw.mkdir()

        def write(name: str, data: bytes) -> None:
            part = raw / f"{name}.part"
            part.write_bytes(data)
            os.replace(part, raw / name)

        async def put(name: str, data: bytes) -> None:
            await asyncio.to_thread(write, name, data)

        async def get(name: str) -> int:
            return len(await asyncio.to_thread((raw / name).read_bytes))

        return await _compared("files", store, "pathlib in a thread", put, get)


async def _s3(url: str, bucket: str, keys: tuple[str, str]) -> list[Row]:
    import obstore
    from obstore.store import S3Store

    options = {"bucket": bucket, "endpoint": url, "access_key": keys[0], "secret_key": keys[1]}
    async with AsyncExitStack() as stack:
        store = await _opened(stack, "s3", **options)
        client = S3Store(
            bucket,
            config={
                "endpoint": url,
                "region": "us-east-1",
                "access_key_id": keys[0],
                "secret_access_key": keys[1],
            },
            client_options={"allow_http": True},
        )

        async def put(name: str, data: bytes) -> object:
            return await obstore.put_async(client, f"raw/{name}", data)

        async def get(name: str) -> int:
            found = await obstore.get_async(client, f"raw/{name}")
            return len(await found.bytes_async())

        return await _compared("S3", store, "obstore", put, get)


async def _nats(url: str) -> list[Row]:
    import nats

    async with AsyncExitStack() as stack:
        store = await _opened(stack, "nats", url=url)
        client = await nats.connect(url)
        stack.push_async_callback(client.close)
        # Each of its reads leaves a consumer behind, of which a bucket has not many.
        buckets = {
            digit: await client.jetstream().create_object_store(f"raw-{digit}")
            for digit in "0123456789abcdef"
        }

        async def put(name: str, data: bytes) -> object:
            return await buckets[name[0]].put(name, data)

        async def get(name: str) -> int:
            return len((await buckets[name[0]].get(name)).data or b"")

        return await _compared("NATS", store, "nats-py", put, get)


async def _compared(what: str, store: BlobStore, client: str, put: Put, get: Get) -> list[Row]:
    async def our_put(name: str, data: bytes) -> None:
        chunks = (data[at : at + CHUNK] for at in range(0, len(data), CHUNK))
        await store_object(store, "box", name, chunks)

    async def our_get(name: str) -> int:
        # A guest takes the chunks one by one: nobody puts them together here.
        chunks = (await resolve(store.read("box", name))).chunks
        if isinstance(chunks, AsyncIterable):
            return sum([len(chunk) async for chunk in chunks])
        return sum(map(len, chunks))

    rows: list[Row] = []
    for shape, size, count, together in SHAPES:
        data = os.urandom(size)
        rounds = [
            (
                await _round(our_put, our_get, data, count, together),
                await _round(put, get, data, count, together),
            )
            for _ in range(ROUNDS + 1)
        ][1:]
        for number, verb in enumerate(("write", "read")):
            ours = statistics.median(ours[number] for ours, _ in rounds)
            theirs = statistics.median(theirs[number] for _, theirs in rounds)
            rows.append(
                Row(
                    f"{verb} {shape}: {what}",
                    ours,
                    "µs",
                    client,
                    theirs,
                    goal=GOAL,
                    bound="at most",
                )
            )
    return rows


async def _round(put: Put, get: Get, data: bytes, count: int, together: int) -> tuple[float, float]:
    """Microseconds of one write and of one read."""
    names = [uuid.uuid4().hex for _ in range(count)]

    async def write(name: str) -> None:
        await put(name, data)

    async def read(name: str) -> None:
        assert await get(name) == len(data)

    return await _timed(write, names, together), await _timed(read, names, together)


async def _timed(work: Callable[[str], Awaitable[None]], names: list[str], together: int) -> float:
    waiting = iter(names)

    async def worker() -> None:
        for name in waiting:
            await work(name)

    began = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(together)))
    return (time.perf_counter() - began) / len(names) * 1e6
