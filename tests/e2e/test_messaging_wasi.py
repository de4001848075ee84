"""A guest of the proposal wasi:messaging, which publishes and asks, and who handles it; and a handler of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hosts import GUESTS, Running, wait_for
from manifests import routed, write

RUST = GUESTS / "rust"
GRANTED = 'message_brokers = ["default"]\nkey_value_stores = ["default"]\n'
HANDLER = """
[[trigger.message]]
component = "handler"
subject = "load.>"

[[trigger.http]]
route = "/..."
host = "handler.test"
component = "handler"
[component.handler]
source = "{source}"
key_value_stores = ["default"]
message_brokers = ["default"]
"""
Start = Callable[..., Running]


def application(directory: Path, grants: str = GRANTED) -> Path:
    """The guest, and one of wasmCloud's interface that handles what comes."""
    part = routed("asking", RUST / "messaging-wasi/messaging-wasi.wasm", grants)
    return write(directory, part, HANDLER.format(source=RUST / "messaging/messaging.wasm"))


def told(host: Running, path: str, name: str = "asking.test") -> tuple[int, str]:
    answer = host.get(path, headers={"host": name})
    return answer.status_code, answer.text


def test_what_it_publishes_comes_to_a_handler(up: Start, tmp_path: Path) -> None:
    host = up(application(tmp_path))
    assert told(host, "/publish?topic=load.a&body=gr%C3%BCn") == (200, "ok")
    assert told(host, "/publish?topic=load.b&body=many&n=20") == (200, "20 published")

    def received() -> list[str]:
        return sorted(told(host, "/received", "handler.test")[1].splitlines())

    wait_for("all messages", lambda: len(received()) == 21)
    assert received() == sorted(["0 load.a - grün", *(f"0 load.b - many {n}" for n in range(20))])


def test_a_request_is_answered_by_a_handler(up: Start, tmp_path: Path) -> None:
    host = up(application(tmp_path))
    assert told(host, "/request?topic=load.ask&body=x&timeout=20000") == (200, "re: x\n")


def test_failures_are_told_in_the_words_of_the_interface(up: Start, tmp_path: Path) -> None:
    host = up(application(tmp_path))
    assert told(host, "/request?topic=none&body=x&timeout=50") == (500, "error: timeout\n")
    status, text = told(host, "/publish?topic=load.a&body=x&broker=absent")
    assert (status, text.startswith("error: ")) == (500, True)


def test_without_a_grant_no_broker_is_reached(up: Start, tmp_path: Path) -> None:
    host = up(application(tmp_path, 'key_value_stores = ["default"]\n'))
    status, text = told(host, "/publish?topic=load.a&body=x")
    assert (status, text.startswith("error: permission-denied(")) == (500, True), text
    host.logged(r'not granted.*\[component\.asking\]: message_brokers = \["default"\]')


def test_a_message_of_its_own_says_what_it_was_given(up: Start, tmp_path: Path) -> None:
    host = up(application(tmp_path))
    assert told(host, "/message") == (
        200,
        "None - first\nNone text/plain;a=1;b=2 second\nNone text/plain;b=2;c=3 second\n",
    )


TAKING = """
[[trigger.message]]
id = "t"
component = "taking"
subject = "load.>"
attempts = 2
backoff = "50ms"

[[trigger.http]]
route = "/..."
host = "taking.test"
component = "taking"
[component.taking]
source = "{source}"
key_value_stores = ["default"]
{grants}
"""


def taking(directory: Path, grants: str = "") -> Path:
    """The guest as handler, which is granted no broker of its own, and as who publishes."""
    source = RUST / "messaging-wasi/messaging-wasi.wasm"
    part = routed("asking", source, GRANTED)
    return write(directory, part, TAKING.format(source=source, grants=grants))


def lines(host: Running) -> list[str]:
    return sorted(told(host, "/received", "taking.test")[1].splitlines())


def test_a_handler_gets_topic_data_content_type_and_metadata(up: Start, tmp_path: Path) -> None:
    host = up(taking(tmp_path))
    query = "topic=load.a&body=gr%C3%BCn&type=text/plain&meta=k=v"
    assert told(host, f"/publish?{query}") == (200, "ok")
    assert told(host, "/publish?topic=load.b.c&body=many&n=20") == (200, "20 published")
    wait_for("all messages", lambda: len(lines(host)) == 21)
    expected = ["0 load.a text/plain;k=v grün", *(f"0 load.b.c - many {n}" for n in range(20))]
    assert lines(host) == sorted(expected)


def test_what_a_handler_does_not_accept_comes_again_and_then_is_dead(
    up: Start, tmp_path: Path
) -> None:
    host = up(taking(tmp_path))
    for body in ("poison", "once%20more", "trap"):
        assert told(host, f"/publish?topic=load.a&body={body}") == (200, "ok")

    def standing() -> dict[str, object]:
        (application,) = host.status()["applications"]  # type: ignore[misc]
        found: dict[str, object] = application["triggers"][0]
        return found

    wait_for("the dead letters", lambda: standing()["dead"] == 2)
    wait_for("the second attempt", lambda: lines(host) == ["0 load.a - once more"])
    for body, tries in (("poison", "2"), ("once%20more", "2"), ("trap", "2")):
        assert told(host, f"/tried?body={body}", "taking.test") == (200, tries)


def test_a_handler_answers_who_asks_and_sends_only_where_it_is_granted(
    up: Start, tmp_path: Path
) -> None:
    host = up(taking(tmp_path))
    asked = told(host, "/request?topic=load.a&body=ask%20x&timeout=20000")
    assert asked == (200, "re: x\n")
    status, text = told(host, "/publish?topic=load.a&body=x", "taking.test")
    assert (status, text.startswith("error: permission-denied(")) == (500, True), text
