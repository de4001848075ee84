"""How an MQTT session reads: many packets with one call of the system, others in between."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, cast

import pytest

from paddock.providers.connections.mqtt_paho import PIECE, BufferedSocket
from paddock.providers.connections.mqtt_session import PACKETS, MqttSession
from paddock.providers.connections.mqtt_target import MqttTarget


@pytest.fixture
def pair() -> Any:
    near, far = socket.socketpair()
    wire = BufferedSocket(near.family, near.type, near.proto, fileno=near.detach())
    wire.setblocking(False)
    yield wire, far
    wire.close()
    far.close()


def test_what_came_together_is_read_at_once_and_given_out_as_asked(pair: Any) -> None:
    wire, far = pair
    far.sendall(b"abcdefg")
    assert (wire.recv(1), wire.pending()) == (b"a", 6)
    assert (wire.recv(4), wire.recv(10), wire.pending()) == (b"bcde", b"fg", 0)
    with pytest.raises(BlockingIOError):
        wire.recv(1)
    far.sendall(b"h")
    assert wire.recv(5) == b"h"
    far.close()
    assert (wire.recv(1), wire.recv(1)) == (b"", b"")


def test_a_large_body_is_not_copied_through_the_pieces(pair: Any) -> None:
    wire, far = pair
    body = bytes(range(256)) * 400
    far.setblocking(False)
    sent = far.send(b"1" + body)
    got = wire.recv(1)
    while len(got) < sent:
        got += wire.recv(PIECE + sent)
    assert got == (b"1" + body)[:sent]


class Flood:
    """paho's client, with a packet more than is ever read."""

    def __init__(self) -> None:
        self.reads, self.left = 0, 3 * PACKETS

    def loop_read(self) -> None:
        self.reads += 1
        self.left -= 1

    def socket(self) -> Flood:
        return self

    def pending(self) -> int:
        return max(0, self.left)


async def test_a_broker_that_sends_without_end_leaves_others_their_turn() -> None:
    session = MqttSession(MqttTarget("127.0.0.1", 1883))
    flood = session._client = cast("Any", Flood())
    session._readable()
    seen = [flood.reads]
    for _ in range(4):
        await asyncio.sleep(0)
        seen.append(flood.reads)
    assert seen == [PACKETS, 2 * PACKETS, 3 * PACKETS, 3 * PACKETS, 3 * PACKETS]
