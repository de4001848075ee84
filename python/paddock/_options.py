"""Options that cross into the core, each a frozen dataclass.

The core reads the attributes by name; `paddock._core` offers these classes
under the same names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from paddock._core import Component

#: Directory of the host, its name in the guest, whether the guest may write.
Mount: TypeAlias = tuple[str, str, bool]

#: Scheme (None for any), host, first and last port. The host is a name, `*`,
#: `*.domain`, `self`, an address, or a network in CIDR form.
Grant: TypeAlias = tuple[str | None, str, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """What a host chooses once for its engine.

    `compiler` is cranelift, winch or pulley. `pooling` preallocates slots for
    `instances` instances and falls back to allocation on demand. Compiled code
    is kept in `cache_dir` and authenticated by the 32 bytes of `cache_key`;
    without both nothing is cached. `stack` is a guest's stack in bytes.
    """

    compiler: str = "cranelift"
    fuel: bool = False
    pooling: bool = True
    instances: int = 1100
    cache_dir: str | None = None
    cache_key: bytes | None = None
    stack: int = 512 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentSpec:
    """What the plan says of one component.

    Limits are those of one instance: `memory` in bytes over all its memories,
    `table` in elements over all its tables, `time` in seconds of wall clock for
    one event (None for no limit), `stream` in seconds between two parts of a
    response that goes on after its head, `fuel` for one event where the engine
    counts it. `reuse` is (requests before an instance is thrown away, requests at once
    in it, seconds that an idle one is kept); None makes a fresh one each time.
    `blocked` are addresses and networks in CIDR form, or `private` for all that
    are not public: no grant opens them. `audit` tells by events what is used of
    that which is granted.
    """

    application: str
    id: str
    environment: Sequence[tuple[str, str]] = ()
    arguments: Sequence[str] = ()
    mounts: Sequence[Mount] = ()
    memory: int = 256 << 20
    table: int = 100_000
    time: float | None = 30.0
    stream: float | None = 600.0
    fuel: int | None = None
    outbound: Sequence[Grant] = ()
    blocked: Sequence[str] = ()
    reuse: tuple[int, int, float] | None = None
    audit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationSpec:
    """An application of one generation.

    At most `instances` run at once, and of one component at most its number in
    `component_instances`; beyond that at most `queue` requests wait,
    `queue_timeout` seconds at most. Requests to a `bare` component carry no
    `spin-*` headers.
    """

    id: str
    components: Mapping[str, Component] = field(default_factory=dict[str, "Component"])
    instances: int = 1000
    component_instances: Mapping[str, int] = field(default_factory=dict[str, int])
    queue: int = 1000
    queue_timeout: float = 10.0
    bare: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteSpec:
    """One HTTP trigger: either a `component` or a `static` response.

    `route` is None for a private one. No `methods` means all. `host` is a name
    or `*.domain`, without port; None for any. `static` is (status, headers,
    body).
    """

    application: str
    trigger: str
    route: str | None
    component: str | None = None
    cgi: str | None = None
    static: tuple[int, Sequence[tuple[str, str]], bytes] | None = None
    methods: Sequence[str] = ()
    host: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """Limits of the HTTP server: seconds, bytes of a request's body, sockets.

    Guests' outgoing connections are kept for the next request with
    `outbound_pooling`; at most `outbound_connections` (at least 1; None for no
    limit) are open at once over all of the host, and the next one waits.
    """

    header_timeout: float = 15.0
    idle_timeout: float = 60.0
    body: int = 64 << 20
    connections: int = 10_000
    outbound_pooling: bool = True
    outbound_connections: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What a command is given; units as in `ComponentSpec`.

    `arguments` starts with the program's name. A limit of None is no limit.
    """

    arguments: Sequence[str] = ()
    environment: Sequence[tuple[str, str]] = ()
    inherit_env: bool = False
    mounts: Sequence[Mount] = ()
    outbound: Sequence[Grant] = ()
    inherit_network: bool = False
    allow_ip_name_lookup: bool = False
    memory: int | None = None
    table: int | None = None
    time: float | None = None
    fuel: int | None = None
