"""Messages over MQTT 5.

A group is a shared subscription; a durable one is a session that the broker keeps,
so it has what arrived since the group first subscribed. `publish` answers when
the broker has acknowledged the message, with `qos` 1 or 2; with 0 it is only sent.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from paddock.capabilities.messaging import Message, Subscription
from paddock.capabilities.subjects import check_headers, check_subject
from paddock.errors import Unavailable
from paddock.providers.connections.mqtt_paho import SessionOptions
from paddock.providers.connections.mqtt_target import MqttTarget, target_from
from paddock.providers.messaging.inbox import Inbox
from paddock.providers.messaging.inflow import Inflow
from paddock.providers.messaging.mqtt_topics import topic_of
from paddock.providers.options import Options

if TYPE_CHECKING:
    from paho.mqtt.properties import Properties

    from paddock.providers.connections.mqtt import MqttLink
    from paddock.providers.messaging.mqtt_intake import Intake

#: Messages that requests' answers may be ahead of those who wait.
ANSWERS = 1000


@dataclass(frozen=True, slots=True)
class MqttConfig:
    """`qos` of what is published, 0 to 2; it is consumed with 1 at most.

    `client_id`: begins the names of the sessions of durable groups; without one
    a name is made once and kept in the state directory. Two hosts need two.
    `session_expiry` in seconds: how long the broker keeps such a session.
    `share`: groups share with those of other hosts; without it, each host has all.
    """

    target: MqttTarget
    qos: int = 1
    client_id: str = ""
    session_expiry: int = 7 * 86400
    share: bool = True

    @classmethod
    def from_table(cls, options: Mapping[str, object], base: Path | None = None) -> MqttConfig:
        """Read a `[message_broker.X]` table: the keys of `target_from` and these."""
        table = Options(options, "an MQTT message broker")
        target = target_from(table, base)
        qos = table.integer("qos", 1, most=2)
        client_id = table.text("client_id") or ""
        expiry = table.seconds("session_expiry", 7 * 86400.0, least=1.0)
        share = table.flag("share", default=True)
        table.done()
        return cls(target, qos, client_id, min(2**32 - 1, round(expiry)), share)


class MqttBroker:
    """The contract is `paddock.capabilities.messaging.MessageBroker`. For one event loop."""

    def __init__(self, config: MqttConfig, client_id: str) -> None:
        from paddock.providers.connections.mqtt import take

        self.link: MqttLink = take(config.target)
        self.config = config
        self._client_id = client_id
        self._inbox = Inbox()
        self._answers: Inflow | None = None
        self._answering: asyncio.Task[None] | None = None
        self._opening = asyncio.Lock()
        self._intakes: dict[object, Intake] = {}
        self._inflows: set[Inflow] = set()
        self._closed = False

    async def publish(self, message: Message, /) -> None:
        """See the module's text."""
        self._check(message)
        properties = None
        if message.headers or message.reply_to is not None:
            properties = _properties(message)
        topic = topic_of(message.subject)
        await self.link.publish(topic, message.body, self.config.qos, properties)

    async def request(
        self, message: Message, /, *, timeout: float, replies: int = 1
    ) -> list[Message]:
        """MQTT 5's response topic, one for each request."""
        self._check(message)
        if self._answers is None or self._answers.closed:
            async with self._opening:
                if self._answers is None or self._answers.closed:
                    await self._listen()
        question = self._inbox.ask(replies)
        try:
            await self.publish(replace(message, reply_to=question.subject))
            return await question.collect(timeout)
        finally:
            self._inbox.forget(question)

    async def _listen(self) -> None:
        answers = await self.subscribe(Subscription((self._inbox.pattern,), max_in_flight=ANSWERS))

        async def tell() -> None:
            async for held in answers:
                self._inbox.answer(held.message)
                await held.ack()

        self._answers = answers
        self._answering = asyncio.get_running_loop().create_task(tell())

    async def subscribe(self, subscription: Subscription, /) -> Inflow:
        """See the contract; subscriptions of a durable group share one session here."""
        from paddock.providers.messaging.mqtt_intake import Intake, IntakeSource

        if self._closed:
            raise Unavailable("the message broker is closed")
        key: object = object()
        if subscription.durable:
            key = subscription.group
        elif subscription.group is not None and not self.config.share:
            key = (subscription.group, subscription.subjects)
        intake = self._intakes.get(key)
        if intake is None or intake.closed or intake.subjects != subscription.subjects:
            session = self._session(subscription)
            intake = Intake(self.config, subscription, session)
            self._intakes = {k: each for k, each in self._intakes.items() if not each.closed}
            self._intakes[key] = intake
        source = IntakeSource(intake)
        inflow = Inflow(source, subscription.max_in_flight, self.publish)
        self._inflows = {each for each in self._inflows if not each.closed} | {inflow}
        return await inflow.started(self.link.target.timeout)

    def _session(self, subscription: Subscription) -> SessionOptions:
        if not subscription.durable:
            return SessionOptions(receive=subscription.max_in_flight)
        which = hashlib.sha256((subscription.group or "").encode()).hexdigest()[:12]
        name = f"{self._client_id}-{which}"
        return SessionOptions(name, self.config.session_expiry, subscription.max_in_flight)

    async def close(self) -> None:
        """See the contract."""
        from paddock.providers.connections.mqtt import give

        if self._closed:
            return
        self._closed = True
        await asyncio.gather(*(inflow.close() for inflow in self._inflows))
        if self._answering is not None:
            self._answering.cancel()
            await asyncio.gather(self._answering, return_exceptions=True)
        await give(self.link)

    def _check(self, message: Message) -> None:
        if self._closed:
            raise Unavailable("the message broker is closed")
        check_subject(message.subject)
        if message.headers:
            check_headers(message.headers)


def _properties(message: Message) -> Properties:
    from paddock.providers.connections.mqtt_paho import properties

    values: dict[str, object] = {}
    if message.reply_to is not None:
        values["ResponseTopic"] = topic_of(message.reply_to)
    if message.headers:
        values["UserProperty"] = list(message.headers)
    return properties("PUBLISH", **values)


class MqttMessaging:
    """`type = "mqtt"`."""

    Config = MqttConfig

    @staticmethod
    async def open(config: object, *, application: str, name: str, state_dir: Path) -> MqttBroker:
        """Topics are shared with everybody at the broker, as it is meant."""
        wanted = cast("MqttConfig", config)
        client_id = wanted.client_id
        if not client_id:
            client_id = await asyncio.to_thread(_kept, state_dir, application, name)
        return MqttBroker(wanted, client_id)


def _kept(state_dir: Path, application: str, name: str) -> str:
    """The name of this host's sessions, made at the first time."""
    which = hashlib.sha256(f"{application}\0{name}".encode()).hexdigest()[:12]
    path = state_dir / f"mqtt-client-{which}"
    try:
        if text := path.read_text(encoding="ascii").strip():
            return text
    except FileNotFoundError:
        pass
    made = f"paddock-{secrets.token_hex(8)}"
    path.write_text(made, encoding="ascii")
    return made
