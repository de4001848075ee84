"""What only looks like a Redis server can do no more than fail the calls that it was sent."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator

import pytest

from paddock.errors import CapabilityError
from paddock.providers.redis.client import RedisAddresses

ANSWERS = [b"$abc\r\n", b"*1\r\n" * 100_000, b"*x\r\n", b"hello\r\n", b"-ERR a\r\n-ERR b\r\n" * 50]


@pytest.fixture(params=ANSWERS, ids=["length", "nested", "count", "greeting", "unasked"])
async def url(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(request.param)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


async def test_an_answer_that_is_none_fails_the_call_and_nothing_else(url: str) -> None:
    faults: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    client = RedisAddresses.open_address(url, allowed=lambda *_: True)
    with pytest.raises(CapabilityError):
        await client.get("key")
    await client.close()
    gc.collect()
    await asyncio.sleep(0)
    assert faults == []
