"""docs/guides/write-a-provider.md, followed by the test as it stands there."""

from __future__ import annotations

import re
import shutil
import socket
from pathlib import Path

import guides
import pytest

GUIDE = "write-a-provider"


def test_the_provider_of_the_guide_has_at_most_thirty_lines() -> None:
    assert guides.lines_of(GUIDE, "json_store.py") <= 30


@pytest.mark.timeout(guides.LONGEST + 60)
@pytest.mark.skipif(shutil.which("bash") is None, reason="the guide needs bash")
@pytest.mark.skipif(shutil.which("curl") is None, reason="the guide needs curl")
def test_the_guide_works_as_printed(tmp_path: Path, cache: Path) -> None:
    lines = guides.script(GUIDE)
    # The store of the guide behind an application, and what the host says of it.
    lines += [
        "cat host.toml board.toml > both.toml",
        "paddock apply --config both.toml",
        "paddock status",
        "paddock stop --wait",
    ]
    script = "\n".join(lines)
    with socket.create_server(("127.0.0.1", 0)) as free:
        script = script.replace("127.0.0.1:3000", f"127.0.0.1:{free.getsockname()[1]}")
    output = guides.typed(script, tmp_path, guides.programs(tmp_path / "environment"), cache)
    assert re.search(r"^\d+ passed", output, re.MULTILINE), output
    found = guides.blocks(GUIDE)
    expected = [text for kind, text in found if kind == "text" and "json" not in text]
    assert len(expected) == 2
    for text in expected:
        assert text in output, (text, output)
    assert "interface acme:gpio/pins@0.1.0  desk, json-store 1.1.0" in output
