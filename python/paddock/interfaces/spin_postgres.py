"""`spin:postgres/postgres@3.0.0`, and 4.0.0, 4.1.0, 4.2.0 with types of Postgres' own.

The fourth has UUID, JSON, decimals, arrays, ranges and intervals, errors with all
that the server says, connections with a certificate (4.1) and streams (4.2).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from paddock.capabilities.sql import SqlDatabase, Table
from paddock.errors import StatementError
from paddock.interfaces.spin_postgres_values import (
    Types,
    fourth,
    params_of,
    third,
)
from paddock.interfaces.spin_rdbms import Errors, affected, as_url, database
from paddock.interfaces.sql import SessionResource, streamed
from paddock.types import Reply, Stream, Variant, then

if TYPE_CHECKING:
    from paddock.capabilities.sql import Session
    from paddock.interfaces.grants import Grants


class Connection(SessionResource):
    """The resource of all these versions."""

    __slots__ = ("_types",)

    def __init__(self, session: Session, types: Types) -> None:
        super().__init__(session)
        self._types = types

    def query(self, statement: str, params: Sequence[Variant]) -> Reply[object]:
        """Columns and rows."""
        return then(self.session.fetch(statement, params_of(params)), self._row_set)

    def execute(self, statement: str, params: Sequence[Variant]) -> Reply[int]:
        """How many rows it changed."""
        return then(self.session.execute(statement, params_of(params)), affected)

    async def query_async(self, statement: str, params: Sequence[Variant]) -> Stream:
        """Columns, and the rows as a stream."""
        reply = self.session.query(statement, params_of(params))
        return await streamed(reply, self._types.head, self._types.reader)

    def execute_async(self, statement: str, params: Sequence[Variant]) -> Reply[int]:
        """How many rows it changed."""
        return self.execute(statement, params)

    def _row_set(self, table: Table) -> dict[str, object]:
        read = self._types.reader(table.columns)
        return {
            "columns": self._types.head(table.columns),
            "rows": [read(row) for row in table.rows],
        }


class Opener:
    """Opens connections."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[[str], Connection]) -> None:
        self._make = make

    def open(self, address: str) -> Connection:
        """A new connection to the server at an address."""
        return self._make(address)

    async def open_async(self, address: str) -> Connection:
        """The same."""
        return self._make(address)


class Builder:
    """The resource `connection-builder`."""

    __slots__ = ("_address", "_certificate", "_make")

    def __init__(self, make: Callable[[str], Connection], address: str) -> None:
        self._make = make
        self._address = address
        self._certificate = ""

    def set_ca_root(self, certificate: str) -> None:
        """Trust this certificate, in PEM, and no other."""
        self._certificate = certificate

    def build(self) -> Connection:
        """Open the connection."""
        address = as_url("postgres", self._address).partition("#")[0]
        if self._certificate:
            encoded = base64.urlsafe_b64encode(self._certificate.encode()).decode()
            address = f"{address}#ca={encoded}"
        return self._make(address)

    async def build_async(self) -> Connection:
        """The same."""
        return self.build()


class Postgres3(Errors):
    """`spin:postgres/postgres@3.0.0`"""

    __slots__ = ("connection",)

    def __init__(self, grants: Grants) -> None:
        self.connection = Opener(_maker(grants, third))


class Postgres4(Errors):
    """`spin:postgres/postgres` 4.0.0, 4.1.0 and 4.2.0."""

    __slots__ = ("_make", "connection")

    def __init__(self, grants: Grants) -> None:
        self._make = _maker(grants, fourth)
        self.connection = Opener(self._make)

    def connection_builder(self, address: str) -> Builder:
        """The constructor of the resource."""
        return Builder(self._make, address)

    def _failed(self, exc: StatementError) -> Variant:
        return Variant(
            "query-failed",
            Variant(
                "db-error",
                {
                    "as_text": f"{exc.severity}: {exc.message}",
                    "severity": exc.severity,
                    "code": exc.code,
                    "message": exc.message,
                    "detail": exc.detail,
                    "extras": list(exc.extras),
                },
            ),
        )


def _maker(grants: Grants, types: Types) -> Callable[[str], Connection]:
    def make(address: str) -> Connection:
        opened: SqlDatabase = database(grants, "postgres", address)
        return Connection(opened.session(), types)

    return make
