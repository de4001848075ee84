"""What `paddock up` and `paddock serve` were asked for."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

from paddock.host import handover
from paddock.host.desired import Overrides
from paddock.host.host import EngineSettings
from paddock.manifest.model import Application


@dataclass(frozen=True, slots=True)
class UpOptions:
    """What `up` and `serve` were asked for.

    `bare` serves a component as it is, as `wasmtime serve` does. `arguments` is
    the command line with which a successor process is started. `audit` records
    which grants are used and which are missed. `profile` names the build to serve.
    """

    manifest: Path
    listen: str = "127.0.0.1:3000"
    config: Path | None = None
    overrides: Overrides = Overrides()
    quiet: bool = False
    json: bool = False
    log_dir: Path | None = None
    state_dir: Path | None = None
    watch: bool = False
    audit: bool = False
    profile: str | None = None
    engine: EngineSettings = EngineSettings()
    tls: tuple[Path, Path] | None = None
    #: HOST:PORT for health and metrics; None leaves it to the configuration.
    admin_listen: str | None = None
    bare: bool = False
    #: In place of reading `manifest`, for `serve` with its own grants.
    application: Application | None = None
    inherited: handover.Inherited | None = None
    arguments: tuple[str, ...] = field(default_factory=lambda: tuple(sys.argv[1:]))
