"""One conformance case: a folder with `spin.toml`, `test.json5` and a component.

`%{source=NAME}` in either file is the component, `%{port=N}` the port of a service.
Each invocation is a request and the response that it has to get, exactly: a header that
is not listed fails it, as in the suite that these cases are shaped after.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import httpx
from tests.conformance.spin import json5

TEMPLATE = re.compile(r"%\{\s*(\w+)\s*=\s*(.*?)\s*\}")

Table = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Case:
    """A folder; `components` are where else a component's file may be, by its name."""

    folder: Path
    components: Path

    @property
    def name(self) -> str:
        return self.folder.name

    def manifest(self, directory: Path, port: Callable[[int], int]) -> Path:
        """Write the case's manifest, with everything filled in, into `directory`."""
        text = (self.folder / "spin.toml").read_text(encoding="utf-8")
        file = directory / "spin.toml"
        file.write_text(self._filled(text, port), encoding="utf-8")
        return file

    def invocations(self, port: Callable[[int], int]) -> list[tuple[Table, Table]]:
        """Requests and the responses to them."""
        text = (self.folder / "test.json5").read_text(encoding="utf-8")
        table = cast("dict[str, list[dict[str, Table]]]", json5.loads(self._filled(text, port)))
        return [(one["request"], one["response"]) for one in table["invocations"]]

    def _filled(self, text: str, port: Callable[[int], int]) -> str:
        def value(found: re.Match[str]) -> str:
            key, argument = found.groups()
            if key == "port":
                return str(port(int(argument)))
            assert key == "source", f"{self.name}: unknown template {found[0]}"
            return str(self._component(argument))

        return TEMPLATE.sub(value, text)

    def _component(self, name: str) -> Path:
        candidates = (
            self.folder / f"{name}.wasm",
            self.folder / "component.wasm",
            self.folder / f"{self.name}.wasm",
            self.components / f"{name}.wasm",
            self.components / name / f"{name}.wasm",
        )
        found = next((path for path in candidates if path.is_file()), None)
        assert found, f"{self.name}: no component {name!r} in {self.folder}"
        return found


def send(client: httpx.Client, request: Table) -> httpx.Response:
    """The response to one request."""
    headers = cast("list[dict[str, str]]", request.get("headers", []))
    return client.request(
        str(request.get("method", "GET")).upper(),
        str(request.get("path", "/")),
        headers=[(one["name"], one["value"]) for one in headers],
        content=cast("str | None", request.get("body")),
    )


def mismatches(expected: Table, response: httpx.Response) -> list[str]:
    """What is not as the case wants it, a line each."""
    status = expected.get("status", 200)
    found: list[str] = []
    if response.status_code != status:
        found.append(f"status {response.status_code}, not {status}")
    body = expected.get("body") or ""
    if response.text != body:
        found.append(f"body {response.text!r}, not {body!r}")
    left = {name.lower(): value.lower() for name, value in response.headers.items()}
    for header in cast("list[dict[str, object]]", expected.get("headers", [])):
        name, value = str(header["name"]).lower(), header.get("value")
        actual = left.pop(name, None)
        if actual is None and not header.get("optional"):
            found.append(f"no header {name}")
        elif actual is not None and value is not None and actual != str(value).lower():
            found.append(f"header {name} is {actual!r}, not {value!r}")
    return [*found, *(f"unexpected header {name}" for name in left)]
