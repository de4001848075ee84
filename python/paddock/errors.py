"""The one tree of errors that Paddock raises on purpose.

Every error says what was tried, on what, why it failed and, as `hint`, what to
do next. The command line prints them without a traceback and exits with
`exit_code`; anything outside this tree is a bug and is shown as one.
"""

from __future__ import annotations


class PaddockError(Exception):
    """Base of all errors caused by input, environment or a remote side."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\nhint: {self.hint}" if self.hint else self.message


class UsageError(PaddockError):
    """The command line or an API was used wrongly."""

    exit_code = 2


class ManifestError(PaddockError):
    """One or more mistakes in a manifest or a host configuration."""

    exit_code = 3


class ArtifactError(PaddockError):
    """A file is not a WebAssembly component or module that can be used."""

    exit_code = 4


class PlanError(PaddockError):
    """A plan can't be carried out; nothing was changed."""

    exit_code = 5


class HostError(PaddockError):
    """The host can't do what was asked: a port in use, a socket gone."""

    exit_code = 6


class BuildError(PaddockError):
    """A build command of a component failed."""

    exit_code = 7


class GuestError(PaddockError):
    """A guest trapped or exceeded a limit."""

    exit_code = 8


class CapabilityError(PaddockError):
    """What stands behind a capability failed."""

    #: Whether the same call may succeed when tried again.
    retryable = False


class AccessDenied(CapabilityError):
    """The manifest does not grant this."""


class NotFound(CapabilityError):
    """The named thing does not exist."""


class Unavailable(CapabilityError):
    """The service behind a capability can't be reached or did not answer in time."""

    retryable = True


class TimedOut(Unavailable):
    """Nobody answered in time; what was asked may have been done."""


class Exhausted(Unavailable):
    """There is no room, or a quota is used up, for now."""


class TooLarge(CapabilityError):
    """A value is larger than the service behind a capability ever takes."""


class WrongType(CapabilityError):
    """What is there is not of the type that the call is for."""


class BadName(CapabilityError):
    """A name or an address is not of the form that the service has."""


class StatementError(CapabilityError):
    """A database refused a statement or a value of it.

    `kind` is "invalid" (the statement or a parameter can't be used), "constraint"
    (a key, a check, a foreign key or NOT NULL), "conflict" (it lost against
    another transaction, which may be tried again) or "other". `code` is the
    product's own (SQLSTATE in Postgres and MySQL), as are the rest.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: str = "other",
        code: str = "",
        severity: str = "ERROR",
        detail: str | None = None,
        extras: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.code = code
        self.severity = severity
        self.detail = detail
        self.extras = extras
