"""Says where an application is reached, once it is."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from paddock.host.desired import Desired
from paddock.manifest.model import HttpTrigger
from paddock.manifest.routes import based


def announce(base: str, desired: Desired, *, bare: bool) -> None:
    """Print the routes below the URL `base`, on stdout, for people and scripts."""
    if bare:
        # The words of the Wasmtime command line, which adapters look for.
        print(f"Serving HTTP on {base}/", file=sys.stderr, flush=True)
        return
    print(f"Serving {base}", flush=True)
    for each in desired.applications:
        for trigger in each.application.http:
            print(f"  {_line(base, based(each.application, trigger), trigger)}", flush=True)


def announce_audit(report: Sequence[Mapping[str, object]]) -> None:
    """Print at the end what an audit found, on stdout, ready to be pasted."""
    from paddock.host.audit import described

    for line in described(report):
        print(line, flush=True)


def _line(base: str, route: str | None, trigger: HttpTrigger) -> str:
    target = trigger.component or "static response"
    if route is None:
        return f"{target}: (private)"
    where = route.removesuffix("...") if route != "/..." else "/"
    notes = ["wildcard"] if route.endswith("/...") else []
    notes += [f"host {trigger.host}"] if trigger.host else []
    notes += [", ".join(trigger.methods)] if trigger.methods else []
    note = f" ({'; '.join(notes)})" if notes else ""
    return f"{target}: {base}{where}{note}"
