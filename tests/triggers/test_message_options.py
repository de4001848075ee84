"""Message triggers: which broker and which subscription their tables ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from paddock.capabilities.messaging import Message, Subscription
from paddock.errors import ManifestError, PaddockError, PlanError
from paddock.manifest.hostconfig import ProviderConfig
from paddock.providers.options import Options
from paddock.triggers.message import MessageEvent, MessageTrigger
from paddock.triggers.registry import find
from paddock.triggers.source import Call, Context, Need

HANDLER = ("wasmcloud:messaging/handler@0.2.0",)


class Spy:
    """A broker that keeps what is subscribed to."""

    def __init__(self) -> None:
        self.subscriptions: list[Subscription] = []


@dataclass
class Given:
    """As much of a delivery as a call is made of."""

    message: Message
    attempt: int = 1
    redelivered: bool = False


def made(kind: str, exports: tuple[str, ...] = HANDLER, **options: object) -> MessageTrigger:
    table = Options(options, f"a {kind} trigger")
    context = Context("app", "orders", "t1", exports, Path(), Path(), 7, Spy())
    trigger = find(kind)(context, table)
    table.done()
    assert isinstance(trigger, MessageTrigger)
    return trigger


def need(kind: str, options: Mapping[str, object], settings: Mapping[str, object]) -> Need:
    found = find(kind).need(options, settings)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("kind", "options", "subjects", "group", "durable"),
    [
        ("message", {"subject": "a.*"}, ("a.*",), "app.t1", False),
        ("message", {"subjects": ["a", "b"], "group": "g"}, ("a", "b"), "g", False),
        ("redis", {"channel": "orders"}, ("orders",), None, False),
        ("redis", {"stream": "s", "group": "g"}, (">",), "g", True),
        ("nats", {"subject": "a.>", "queue": "q"}, ("a.>",), "q", False),
        ("nats", {"subject": "a", "stream": "S", "durable": "d"}, ("a",), "d", True),
        ("mqtt", {"topic": "a/+/c.d/#", "qos": "1"}, ("a.*.c/d.>",), None, False),
        ("mqtt", {"topic": "a", "group": "g", "durable": True}, ("a",), "g", True),
        ("kafka", {"topic": "orders", "group": "g"}, ("orders",), "g", True),
    ],
)
def test_tables_become_subscriptions(
    kind: str,
    options: dict[str, object],
    subjects: tuple[str, ...],
    group: str | None,
    durable: bool,
) -> None:
    subscription = made(kind, **options).wanted
    assert subscription.subjects == subjects
    assert (subscription.group, subscription.durable) == (group, durable)
    assert subscription.max_in_flight == 7


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("message", {}),
        ("message", {"subject": "a", "subjects": ["b"]}),
        ("message", {"subject": "a", "colour": 1}),
        ("message", {"subject": "a", "start": "yesterday"}),
        ("nats", {"subject": "a", "queue": "q", "durable": "d"}),
        ("redis", {"stream": "s", "group": ""}),
        ("mqtt", {"topic": "a", "qos": 3}),
        ("kafka", {"topic": "a", "group": ""}),
    ],
)
def test_mistakes_are_refused(kind: str, options: dict[str, object]) -> None:
    with pytest.raises(PaddockError):
        made(kind, **options)


def test_a_component_without_a_handler_is_refused() -> None:
    with pytest.raises(PlanError, match="messages"):
        made("nats", ("wasi:http/incoming-handler@0.2.0",), subject="a")


def test_an_address_is_a_provider_of_the_triggers_own() -> None:
    url = "redis://127.0.0.1:6379"
    assert need("redis", {"address": url}, {}).name == ProviderConfig("redis", {"url": url})
    assert need("redis", {}, {"address": url}).name == ProviderConfig("redis", {"url": url})
    assert need("redis", {"broker": "b"}, {"address": url}).name == "b"
    assert need("redis", {}, {}).name == "default"
    with pytest.raises(ManifestError):
        need("redis", {"address": url, "broker": "b"}, {})
    with pytest.raises(ManifestError):
        need("redis", {"address": 1}, {})


def test_the_settings_of_spins_mqtt_trigger_are_understood() -> None:
    settings = {
        "address": "mqtt://127.0.0.1:1883",
        "username": "user",
        "password": "secret",
        "keep_alive_interval": "30",
    }
    found = need("mqtt", {"topic": "a"}, settings).name
    assert isinstance(found, ProviderConfig)
    assert dict(found.options) == {
        "url": "mqtt://127.0.0.1:1883",
        "username": "user",
        "password": "secret",
        "keep_alive": 30,
    }


@pytest.mark.parametrize(
    ("exports", "call"),
    [
        (("spin:redis/inbound-redis@3.0.0",), "spin:redis/inbound-redis@3.0.0#handle-message"),
        (("fermyon:spin/inbound-redis",), "fermyon:spin/inbound-redis#handle-message"),
        (("handle-message",), "handle-message"),
        (("wasi:cli/run@0.2.0", *HANDLER), f"{HANDLER[0]}#handle-message"),
        (("wasi:cli/run@0.2.0",), "wasi:cli/run@0.2.0#run"),
    ],
)
def test_the_most_telling_export_is_called(exports: tuple[str, ...], call: str) -> None:
    trigger = made("mqtt", exports, topic="a/b")
    made_call: Call = trigger.call(MessageEvent(Given(Message("a.b", b"x"))))
    assert made_call.export == call
    if call == "handle-message":
        payload, metadata = made_call.arguments
        assert payload == b"x"
        assert getattr(metadata, "topic", "") == "a/b"
