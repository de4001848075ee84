"""Hosts for the guests `tables-streams` and `tables-bytes`."""

from __future__ import annotations

from pathlib import Path

from tests.bridge.guests import Bridge

from paddock import _core

GUESTS = Path(__file__).parent.parent / "guests" / "rust"


class Absent:
    """Has every function when a component is linked, and refuses its calls."""

    def __getattr__(self, name: str) -> Absent:
        if name.startswith("__"):
            raise AttributeError(name)
        return Absent()

    def __call__(self, *_: object) -> object:
        raise AssertionError("the test meant no call of this function")


def guest(
    bridge: Bridge, name: str, package: str, host: object, **limits: float | None
) -> _core.Component:
    """The guest with `host` bound to the interfaces of `package`."""
    artifact = bridge.engine.load((GUESTS / name / f"{name}.wasm").read_bytes())
    bound = {
        import_name: host if import_name.startswith(package) else Absent()
        for import_name in artifact.imports
        if not _core.built_in(import_name)
    }
    spec = _core.ComponentSpec(application="app", id="guest", **limits)  # type: ignore[arg-type]
    return _core.Component(bridge.engine, artifact, spec, bound, bridge.runtime)


async def run(component: _core.Component, what: str, number: int = 0) -> str:
    """What the guest says; raises `paddock.types.Err` with the text of its error."""
    said = await _core.call(component, "run", [what, number])
    assert isinstance(said, str)
    return said
