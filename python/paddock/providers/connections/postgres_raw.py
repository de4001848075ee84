"""What is used of `asyncpg`, which has no types of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Protocol, TypeAlias

from paddock.capabilities.sql import MOST_ROWS
from paddock.errors import StatementError

#: A row: values in the order of the columns.
Record: TypeAlias = Sequence[object]


class RawStatement(Protocol):
    """What is used of asyncpg's prepared statements, which have no types."""

    async def _PreparedStatement__bind_execute(
        self, arguments: Sequence[object], limit: int, timeout: None
    ) -> list[Record]: ...
    def cursor(self, *arguments: object) -> Awaitable[RawCursor]: ...
    def get_statusmsg(self) -> str: ...
    def get_parameters(self) -> Sequence[RawType]: ...
    def get_attributes(self) -> Sequence[RawAttribute]: ...


async def rows_of(statement: RawStatement, arguments: Sequence[object]) -> list[Record]:
    """All rows; StatementError for more than a host can keep for a guest.

    asyncpg lets nobody say a limit, though it has one for its own `fetchrow`.
    """
    rows = await statement._PreparedStatement__bind_execute(arguments, MOST_ROWS + 1, None)
    if len(rows) > MOST_ROWS:
        raise StatementError(f"the statement has more than {MOST_ROWS} rows", kind="other")
    return rows


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
