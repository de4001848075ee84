"""Streams of bytes both ways: `stream<u8>` that Python makes, and that a guest does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.bridge.guests import Bridge
from tests.bridge.tables import Absent, guest, run

from paddock.errors import GuestError
from paddock.types import Err, Stream, Variant


class Box(Absent):
    """A container of `wasmcloud:blobstore`, and a consumer of messages."""

    def __init__(self, answer: object = None) -> None:
        self.answer = answer
        self.taken: list[bytes] = []
        self.message: Any = None
        self.ended = ""

    def get_container(self, name: str) -> Box:
        return self

    def get_data(self, name: str, start: int, end: int) -> object:
        return self.answer

    def list_objects(self) -> object:
        return self.answer

    async def write_data(self, name: str, data: AsyncIterator[bytes]) -> None:
        try:
            async for piece in data:
                self.taken.append(piece)
        except asyncio.CancelledError:
            self.ended = "cancelled"
            raise
        self.ended = "whole"

    async def publish(self, message: Any) -> None:
        self.message = (
            message.subject,
            b"".join([piece async for piece in message.body]),
            message.reply_to,
        )

    async def request(
        self, subject: str, body: AsyncIterator[bytes], timeout_ms: int | None
    ) -> object:
        self.message = (subject, b"".join([piece async for piece in body]), timeout_ms)
        return {"subject": "answer", "body": b"\x01\x02", "reply_to": None}


async def blob(bridge: Bridge, box: Box, what: str, number: int = 0) -> str:
    return await run(guest(bridge, "tables-streams", "wasmcloud:", box, time=10.0), what, number)


async def test_bytes_are_streamed_to_a_guest(bridge: Bridge) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(30):
            await asyncio.sleep(0)
            yield b"\x01" * 50_000
            yield b""

    assert await blob(bridge, Box(Stream(pieces())), "get") == "(1500000, 1500000)"
    assert await blob(bridge, Box(Stream([b"\x02" * 3_000_000])), "get") == "(3000000, 6000000)"
    assert await blob(bridge, Box(b"whole"), "get") == f"(5, {sum(b'whole')})"


async def test_a_stream_without_a_future_that_breaks_off_traps(bridge: Bridge) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"half"
        raise Err(Variant("timeout"))

    with pytest.raises(GuestError):
        await blob(bridge, Box(Stream(pieces())), "get")


async def test_names_are_streamed_to_a_guest(bridge: Bridge) -> None:
    assert await blob(bridge, Box(Stream(["a", "b"])), "names") == "a,b"


async def test_a_guests_bytes_are_an_asynchronous_iterator(bridge: Bridge) -> None:
    box = Box()
    assert await blob(bridge, box, "write", 1_000_000) == "written"
    assert box.ended == "whole"
    assert max(map(len, box.taken)) <= 64 << 10
    assert len(b"".join(box.taken)) == 1_000_000
    assert b"".join(box.taken)[-4:] == b"\x03\x02\x01\x00"


async def test_a_reader_that_lets_go_ends_the_guests_writing(bridge: Bridge) -> None:
    class Impatient(Box):
        async def write_data(self, name: str, data: AsyncIterator[bytes]) -> None:
            self.taken.append(await anext(data))

    box = Impatient()
    assert await blob(bridge, box, "write", 5_000_000) == "written"
    assert len(box.taken) == 1


async def test_bytes_of_a_guest_that_traps_are_never_taken_for_the_whole(bridge: Bridge) -> None:
    box = Box()
    with pytest.raises(GuestError):
        await blob(bridge, box, "break", 300_000)
    await bridge.until(lambda: box.ended)
    assert box.ended == "cancelled"


async def test_a_message_has_a_stream_for_its_body(bridge: Bridge) -> None:
    box = Box()
    assert await blob(bridge, box, "publish", 3) == "published"
    assert box.message == ("a.b", b"\x02\x01\x00", "c")
    assert await blob(bridge, box, "request", 2) == "answer (2, 3) None"
    assert box.message == ("a.b", b"\x01\x00", 250)
