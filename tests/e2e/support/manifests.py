"""Manifests for tests, written where a test wants them."""

from __future__ import annotations

from pathlib import Path

from hosts import GUESTS

HEAD = """\
paddock_manifest_version = 1
[application]
name = "test"
version = "1.0"
"""

#: Guests by the short name that tests know them by.
PREBUILT = {
    "hello-wat": "wat/hello.wasm",
    "kv-get": "wat/kv-get.wasm",
    "add": "wat/add-component.wasm",
    "hello": "rust/hello/hello.wasm",
    "c": "c/http/http.wasm",
    "c-kv": "c/kv/kv.wasm",
    "cli": "rust/cli/cli.wasm",
}
PREBUILT |= {
    name: f"rust/{name}/{name}.wasm"
    for name in [
        "bridge",
        "config",
        "hostile",
        "http3",
        "kv-draft",
        "kv-draft2",
        "kv-spin",
        "kv-spin-unversioned",
        "kv3",
        "middle2",
        "middle3",
        "part",
        "parts",
        "routes",
    ]
}
PREBUILT |= {
    f"{name}-bomb" if name in ("memory", "table") else name: f"hostile/{file}.wasm"
    for name, file in {
        "loop": "loop",
        "many-memories": "many-memories",
        "memory": "memory-bomb",
        "table": "table-bomb",
        "memory-touch": "memory-touch",
        "recursion": "recursion",
        "silent": "silent",
        "trap": "trap",
        "wait": "wait",
    }.items()
}


def guest(name: str) -> Path:
    """A prebuilt guest by its short name."""
    return GUESTS / PREBUILT[name]


def component(id: str, source: str | Path | None = None, extra: str = "") -> str:
    """A table of a component; `source` is a guest's short name or a file."""
    source = source or id
    path = guest(source) if source in PREBUILT else Path(source)
    return f'[component.{id}]\nsource = "{path}"\n{extra}\n'


def routed(id: str, source: str | Path | None = None, extra: str = "", route: str = "/...") -> str:
    """A component and its route."""
    return (
        f'[[trigger.http]]\nroute = "{route}"\ncomponent = "{id}"\n{component(id, source, extra)}'
    )


def write(directory: Path, *parts: str, name: str = "paddock.toml") -> Path:
    """Write a manifest out of its parts; the file."""
    file = directory / name
    file.write_text(HEAD + "".join(parts), encoding="utf-8")
    return file


def configuration(directory: Path, text: str) -> Path:
    """Write a host's configuration; the file."""
    file = directory / "host.toml"
    file.write_text(text, encoding="utf-8")
    return file
