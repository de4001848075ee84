"""What an error of a MySQL or MariaDB server or of `asyncmy` means here."""

from __future__ import annotations

from paddock.errors import CapabilityError, StatementError, Unavailable
from paddock.providers.connections.database_target import DatabaseTarget
from paddock.providers.connections.pool import Stale
from paddock.providers.connections.postgres_errors import reason

#: "This command is not supported in the prepared statement protocol yet."
UNPREPARABLE = 1295


def code_of(error: BaseException) -> int:
    """The server's number for an error; 0 if it has none."""
    first = error.args[0] if error.args else 0
    return first if isinstance(first, int) else 0


#: Numbers of errors → what they mean to whoever asked (MariaDB and MySQL, "Error Codes").
_CONFLICTS = frozenset({1205, 1213})
_CONSTRAINTS = frozenset({1022, 1048, 1062, 1169, 1216, 1217, 1364, 1451, 1452, 1557, 3819, 4025})
_REFUSED = frozenset({1044, 1045, 1698})
GONE = frozenset({0, 1040, 1053, 1158, 1159, 1160, 1161, 1203, 1226, 1927, *range(2000, 2060)})


def explained(error: Exception, target: DatabaseTarget) -> Exception:
    """An error of ours for one of asyncmy's or the system's; others as they are."""
    from asyncmy import errors

    if isinstance(error, errors.MySQLError):
        return _of_server(error, target)
    if isinstance(error, TimeoutError | OSError):
        return Unavailable(f"{target} can't be reached: {reason(error)}")
    if isinstance(error, ValueError | TypeError):
        return StatementError(str(error), kind="invalid")
    return error


def _of_server(error: Exception, target: DatabaseTarget) -> CapabilityError:
    number = code_of(error)
    message = str(error.args[1]) if len(error.args) > 1 else str(error)
    if number in _REFUSED:
        return CapabilityError(
            f"{target} refuses the user {target.user!r}",
            hint="check the user and the password in the configuration",
        )
    if number in GONE:
        # Its text may hold addresses; what matters is that the server is away.
        cause = error.__cause__ or error.__context__
        why = reason(cause) if isinstance(cause, OSError) else "the connection broke"
        # Gone away, or not connected: nothing was sent.
        unsent = number in (0, 2006)
        return (Stale if unsent else Unavailable)(f"{target} can't be reached: {why}")
    kind = "other"
    state = str(getattr(error, "sqlstate", None) or "")
    if number in _CONFLICTS:
        kind = "conflict"
    elif number in _CONSTRAINTS:
        kind = "constraint"
    elif state[:2] in ("42", "22", "21", "07", "3D"):
        kind = "invalid"
    return StatementError(message, kind=kind, code=state or str(number))
