"""What a variable costs from each source, beside the look-up that it comes down to."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.machine import Others
from benchmarks.report import Row, Section
from paddock.capabilities.configuration import Configuration
from paddock.host.audit import ComponentAudit
from paddock.host.observed import ObservedConfiguration
from paddock.manifest.model import Component
from paddock.providers.configuration.component import ComponentValues
from paddock.providers.registry import find

CALLS = 20_000
ROUNDS = 7
VALUES = {f"name{number}": f"value {number}" for number in range(50)}
ASKED = "name7"


def measure(bench: Bench) -> list[Section]:
    """In this process, without a guest: what the bridge costs is measured elsewhere."""
    others = Others()
    folder = bench.directory / "configuration"
    (folder / "mounted").mkdir(parents=True)
    for name, value in VALUES.items():
        (folder / "mounted" / name).write_text(value)
    lines = [f'{name} = "{value}"' for name, value in VALUES.items()]
    (folder / "values.toml").write_text("\n".join(lines))
    sources = {
        "static": _opened("static", values=VALUES),
        "file": _opened("file", path=str(folder / "values.toml")),
        "directory": _opened("directory", path=str(folder / "mounted")),
    }
    rows = [_row(f"a variable from {name}", source) for name, source in sources.items()]
    component = Component("bench", Path("/bench.wasm"), variables={"a": f"a {{{{ {ASKED} }}}} b"})
    template = ComponentValues(component.variables, sources["static"])
    rows.append(_row("a template of a variable", template, "a"))
    audit = ObservedConfiguration(template, "variable", ComponentAudit("bench", component))
    rows.append(_row("the same under --audit", audit, "a"))
    conditions = f"one thread, {len(VALUES)} values, median of {ROUNDS} rounds of {CALLS:,} calls"
    return [Section("Variables", conditions, rows, others.share())]


def _opened(type_name: str, **options: object) -> Configuration:
    provider = find("configuration", type_name)
    config = provider.Config.from_table(options)
    opened = provider.open(config, application="bench", name="", state_dir=Path())
    assert hasattr(opened, "get_all")
    return opened  # type: ignore[return-value]


def _row(what: str, source: Configuration, name: str = ASKED) -> Row:
    ours = _paired(lambda: source.get(name), lambda: VALUES.get(ASKED))
    return Row(what, ours[0], "µs", "dict.get", ours[1])


def _paired(ours: Callable[[], object], theirs: Callable[[], object]) -> tuple[float, float]:
    """Microseconds of a call of each; rounds of both alternate, so that noise meets both."""
    rounds = [(_time(ours), _time(theirs)) for _ in range(ROUNDS)]
    return statistics.median(one for one, _ in rounds), statistics.median(two for _, two in rounds)


def _time(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    for _ in range(CALLS):
        call()
    return (time.perf_counter() - began) / CALLS * 1e6
