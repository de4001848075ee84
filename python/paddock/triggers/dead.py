"""Where events go that nobody could handle and whose source has no place for them."""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path

FILE = "dead-letters.jsonl"


async def write(state: Path, record: dict[str, object], reason: str, attempts: int) -> Path:
    """Append one line of JSON to the trigger's file of dead letters, and sync it."""
    line = json.dumps({"time": time.time(), "reason": reason, "attempts": attempts, **record})
    path = state / FILE
    await asyncio.to_thread(_append, path, line)
    return path


def _append(path: Path, line: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    # A file object: a disk that is nearly full takes a part of what `os.write` is given.
    with os.fdopen(descriptor, "ab") as file:
        file.write(line.encode() + b"\n")
        file.flush()
        os.fsync(descriptor)
