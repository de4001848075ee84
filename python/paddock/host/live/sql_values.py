"""Values that a product keeps in columns which are not for them, and no other product would."""

from __future__ import annotations

from collections.abc import Sequence

from paddock.capabilities.sql import Row
from paddock.capabilities.sql_values import Other
from paddock.errors import CapabilityError
from paddock.host.live.sql_schema import TableSchema

#: What a portable type is for, where a product would bend what is something else.
_KINDS: dict[str, type] = {
    **dict.fromkeys(("SMALLINT", "INTEGER", "BIGINT"), int),
    **dict.fromkeys(("TEXT", "VARCHAR", "CHAR"), str),
    "BYTES": bytes,
}


def check_values(table: TableSchema, page: Sequence[Row]) -> None:
    """Raises CapabilityError for a value that is not of its column's type.

    SQLite takes any; MySQL would round a number, and read bytes as text. Postgres has
    values that no other product has, such as a date before Christ.
    """
    for place, column in enumerate(table.columns):
        kind = _KINDS.get((column.type or "").partition("(")[0], object)
        for row in page:
            value = row[place]
            if value is not None and (not isinstance(value, kind) or isinstance(value, Other)):
                raise CapabilityError(
                    f"table {table.name}: column {column.name} of type {column.native} has a value "
                    f"of another type, {str(value)[:40]!r}",
                    hint="change it first; it would not be the same in another product",
                )
