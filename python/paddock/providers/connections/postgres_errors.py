"""What an error of a PostgreSQL server or of `asyncpg` means here."""

from __future__ import annotations

import os
import ssl
from typing import Protocol

from paddock.errors import CapabilityError, StatementError, Unavailable
from paddock.providers.connections.database_target import DatabaseTarget
from paddock.providers.connections.pool import Stale

#: SQLSTATE, or its class, → what it means to whoever asked (PostgreSQL, "Error Codes").
_KINDS = {
    "22": "invalid", "23": "constraint", "26": "invalid", "40": "conflict", "42": "invalid",
    "55P03": "conflict", "0A": "invalid", "25": "invalid", "3D": "invalid", "3F": "invalid",
}  # fmt: skip


def explained(error: Exception, target: DatabaseTarget) -> Exception:
    """An error of ours for one of asyncpg's or the system's; others as they are."""
    import asyncpg  # type: ignore[import-untyped]

    # A value that asyncpg could not encode has a class of the server's, but not its words.
    own = isinstance(error, asyncpg.DataError) and not getattr(error, "severity", None)
    if own or isinstance(error, asyncpg.UnsupportedClientFeatureError):
        return StatementError(str(error), kind="invalid")
    if isinstance(error, asyncpg.PostgresError):
        return _of_server(error, target)
    if isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError):
        # The server's farewell has come, its end of the connection not yet.
        unsent = "cannot switch to state" in str(error) or "is closed" in str(error)
        return (Stale if unsent else Unavailable)(f"{target}: the connection broke")
    if isinstance(error, TimeoutError | OSError):
        return Unavailable(f"{target} can't be reached: {reason(error)}")
    return error


def is_stale(error: Exception) -> bool:
    """Whether the server refused a statement because a table has changed since it was prepared."""
    import asyncpg

    return isinstance(error, asyncpg.InvalidCachedStatementError)


class _ServerError(Protocol):
    sqlstate: str | None
    message: str


def _of_server(error: _ServerError, target: DatabaseTarget) -> CapabilityError:
    code, message = error.sqlstate or "", str(getattr(error, "message", None) or error)
    match code[:2]:
        case "28":
            return CapabilityError(
                f"{target} refuses the user {target.user!r}",
                hint="check the user and the password in the configuration",
            )
        case "08" | "57" | "53":
            return Unavailable(f"{target}: {message}")
        case _:
            return _statement_error(error, code, message)


def _statement_error(error: _ServerError, code: str, message: str) -> StatementError:
    kind = _KINDS.get(code) or _KINDS.get(code[:2]) or "other"
    names = ("hint", "context", "schema_name", "table_name", "column_name", "constraint_name")
    extras = tuple(
        (name, str(value)) for name in names if (value := getattr(error, name, None)) is not None
    )
    return StatementError(
        message,
        kind=kind,
        code=code,
        severity=str(getattr(error, "severity_en", None) or getattr(error, "severity", "ERROR")),
        detail=getattr(error, "detail", None),
        extras=extras,
    )


def reason(error: BaseException) -> str:
    """A few words about a failed connection, without addresses or passwords."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, OSError) and error.errno and error.errno > 0:
        return os.strerror(error.errno).lower()
    return "the connection broke"


def connecting(error: Exception, target: DatabaseTarget) -> CapabilityError:
    """The same for an error while connecting."""
    found = explained(error, target)
    if isinstance(found, StatementError):
        # No such database, for example.
        return CapabilityError(f"{target}: {found.message}", hint="check the configuration")
    if isinstance(found, CapabilityError):
        return found
    if isinstance(error, ValueError):
        return CapabilityError(f"{target} can't be used with these settings")
    return Unavailable(f"{target} can't be reached: {reason(error)}")
