"""The producer for a Kafka cluster, shared by all who use the same one from one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from paddock.errors import CapabilityError, Unavailable
from paddock.providers.connections.health import Health
from paddock.providers.connections.kafka_target import KafkaTarget, explained, settings
from paddock.providers.connections.shared import Shared, seen

if TYPE_CHECKING:
    from aiokafka import AIOKafkaProducer
    from aiokafka.admin import AIOKafkaAdminClient


class KafkaLink:
    """Its methods belong to the loop where it was made. The brokers may be away meanwhile."""

    def __init__(self, target: KafkaTarget) -> None:
        self.target = target
        self.health = Health(target.what, self._ping, target.timeout)
        self._producer: AIOKafkaProducer | None = None
        self._starting: asyncio.Task[AIOKafkaProducer] | None = None
        self._closed = False

    async def publish(
        self,
        topic: str,
        value: bytes,
        key: bytes | None = None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> None:
        """Answers when all replicas in sync have it. Raises CapabilityError, Unavailable."""
        producer = self._producer
        if producer is None or self.health.failure is not None:
            if self._closed:
                raise Unavailable(f"the connection to {self.target.what} is closed")
            self.health.check()
            producer = await self._started()
        try:
            async with asyncio.timeout(self.target.timeout):
                sent = await producer.send(topic, value, key=key, headers=list(headers))
                # A future that is given up is no longer told, and its message may still go.
                sent.add_done_callback(seen)
                await asyncio.shield(sent)
        except Exception as error:
            found = explained(error, self.target)
            if found.retryable:
                self.health.doubt()
            raise found from error

    @contextlib.asynccontextmanager
    async def administration(self) -> AsyncIterator[AIOKafkaAdminClient]:
        """A client for topics and groups, for as long as the block lasts."""
        from aiokafka.admin import AIOKafkaAdminClient

        client: AIOKafkaAdminClient = AIOKafkaAdminClient(**settings(self.target))
        try:
            async with asyncio.timeout(2 * self.target.timeout):
                await client.start()
                yield client
        except Exception as error:
            raise explained(error, self.target) from error
        finally:
            with contextlib.suppress(Exception):
                await client.close()

    async def close(self) -> None:
        """End the connections; calls under way fail."""
        self._closed = True
        await self.health.close()
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        await self._drop()

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is not None:
            return self._producer
        if self._starting is None:
            self._starting = asyncio.get_running_loop().create_task(self._start())
            self._starting.add_done_callback(seen)
        try:
            return await asyncio.shield(self._starting)
        except CapabilityError as error:
            self.health.doubt()
            raise type(error)(error.message, hint=error.hint) from error

    async def _start(self) -> AIOKafkaProducer:
        from aiokafka import AIOKafkaProducer

        # Idempotent: what the client sends again by itself is not stored twice.
        producer: AIOKafkaProducer | None = None
        try:
            producer = AIOKafkaProducer(**settings(self.target), enable_idempotence=True)
            async with asyncio.timeout(self.target.timeout):
                await producer.start()
        except BaseException as error:
            if producer is not None:
                await _stop(producer)
            if not isinstance(error, Exception):
                raise
            raise explained(await self._reason(error), self.target) from error
        finally:
            self._starting = None
        self._producer = producer
        return producer

    async def _reason(self, error: Exception) -> Exception:
        """Why no broker could be asked; the client only logs that a password was refused."""
        from aiokafka import errors
        from aiokafka.conn import create_conn

        target = self.target
        nobody: bool = isinstance(error, errors.KafkaConnectionError)
        if target.username is None or not nobody:
            return error
        given = settings(target)
        servers = given.pop("bootstrap_servers")  # type: ignore[misc]
        del given["retry_backoff_ms"]  # type: ignore[misc]
        host, _, port = servers[0].rpartition(":")
        try:
            connection = await create_conn(host.strip("[]"), int(port), **given)
        except (errors.KafkaError, OSError) as reason:
            found: Exception = reason
            return found
        connection.close()
        return error

    async def _drop(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await _stop(producer)

    async def _ping(self) -> None:
        if self._producer is None:
            await self._started()
            return
        try:
            await self._producer.client.fetch_all_metadata()
        except Exception as error:
            # After some errors an idempotent producer is of no more use.
            await self._drop()
            raise explained(error, self.target) from error


async def _stop(producer: AIOKafkaProducer) -> None:
    """Stop it; one whose brokers are away would wait for them."""
    with contextlib.suppress(Exception):
        async with asyncio.timeout(1.0):
            await producer.stop()
    with contextlib.suppress(Exception):
        await producer.client.close()


def load() -> None:
    """Raises CapabilityError where the client library is not installed."""
    # It tells of each attempt while brokers are away, on stderr; `Health` tells once.
    client = logging.getLogger("aiokafka")
    if not client.handlers:
        client.addHandler(logging.NullHandler())
    try:
        import aiokafka  # noqa: F401
    except ImportError as error:
        raise CapabilityError(
            "the package 'aiokafka' is not installed", hint="pip install 'paddock[kafka]'"
        ) from error


_LINKS: Shared[KafkaLink] = Shared()


def take(target: KafkaTarget) -> KafkaLink:
    """The producer for a cluster; give it back with `give`. Needs a running loop, no brokers."""
    load()
    link = _LINKS.take(target, lambda: KafkaLink(target))
    link.health.doubt()
    return link


async def give(link: KafkaLink) -> None:
    """Give up one use; the last one closes the connections."""
    await _LINKS.give(link.target, link)
