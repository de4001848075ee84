"""Guests that pass every call on to the host, made as text for each test."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

from paddock import _core

API = "test:bridge/api"

LIBC = """
  (core module $libc
    (memory (export "memory") 2)
    (global $free (mut i32) (i32.const 4096))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
      (global.set $free (i32.add (local.get $at) (local.get 3)))
      (if (i32.gt_u (global.get $free) (i32.const 131072)) (then (unreachable)))
      (local.get $at)))
  (core instance $libc (instantiate $libc))
"""
OPTIONS = '(memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))'


@dataclass(frozen=True)
class Function:
    """A function that the guest imports, and exports under the same name.

    `params` and `result` are component types in text; `flat` the core types of
    the parameters; `core` the core type of the result, or `ptr` where the
    result does not fit into one.
    """

    name: str
    params: tuple[str, ...] = ()
    result: str = ""
    flat: str = ""
    core: str = ""

    @property
    def type(self) -> str:
        params = " ".join(f'(param "p{i}" {ty})' for i, ty in enumerate(self.params))
        return f"{params} {f'(result {self.result})' if self.result else ''}"

    def import_type(self) -> str:
        if self.core == "ptr":
            return f"(param {self.flat} i32)"
        return f"(param {self.flat}) {f'(result {self.core})' if self.core else ''}"

    def body(self) -> str:
        arguments = " ".join(f"(local.get {i})" for i in range(len(self.flat.split())))
        result = f"(result {'i32' if self.core == 'ptr' else self.core})" if self.core else ""
        call = f"(call $f_{self.name} {arguments})"
        if self.core == "ptr":
            call = f"(call $f_{self.name} {arguments} (i32.const 256)) (i32.const 256)"
        return f'(func (export "{self.name}") (param {self.flat}) {result} {call})'


def passing(*functions: Function, types: dict[str, str] | None = None) -> bytes:
    """A component which passes each call of an export on to the same import."""
    types = types or {}
    declared = " ".join(
        f'(type $raw_{name} {text}) (export "{name}" (type ${name} (eq $raw_{name})))'
        for name, text in types.items()
    )
    aliases = "\n".join(f'(alias export $api "{name}" (type ${name}))' for name in types)
    imports = " ".join(f'(export "{f.name}" (func {f.type}))' for f in functions)
    lowered = "\n".join(
        f'(core func $l_{f.name} (canon lower (func $api "{f.name}") {OPTIONS}))' for f in functions
    )
    core_imports = " ".join(
        f'(import "h" "{f.name}" (func $f_{f.name} {f.import_type()}))' for f in functions
    )
    bodies = "\n".join(f.body() for f in functions)
    given = " ".join(f'(export "{f.name}" (func $l_{f.name}))' for f in functions)
    exports = "\n".join(
        f'(func (export "{f.name}") {f.type} (canon lift (core func $m "{f.name}") {OPTIONS}))'
        for f in functions
    )
    return f"""(component
  (import "{API}" (instance $api {declared} {imports}))
  {aliases} {LIBC} {lowered}
  (core module $m {core_imports} {bodies})
  (core instance $m (instantiate $m (with "h" (instance {given}))))
  {exports})""".encode()


NUMBER = Function("number", ("u32",), "u32", "i32", "i32")
TRY = Function("try", ("string",), "(result u32 (error string))", "i32 i32", "ptr")


@dataclass
class Bridge:
    """An engine and a runtime on the test's own event loop."""

    engine: _core.Engine
    runtime: _core.Runtime
    events: list[_core.Event]
    exits: list[bool] = field(default_factory=list[bool])
    #: What must live as long as the test.
    keep: list[object] = field(default_factory=list[object])

    def component(
        self, host: object, wasm: bytes | None = None, **limits: float | None
    ) -> _core.Component:
        """`host` bound to `API` for a guest, by default one that passes `NUMBER` on."""
        artifact = self.engine.load(wasm or passing(NUMBER))
        spec = _core.ComponentSpec(application="app", id="guest", **limits)  # type: ignore[arg-type]
        return _core.Component(self.engine, artifact, spec, {API: host}, self.runtime)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for a condition, at most half a minute."""
        async with asyncio.timeout(30):
            while not condition():
                await asyncio.sleep(0.001)


async def get(port: int, path: str) -> tuple[int, bytes]:
    """Status and body of one request on a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def listening(server: _core.Server) -> int:
    """The port of a socket that the server serves from now on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server.listen(os.dup(listener.fileno()))
        port: int = listener.getsockname()[1]
    return port
