"""Options that cross into the core, each a frozen dataclass.

The core reads the attributes by name; `paddock._core` offers these classes
under the same names.
"""

from __future__ import annotations

from dataclasses import dataclass


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
class Mount:
    """A directory of the host that a guest sees as `guest`."""

    host: str
    guest: str
    writable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of one instance.

    `memory` in bytes over all its memories, `table` in elements over all its
    tables, `time` in seconds of wall clock for one event (None for no limit),
    `fuel` for one event where the engine counts it.
    """

    memory: int = 256 << 20
    table: int = 100_000
    time: float | None = 30.0
    fuel: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reuse:
    """How often an instance is used again; `idle` in seconds."""

    requests: int
    concurrency: int = 1
    idle: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentSpec:
    """What the plan says of one component.

    An entry of `outbound` is (scheme or None for any, host, first port, last
    port); the host is a name, `*`, `*.domain`, `self`, an address or a network
    in CIDR form.
    """

    application: str
    id: str
    environment: tuple[tuple[str, str], ...] = ()
    arguments: tuple[str, ...] = ()
    mounts: tuple[Mount, ...] = ()
    limits: Limits = Limits()
    outbound: tuple[tuple[str | None, str, int, int], ...] = ()
    reuse: Reuse | None = None
