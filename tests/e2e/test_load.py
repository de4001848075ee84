"""Under load, components and stores are exchanged and no request fails."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from hosts import Running, wait_for
from load import Load
from manifests import configuration, guest, routed, write

#: 100,000 for the record; fewer in an ordinary run.
REQUESTS = int(
    os.environ.get("PADDOCK_LOAD_REQUESTS")
    or (100_000 if os.environ.get("CI") == "true" else 20_000)
)
EXCHANGES = 50
MEMORY = '[key_value_store.default]\ntype = "memory"\n'
SQLITE = '[key_value_store.default]\ntype = "sqlite"\n'


def test_no_request_fails_while_components_and_a_store_are_exchanged(up, tmp_path: Path) -> None:
    file = Path(shutil.copy(guest("hello-wat"), tmp_path / "guest.wasm"))
    counting = 'key_value_stores = ["default"]\n'
    host: Running = up(
        write(tmp_path, routed("guest", file), routed("counter", "kv-draft2", counting, "/incr"), routed("kv-get", extra=counting, route="/get")),
        "--config",
        configuration(tmp_path, MEMORY),
    )  # fmt: skip
    load = Load(host.port, connections=50, total=REQUESTS, paths=("/", "/", "/", "/incr", "/get"))
    with load:
        for number in range(EXCHANGES):
            wait_for(
                "the load to go on",
                lambda number=number: (
                    load.done >= REQUESTS * number // (EXCHANGES + 5) or load.failures
                ),
            )
            exchange(file, guest("hello" if number % 2 == 0 else "hello-wat"))
            if number == EXCHANGES // 2:
                configuration(tmp_path, SQLITE)
            changes = str(host.apply()["changes"])
            assert "component 'guest' exchanged" in changes
            assert ("memory -> sqlite" in changes) == (number == EXCHANGES // 2)
        wait_for("the load to end", lambda: not load.running, 300)
    assert load.failures == []
    assert load.done == REQUESTS
    assert host.status()["generation"] == EXCHANGES + 1
    # It counted in memory, and from the exchange on in SQLite, so never up to all of them.
    assert 0 < int(host.get("/incr").text) < REQUESTS // 5
    assert not [
        line for line in host.log.splitlines() if "error:" in line or "warning: the" in line
    ]


def exchange(file: Path, source: Path) -> None:
    """Replace a file by another at once, as a compiler or a deployment does."""
    part = file.with_suffix(".part")
    shutil.copy(source, part)
    part.replace(file)
