"""Routes of HTTP triggers: their syntax, and which of them collide.

The syntax is Spin's: `/` starts a route, `:name` stands for one whole segment,
`/...` (or `/*`) at the end for the path itself and everything below it. A slash
at the end makes no difference. Which of several routes wins is decided where
requests are matched, in the core; here only two routes that nothing could tell
apart are found.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from paddock.errors import ManifestError

if TYPE_CHECKING:
    from paddock.manifest.model import Application, HttpTrigger

RESERVED = ("/.well-known/spin", "/.well-known/paddock")

_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
_HOST = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*")


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment of a route: literal text, or the name of a parameter."""

    text: str
    is_parameter: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """A route taken apart; `wildcard` when it ends in `/...`."""

    text: str
    segments: tuple[Segment, ...]
    wildcard: bool

    @property
    def shape(self) -> str:
        """Equal for two routes that match the same paths: names of parameters left out."""
        parts = [":" if part.is_parameter else part.text for part in self.segments]
        return "/" + "/".join([*parts, "..."] if self.wildcard else parts)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a trigger asks for: a route for some methods (none: all) on a host (None: any)."""

    shape: str
    methods: tuple[str, ...] = ()
    host: str | None = None


def based(application: Application, trigger: HttpTrigger) -> str | None:
    """The whole route of a trigger, below the application's `base`; None for a private one."""
    if trigger.route is None:
        return None
    base = str(application.trigger_settings.get("http", {}).get("base", "/")).strip("/")
    return f"/{base}{trigger.route}" if base else trigger.route


def parse_route(text: str) -> Route:
    """Take a route apart; ManifestError says what is wrong with it."""
    if not text.startswith("/"):
        raise ManifestError(f"route {text!r} does not start with '/'", hint=f"write '/{text}'")
    if any(ch.isspace() or ord(ch) < 0x20 or ch in "?#\\\x7f" for ch in text):
        raise ManifestError(
            f"route {text!r} has a character that no path has",
            hint="leave out spaces, '?', '#' and '\\'; a query is never part of a route",
        )
    if _ESCAPE.search(text):
        raise ManifestError(
            f"route {text!r} has a '%' that starts no escape", hint="write '%25' for a percent sign"
        )
    pieces = text[1:].split("/")
    wildcard = pieces[-1] in ("...", "*")
    if wildcard or pieces[-1] == "":
        pieces.pop()
    route = Route(text, tuple(_segment(piece, text) for piece in pieces), wildcard)
    _check_names(route)
    plain = "/" + "/".join(part.text for part in route.segments)
    if any(plain == name or plain.startswith(f"{name}/") for name in RESERVED):
        raise ManifestError(
            f"route {text!r} is reserved for the host", hint="choose a path outside /.well-known/"
        )
    return route


def parse_method(text: str) -> str:
    """An HTTP method (RFC 9110, a token) in upper case; ManifestError otherwise."""
    if _METHOD.fullmatch(text):
        return text.upper()
    raise ManifestError(f"{text!r} is not an HTTP method", hint="write one such as 'GET' or 'POST'")


def parse_host(text: str) -> str:
    """A host name in lower case, `*.` in front for all its subdomains."""
    host = text.lower()
    if len(host) <= 253 and _HOST.fullmatch(host):
        return host
    raise ManifestError(
        f"{text!r} is not a host name",
        hint="write a name such as 'example.com' or '*.example.com', without scheme, port or path",
    )


def collisions(claims: Sequence[Claim]) -> list[tuple[int, int]]:
    """Pairs of indexes of claims that would answer the same request, the earlier one first.

    A later claim is reported once, against the first that it collides with.
    """
    seen: dict[tuple[str, str | None], list[int]] = {}
    found: list[tuple[int, int]] = []
    for index, claim in enumerate(claims):
        rivals = seen.setdefault((claim.shape, claim.host), [])
        rival = next((other for other in rivals if _share_methods(claims[other], claim)), None)
        if rival is not None:
            found.append((rival, index))
        rivals.append(index)
    return found


def _share_methods(one: Claim, two: Claim) -> bool:
    return not one.methods or not two.methods or not set(one.methods).isdisjoint(two.methods)


def _segment(piece: str, route: str) -> Segment:
    if piece in ("", ".", ".."):
        raise ManifestError(
            f"route {route!r} has an empty, '.' or '..' segment",
            hint="no request ever has such a path, since they are resolved before; leave it out",
        )
    if piece.startswith("..."):
        raise ManifestError(
            f"route {route!r} has '...' that is not its last segment",
            hint="a wildcard ends a route: '/files/...'",
        )
    if "*" in piece:
        raise ManifestError(
            f"route {route!r} has '*' that is not its last segment",
            hint="use ':name' for one segment, and '/...' at the end for everything below",
        )
    if not piece.startswith(":"):
        return Segment(piece)
    if not _PARAMETER.fullmatch(piece[1:]):
        raise ManifestError(
            f"route {route!r} has a parameter '{piece}' with an invalid name",
            hint="use letters, digits, '_' and '-' after the ':', beginning with a letter",
        )
    return Segment(piece[1:], is_parameter=True)


def _check_names(route: Route) -> None:
    # Names become headers, which know no upper and lower case.
    names = [part.text.lower() for part in route.segments if part.is_parameter]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise ManifestError(
            f"route {route.text!r} has the parameter ':{twice}' twice",
            hint="give each parameter its own name",
        )
