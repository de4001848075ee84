"""One dialect for all products: what is rewritten for each, and nothing else is.

- Placeholders `?`, or `$1`, `$2`, … that may be repeated: not both in one statement.
  Where there is a `$1`, a `?` is left alone (Postgres has operators of that name).
- Types of columns in CREATE TABLE and ALTER TABLE … ADD: see `sql_types`.
- `-- comments` get the blank that MySQL wants.

All else goes to the product as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from paddock.capabilities.sql import Dialect, Portable
from paddock.capabilities.sql_text import Kind, Token, tokens
from paddock.capabilities.sql_types import with_types
from paddock.capabilities.sql_values import Value
from paddock.errors import StatementError

#: Longer statements are not remembered: they are mostly used once.
REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class _Made:
    sql: str
    #: Which parameter stands at each placeholder, from 0; None: each in its turn.
    order: tuple[int, ...] | None


def native(sql: str, params: Sequence[Value], dialect: Dialect) -> tuple[str, Sequence[Value]]:
    """A statement in a product's own dialect, with its parameters in their order.

    Only one of the type `Portable` is rewritten. Raises StatementError.
    """
    if not isinstance(sql, Portable):
        return sql, params
    made = (_remembered if len(sql) <= REMEMBERED else _made)(sql, dialect)
    if made.order is None:
        return made.sql, params
    wanted = max(made.order, default=-1) + 1
    if wanted != len(params):
        raise StatementError(
            f"the statement has {wanted} parameters, {len(params)} were given", kind="invalid"
        )
    return made.sql, [params[index] for index in made.order]


def _made(sql: str, dialect: Dialect) -> _Made:
    found = with_types(list(tokens(sql, dialect)), dialect)
    numbered = any(token.kind is Kind.NUMBERED for token in found)
    order: list[int] = []
    parts: list[str] = []
    for token in found:
        if token.kind is Kind.NUMBERED:
            order.append(_number(token))
            parts.append(_placeholder(order[-1] + 1, dialect))
        elif token.kind is Kind.PLACEHOLDER and not numbered:
            order.append(len(order))
            parts.append(_placeholder(len(order), dialect))
        elif token.kind is Kind.COMMENT and dialect == "mysql" and token.text[:2] == "--":
            parts.append(f"-- {token.text[2:]}")
        else:
            parts.append(token.text)
    in_turn = not numbered or dialect != "mysql"
    return _Made("".join(parts), None if in_turn else tuple(order))


_remembered = lru_cache(maxsize=1024)(_made)


def _number(token: Token) -> int:
    number = int(token.text[1:]) if len(token.text) < 7 else 0
    if not 0 < number <= 32767:
        raise StatementError(f"{token.text[:20]} is no placeholder", kind="invalid")
    return number - 1


def _placeholder(number: int, dialect: Dialect) -> str:
    if dialect == "mysql":
        return "?"
    return f"${number}" if dialect == "postgres" else f"?{number}"
