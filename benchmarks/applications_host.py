"""A host of N applications in a process of its own; prints JSON when it serves.

`python -m benchmarks.applications_host N DIRECTORY COMPONENT…`: each application
has one route, the components are dealt out in turn. Uses the embedding API.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import sys
import time
from pathlib import Path

from benchmarks.servers import memory
from paddock.host.desired import Desired, DesiredApplication
from paddock.host.host import EngineSettings, Host
from paddock.manifest.model import Application, Component, HttpTrigger


def application(number: int, source: Path) -> DesiredApplication:
    """`/appN`, answered by one component."""
    route = HttpTrigger(id="http", route=f"/app{number}", component="guest")
    components = {"guest": Component(id="guest", source=source)}
    return DesiredApplication(Application(f"app{number}", components=components, http=(route,)))


async def main(count: int, directory: Path, sources: list[Path]) -> None:
    """Apply, measure, print."""
    # A guest that imports more than it is granted is warned of, here 100 times.
    logging.disable(logging.WARNING)
    settings = EngineSettings(cache_dir=directory / "cache")
    state = directory / "state"
    state.mkdir(exist_ok=True)
    applications = tuple(application(i, sources[i % len(sources)]) for i in range(count))
    before = time.perf_counter()
    host = Host(state, settings, on_events=lambda _: None)
    await host.apply(Desired(applications))
    took = time.perf_counter() - before
    gc.collect()
    print(json.dumps({"seconds": took, "private_kib": memory("self").private * 1024}), flush=True)
    await host.stop(1.0)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2]), [Path(each) for each in sys.argv[3:]]))
