"""Streams of the tables: rows with a head before them and an end after them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from tests.bridge.guests import Bridge
from tests.bridge.tables import Absent, guest, run

from paddock.errors import GuestError
from paddock.types import Deferred, Err, Page, Stream, Variant

ROW = {"values": [Variant("integer", 1), Variant("text", "one")]}


class Connection:
    """Every interface at once: its functions, and the resources' methods."""

    def __init__(self, answer: object) -> None:
        self.answer = answer
        self.given: list[object] = []

    def open(self, name: str) -> Connection:
        return self

    open_async = open

    def _answer(self, *given: object) -> Any:
        self.given.extend(given)
        return self.answer() if callable(self.answer) else self.answer

    execute = execute_async = query_async = _answer

    def changes(self) -> int:
        return 7

    async def changes_async(self) -> int:
        return 2**64 - 1

    def last_insert_rowid(self) -> int:
        return -3


class Database(Absent):
    def __init__(self, answer: object) -> None:
        self.connection = Connection(answer)

    def connection_builder(self, address: str) -> object:
        return SimpleNamespace(build_async=lambda: self.connection)

    def __paddock_error__(self, exc: Exception) -> object:
        return Variant("io", "mapped") if isinstance(exc, LookupError) else Variant("access-denied")


def rows(count: int, after: Exception | None = None) -> Iterator[object]:
    yield from [ROW] * count
    if after is not None:
        raise after


async def rows_later(count: int, after: Exception | None = None) -> AsyncIterator[object]:
    for row in rows(count, after):
        await asyncio.sleep(0)
        yield row


async def pages(count: int) -> AsyncIterator[object]:
    for _ in range(count):
        await asyncio.sleep(0)
        yield Page([ROW] * 10)


def headed(items: Any) -> Callable[[], Stream]:
    return lambda: Stream(items(), head=["a", "b"])


async def answered(bridge: Bridge, answer: object, number: int = 0) -> str:
    return await run(
        guest(bridge, "tables-streams", "spin:sqlite", Database(answer)), "rows", number
    )


@pytest.mark.parametrize("items", [rows, rows_later])
@pytest.mark.parametrize("count", [0, 1, 200])
async def test_rows_follow_their_columns(bridge: Bridge, items: Any, count: int) -> None:
    said = await answered(bridge, headed(lambda: items(count)))
    assert said.startswith(f'["a", "b"] {count} rows')
    assert said.endswith("end Ok(()) changes 18446744073709551615")
    assert count == 0 or '[[Value::Integer(1), Value::Text("one")]' in said


async def test_the_items_of_a_page_are_items_of_the_stream(bridge: Bridge) -> None:
    assert "] 250 rows" in await answered(bridge, headed(lambda: pages(25)))
    assert "] 30 rows" in await answered(bridge, headed(lambda: [Page([ROW] * 10)] * 3))


async def test_a_coroutine_or_a_deferred_may_answer_a_stream(bridge: Bridge) -> None:
    async def later() -> Stream:
        await asyncio.sleep(0)
        return headed(lambda: rows_later(3))()

    assert "] 3 rows" in await answered(bridge, later)
    assert "] 3 rows" in await answered(bridge, lambda: Deferred(headed(lambda: rows(3))))


@pytest.mark.parametrize("items", [rows, rows_later])
async def test_what_a_source_raises_follows_the_rows_before_it(bridge: Bridge, items: Any) -> None:
    said = await answered(bridge, headed(lambda: items(100, Err(Variant("io", "torn")))))
    assert "] 100 rows" in said
    assert 'end Err(Error::Io("torn"))' in said
    assert 'Io("mapped")' in await answered(bridge, headed(lambda: items(1, LookupError("secret"))))


async def test_raising_before_the_stream_is_the_error_of_the_call(bridge: Bridge) -> None:
    def refuse() -> object:
        raise Err(Variant("io", "no such table"))

    async def fail() -> object:
        raise LookupError("secret")

    with pytest.raises(Err, match="no such table"):
        await answered(bridge, refuse)
    with pytest.raises(Err, match="mapped"):
        await answered(bridge, fail)


@pytest.mark.parametrize("answer", [lambda: Stream([ROW]), lambda: [ROW], headed(lambda: [3])])
async def test_a_stream_of_the_wrong_shape_traps(bridge: Bridge, answer: object) -> None:
    with pytest.raises(GuestError):
        await answered(bridge, answer)


async def test_a_source_runs_ahead_of_its_guest_by_a_bounded_amount(bridge: Bridge) -> None:
    made = 0
    closed = asyncio.Event()

    async def endless() -> AsyncIterator[object]:
        nonlocal made
        try:
            while True:
                made += 1
                yield ROW
        finally:
            await asyncio.sleep(0)
            closed.set()

    assert "] 3 rows" in await answered(bridge, headed(endless), 3)
    async with asyncio.timeout(30):
        await closed.wait()
    assert 3 <= made <= 3 + 2 * 64
    await bridge.until(lambda: bridge.runtime.pending == 0)


async def test_large_rows_are_few_in_the_way(bridge: Bridge) -> None:
    made = 0

    def large() -> Iterator[object]:
        nonlocal made
        while True:
            made += 1
            yield {"values": [Variant("blob", bytes(100_000))]}

    assert "] 2 rows" in await answered(bridge, headed(large), 2)
    assert made <= 3


async def test_a_source_that_is_never_read_is_never_asked(bridge: Bridge) -> None:
    asked: list[bool] = []

    async def items() -> AsyncIterator[object]:
        asked.append(True)
        yield ROW

    component = guest(bridge, "tables-streams", "spin:sqlite", Database(headed(items)))
    assert "] 1 rows" in await run(component, "rows", 1)
    assert asked == [True]


async def test_functions_that_are_not_async_have_the_same_shapes(bridge: Bridge) -> None:
    database = Database({"columns": ["x"], "rows": [ROW]})
    said = await run(guest(bridge, "tables-streams", "spin:sqlite", database), "plain")
    assert said == '["x"] [[Value::Integer(1), Value::Text("one")]] -3 7'
    assert database.connection.given == [
        "insert",
        [
            Variant("integer", -5),
            Variant("real", 0.5),
            Variant("text", "ä"),
            Variant("blob", b"\x00\xff"),
            Variant("null"),
        ],
    ]


async def test_every_value_of_postgres_goes_there_and_back(bridge: Bridge) -> None:
    given: list[Any] = []

    class Echo(Database):
        def query_async(self, statement: str, params: list[object]) -> Stream:
            given.extend(params)
            columns = [{"name": "x", "data_type": Variant("other", "citext")}]
            return Stream([params], head=columns)

    echo = Echo(None)
    echo.connection.query_async = echo.query_async  # type: ignore[assignment]
    said = await run(guest(bridge, "tables-streams", "spin:postgres", echo), "values")
    assert said == '25 of 25 values are the same; Some("x DbDataType::Other(\\"citext\\")")'
    shapes = {value.case: value.payload for value in given}
    assert shapes["datetime"] == (-44, 3, 15, 12, 0, 1, 5)
    assert shapes["range-int32"] == ((1, "inclusive"), (2, "exclusive"))
    assert shapes["range-decimal"] == (("1.50", "exclusive"), None)
    assert shapes["array-int32"] == [1, None, -1]
    assert shapes["interval"].months == 3
