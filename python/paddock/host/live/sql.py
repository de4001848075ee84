"""An SQL database that can be moved to another provider while it is used.

A copy needs that nothing changes meanwhile, and no product tells what did. So new
statements and transactions wait while tables are copied; open transactions, and
rows that are being read, finish first, for a bounded time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from paddock.capabilities.sql import Dialect, SqlDatabase
from paddock.errors import Unavailable
from paddock.host.live.gate import Gate
from paddock.host.live.sql_copy import Copy
from paddock.host.live.sql_schema import read_schema
from paddock.host.live.sql_session import LiveSession
from paddock.types import Reply


async def is_empty(provider: object) -> bool:
    """Whether a database has no tables, views or the like."""
    schema = await read_schema(cast("SqlDatabase", provider))
    return not schema.tables and not schema.others


class LiveSql:
    """The contract is `paddock.capabilities.sql.SqlDatabase`.

    After a move it passes statements on to the successor, which is another of these.
    """

    __slots__ = ("_own", "database", "gate")

    def __init__(self, database: SqlDatabase) -> None:
        self._own = self.database = database
        self.gate = Gate()

    @property
    def dialect(self) -> Dialect:
        """Of what is behind it now."""
        return self.database.dialect

    def session(self) -> LiveSession:
        """See the contract."""
        return LiveSession(self)

    def close(self) -> Reply[None]:
        """Closes the provider that it began with; a successor has a handle of its own."""
        return self._own.close()

    async def migrate(self, target: object, progress: Callable[[int], None], /) -> _Move:
        """See `paddock.host.live.Live`. Refuses what can't be copied; nothing is touched yet."""
        copy = Copy(self.database, cast("SqlDatabase", target), progress)
        await copy.check()
        return _Move(self, copy)


class _Move:
    """See `paddock.host.live.Switch`."""

    def __init__(self, live: LiveSql, copy: Copy) -> None:
        self._live = live
        self._copy = copy

    @property
    def copied(self) -> int:
        """Rows."""
        return self._copy.copied

    async def hold(self) -> None:
        """Let statements wait, and copy everything."""
        try:
            await self._live.gate.close()
        except TimeoutError as error:
            raise Unavailable(
                "transactions on the old database did not end in time",
                hint="look for transactions and results that stay open",
            ) from error
        try:
            await self._copy.everything()
        except BaseException:
            self._live.gate.open()
            raise

    def commit(self, successor: object, /) -> None:
        """Go on with the successor for every statement."""
        self._live.database = cast("SqlDatabase", successor)
        self._live.gate.open()

    def abandon(self) -> None:
        """Go on as before."""
        self._live.gate.open()
