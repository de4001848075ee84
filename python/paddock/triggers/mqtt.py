"""`[[trigger.mqtt]]`: a component handles messages of MQTT topics.

    [application.trigger.mqtt]
    address = "mqtt://127.0.0.1:1883"
    username = "user"
    password = "{{ mqtt_password }}"
    keep_alive_interval = "30"

    [[trigger.mqtt]]
    component = "sensors"
    topic = "sensors/+/temperature"
    qos = "1"

The keys are those of Spin's MQTT trigger, and `group` for a shared subscription
(MQTT 5), `durable` for a session that the broker keeps. Without `address` the
host's message broker `broker` ("default") is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from paddock.capabilities.messaging import Message, Subscription
from paddock.errors import ManifestError
from paddock.providers.messaging.mqtt_topics import pattern_of, topic_of
from paddock.triggers.message import MessageTrigger, at_address, names, started
from paddock.triggers.source import Context, Need

if TYPE_CHECKING:
    from paddock.providers.options import Options

#: Settings of the connection, by their names here and those of the provider.
_CONNECTION = {
    "username": "username",
    "password": "password",
    "keep_alive_interval": "keep_alive",
}


class MqttTrigger(MessageTrigger):
    """`topic` or `topics`, `qos` (0 and 1; 2 is taken as 1), `group`, `durable`."""

    templates = frozenset({"address", "username", "password", "topic"})

    @classmethod
    def need(cls, options: Mapping[str, object], settings: Mapping[str, object]) -> Need | None:
        """An MQTT server by address, or a broker of the host."""
        more: dict[str, object] = {}
        for name, known in _CONNECTION.items():
            value = options.get(name, settings.get(name))
            if value not in (None, ""):
                more[known] = value
        if "keep_alive" in more:
            more["keep_alive"] = _number("keep_alive_interval", more["keep_alive"], 65535)
        return at_address("mqtt", options, settings, more)

    def subscription(self, context: Context, options: Options) -> Subscription:
        """Hosts of one group share the messages; without one each gets all."""
        for key in ("broker", "address", "username", "password"):
            options.text(key)
        options.scalar("keep_alive_interval")
        _number("qos", options.scalar("qos") or 0, 2)
        subjects = tuple(pattern_of(topic) for topic in names(options, "topic", "topics"))
        group, durable = options.text("group"), options.flag("durable")
        if durable and not group:
            group = f"{context.application}.{context.id}"
        return Subscription(subjects, group, durable, started(options), self.in_flight)

    def seen(self, message: Message) -> Message:
        """With the topic in place of the subject."""
        return replace(message, subject=topic_of(message.subject))


def _number(name: str, value: object, most: int) -> int:
    """Spin writes these numbers as texts."""
    text = str(value)
    if isinstance(value, bool) or not text.isdigit() or int(text) > most:
        raise ManifestError(f"`{name}` must be a number from 0 to {most}")
    return int(text)
