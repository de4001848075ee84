"""What every measurement is given, and how it starts what it measures."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load import Load
from benchmarks.machine import Cores
from benchmarks.servers import Server, free_port
from benchmarks.tools import Tools


@dataclass(frozen=True, slots=True)
class Bench:
    """Tools, cores, load, and a directory of our own for manifests and caches."""

    tools: Tools
    cores: Cores
    load: Load
    directory: Path

    @property
    def extra(self) -> dict[str, str]:
        """Environment of a Paddock that shares nothing with the user's."""
        return {"PADDOCK_CACHE_DIR": str(self.directory / "cache")}

    def application(self, name: str, manifest: str, guests: Sequence[Path] = ()) -> Path:
        """A directory with a manifest and copies of guests."""
        directory = self.directory / name
        directory.mkdir(parents=True, exist_ok=True)
        head = f'paddock_manifest_version = 1\n\n[application]\nname = "{name}"\n\n'
        (directory / "paddock.toml").write_text(head + manifest, encoding="utf-8")
        for guest in guests:
            shutil.copy(guest, directory)
        return directory

    def paddock(
        self, directory: Path, *arguments: str, path: str = "/", everywhere: bool = False
    ) -> Server:
        """`paddock up`, not yet started; `everywhere` for both cores, else on the server's."""
        port = free_port()
        command = [*self.tools.paddock, "up", str(directory), "--listen", f"127.0.0.1:{port}"]
        cores = self.cores.server | self.cores.load if everywhere else self.cores.server
        return Server([*command, *arguments], port, cores=cores, path=path, extra=self.extra)

    def peer(self, guest: Path, *arguments: str) -> Server | None:
        """`wasmtime serve`, not yet started; `-Scli` since Rust guests import wasi:cli."""
        if self.tools.peer is None:
            return None
        port = free_port()
        command = [
            str(self.tools.peer),
            "serve",
            "-Scli",
            "--addr",
            f"127.0.0.1:{port}",
            *arguments,
        ]
        return Server([*command, str(guest)], port, cores=self.cores.server)

    @property
    def placed(self) -> str:
        """Where the two sides ran."""
        if self.cores.apart:
            return "server on one core, load on another"
        return "server and load share the only core"
