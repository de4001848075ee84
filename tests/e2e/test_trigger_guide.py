"""docs/guides/write-a-trigger.md, followed by the test as it stands there."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import guides
import pytest

GUIDE = "write-a-trigger"


def test_the_trigger_of_the_guide_has_at_most_forty_lines() -> None:
    assert guides.lines_of(GUIDE, "file_watch.py") <= 40


@pytest.mark.timeout(guides.LONGEST + 60)
@pytest.mark.skipif(shutil.which("bash") is None, reason="the guide needs bash")
@pytest.mark.skipif(shutil.which("curl") is None, reason="the guide needs curl")
def test_the_guide_works_as_printed(tmp_path: Path, cache: Path) -> None:
    script = "\n".join(guides.script(GUIDE))
    with socket.create_server(("127.0.0.1", 0)) as free:
        script = script.replace("127.0.0.1:3000", f"127.0.0.1:{free.getsockname()[1]}")
    output = guides.typed(script, tmp_path, guides.programs(tmp_path / "environment"), cache)
    for kind, text in guides.blocks(GUIDE):
        if kind == "text":
            assert text in output, (text, output)
