"""Grants for outgoing connections: `scheme://host[:port]` in `allowed_outbound_hosts`.

The syntax is that of the Spin manifest, version 2. A grant holds no template:
expand it first (`templates.expand`).
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from paddock.errors import ManifestError

#: How `OutboundGrant.host` is meant:
#: "any" (host empty), "self" (the application itself, host empty), "name" (a
#: lower-case name), "address" (an IP address), "network" (CIDR), "subdomains"
#: (of the name), "component" (its id, or "*" for every one of the application).
HostKind: TypeAlias = Literal[
    "any", "self", "name", "address", "network", "subdomains", "component"
]

DEFAULT_PORTS = {
    "http": 80,
    "https": 443,
    "postgres": 5432,
    "mysql": 3306,
    "redis": 6379,
    "mqtt": 1883,
}
ALL_PORTS = (0, 65536)

_INTERNAL = re.compile(r"(.+)\.(?:spin|paddock)\.internal")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_FORM = "write scheme://host[:port], such as 'https://example.com' or 'redis://10.0.0.0/8:6379'"


@dataclass(frozen=True, slots=True)
class OutboundGrant:
    """One grant. `scheme` "*" is any; ports from `first_port` to before `end_port`."""

    text: str
    scheme: str
    host_kind: HostKind
    host: str
    first_port: int
    end_port: int


def parse_grant(text: str) -> OutboundGrant:
    """Read a grant without templates; ManifestError says what is wrong with it."""
    scheme, separator, rest = text.strip().partition("://")
    if not separator:
        raise ManifestError(f"{text!r} is not a grant for an outgoing connection", hint=_FORM)
    if "{" in text or "}" in text:
        raise ManifestError(
            f"{text!r} has braces",
            hint="list each host as an item of its own; only {{ variable }} is replaced",
        )
    if scheme != "*" and not (scheme.isascii() and scheme.isalpha()):
        raise ManifestError(f"{text!r} has an invalid scheme '{scheme}'", hint=_FORM)
    host, port = _split(rest, text)
    kind, name = _host(host, text)
    first, end = _ports(port, scheme.lower(), text)
    return OutboundGrant(text, scheme.lower(), kind, name, first, end)


def check_template(text: str) -> str:
    """Return `text` when it is a valid grant, or holds a valid template in place of a part."""
    if "{{" not in text:
        parse_grant(text)
    else:
        from paddock.manifest.templates import parse_template

        parse_template(text)
    return text


def is_pattern(text: str) -> bool:
    """Whether a grant stands for more than one host and port; one with a template does not."""
    if "{{" in text:
        return False
    grant = parse_grant(text)
    many = grant.host_kind in ("any", "network", "subdomains") or grant.host == "*"
    return many or grant.scheme == "*" or grant.end_port - grant.first_port > 1


def covers(text: str, used: str) -> bool:
    """Whether a grant may be what allowed `used`, itself written as a grant for one host.

    A template may stand for any host and port, and a name for an address in any network.
    """
    if "{{" in text:
        scheme = text.partition("://")[0]
        return "{{" in scheme or scheme in ("*", used.partition("://")[0])
    try:
        grant, one = parse_grant(text), parse_grant(used)
    except ManifestError:
        return False
    if grant.scheme not in ("*", one.scheme):
        return False
    if not grant.first_port <= one.first_port < grant.end_port:
        return False
    return _covers_host(grant, one)


def _covers_host(grant: OutboundGrant, one: OutboundGrant) -> bool:
    if grant.host_kind == "any":
        return one.host_kind in ("name", "address")
    if grant.host_kind == "subdomains":
        return one.host_kind == "name" and one.host.endswith(f".{grant.host}")
    if grant.host_kind == "network":
        if one.host_kind != "address":
            return one.host_kind == "name"
        return ipaddress.ip_address(one.host) in ipaddress.ip_network(grant.host)
    if grant.host_kind == "component" and grant.host == "*":
        return one.host_kind == "component"
    return (grant.host_kind, grant.host) == (one.host_kind, one.host)


def grants_of_http_host(text: str) -> tuple[str, ...]:
    """The grants that an item of the deprecated `allowed_http_hosts` stands for.

    Raises ManifestError when it is neither a host nor "insecure:allow-all".
    """
    if text == "insecure:allow-all":
        return ("http://*:*", "https://*:*")
    scheme, separator, _ = text.partition("://")
    if separator and scheme.lower() not in ("http", "https"):
        raise ManifestError(
            f"{text!r} is not a host for HTTP", hint="list it in allowed_outbound_hosts"
        )
    grants = (text,) if separator else (f"http://{text}", f"https://{text}")
    for grant in grants:
        check_template(grant)
    return grants


def _split(rest: str, text: str) -> tuple[str, str]:
    """Host and port; an IPv6 address stands in brackets, a network's slash is no path."""
    if rest.startswith("["):
        host, bracket, tail = rest[1:].partition("]")
        network = re.match(r"/[0-9]{1,3}(?=$|[:/])", tail)
        if network:
            host, tail = host + network[0], tail[network.end() :]
        if not bracket or ":" not in host or (tail.rstrip("/") and not tail.startswith(":")):
            raise ManifestError(f"{text!r} has an invalid host", hint=_FORM)
        port = tail.rstrip("/").removeprefix(":")
        if tail.startswith(":") and not port:
            raise ManifestError(f"{text!r} has an empty port", hint=_FORM)
    else:
        host, colon, port = rest.rpartition(":") if rest.count(":") == 1 else (rest, "", "")
        port = port.removesuffix("/")
        if colon and not port:
            raise ManifestError(f"{text!r} has an empty port", hint=_FORM)
        host = host if colon else host.removesuffix("/")
    if "/" in port or ("/" in host and not _is_network(host)):
        raise ManifestError(
            f"{text!r} has a path", hint="a grant is for a whole host; leave the path out"
        )
    return host, port


def _is_network(host: str) -> bool:
    try:
        ipaddress.ip_network(host, strict=False)
    except ValueError:
        return False
    return True


def _host(host: str, text: str) -> tuple[HostKind, str]:
    lower = host.lower()
    if lower == "*":
        return "any", ""
    if lower in ("self", "self.alt"):
        return "self", ""
    if internal := _INTERNAL.fullmatch(lower):
        return "component", _component(internal[1], text)
    if "/" in host or ":" in host:
        return _network(host, text)
    try:
        return "address", str(ipaddress.ip_address(host))
    except ValueError:
        pass
    kind: HostKind = "subdomains" if lower.startswith("*.") else "name"
    name = lower.removeprefix("*.") if kind == "subdomains" else lower
    if "*" in name:
        raise ManifestError(
            f"{text!r} has '*' inside the host",
            hint="'*' stands for every host, '*.example.com' for all subdomains of a name",
        )
    if len(name) > 253 or not _NAME.fullmatch(name):
        raise ManifestError(f"{text!r} has an invalid host '{host}'", hint=_FORM)
    return kind, name.removesuffix(".")


def _component(name: str, text: str) -> str:
    from paddock.manifest.names import check_component_id

    if name == "*":
        return name
    try:
        return check_component_id(name)
    except ManifestError:
        raise ManifestError(
            f"{text!r} names no component",
            hint="write 'http://<component id>.spin.internal', or '*' in place of the id",
        ) from None


def _network(host: str, text: str) -> tuple[HostKind, str]:
    try:
        if "/" in host:
            return "network", str(ipaddress.ip_network(host, strict=False))
        return "address", str(ipaddress.ip_address(host))
    except ValueError:
        raise ManifestError(
            f"{text!r} has an invalid address or network '{host}'",
            hint="write '10.0.0.0/8', or '[fd00::]/8' with brackets for IPv6",
        ) from None


def _ports(port: str, scheme: str, text: str) -> tuple[int, int]:
    if port == "*":
        return ALL_PORTS
    if not port:
        if scheme in DEFAULT_PORTS:
            return DEFAULT_PORTS[scheme], DEFAULT_PORTS[scheme] + 1
        raise ManifestError(
            f"{text!r} has no port, and scheme '{scheme}' has no usual one",
            hint="add ':PORT', ':FIRST..END' or ':*'",
        )
    first, dots, end = port.partition("..")
    numbers = [_port_number(part, text) for part in ((first, end) if dots else (first,))]
    low, high = numbers[0], (numbers[1] if dots else numbers[0] + 1)
    if low >= high:
        raise ManifestError(
            f"{text!r} has an empty range of ports",
            hint="the end of a range is not part of it: '8000..8010' ends with 8009",
        )
    return low, high


def _port_number(text: str, grant: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= 65535:
        return int(text)
    raise ManifestError(
        f"{grant!r} has an invalid port '{text}'",
        hint="a port is a number up to 65535, a range 'FIRST..END', or '*'",
    )
