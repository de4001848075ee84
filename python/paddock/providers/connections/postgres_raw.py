"""What is used of `asyncpg`, which has no types of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Protocol, TypeAlias

#: A row: values in the order of the columns.
Record: TypeAlias = Sequence[object]


class RawStatement(Protocol):
    """What is used of asyncpg's prepared statements, which have no types."""

    async def fetch(self, *arguments: object) -> list[Record]: ...
    def cursor(self, *arguments: object) -> Awaitable[RawCursor]: ...
    def get_statusmsg(self) -> str: ...
    def get_parameters(self) -> Sequence[RawType]: ...
    def get_attributes(self) -> Sequence[RawAttribute]: ...


class RawCursor(Protocol):
    """A portal of the server, within a transaction."""

    async def fetch(self, count: int) -> list[Record]: ...


class RawType(Protocol):
    """A type of the server: `kind` is scalar, array, composite or range."""

    name: str
    kind: str


class RawAttribute(Protocol):
    """A column of a result."""

    name: str
    type: RawType


class RawConnection(Protocol):
    """What is used of asyncpg's connections."""

    async def prepare(self, sql: str, *, name: str) -> RawStatement: ...
    async def execute(self, sql: str) -> str: ...
    async def set_type_codec(self, name: str, **options: object) -> None: ...
    async def close(self) -> None: ...
    def terminate(self) -> None: ...
    def is_closed(self) -> bool: ...
    def is_in_transaction(self) -> bool: ...
