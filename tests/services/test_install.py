"""`scripts/services.py` says what it can't install and how to get it, and does nothing twice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

#: The script on a machine that has no tools: neither Debian's, nor Go, Java or Maven.
BARE = """
import sys
sys.path.insert(0, "scripts")
import debian, programs, services
programs.on_machine = lambda name: None
debian.is_here = lambda: False
{before}
sys.exit(services.main())
"""
STAMPED = """
(programs.prefix() / "stamps").mkdir(parents=True)
for step in services.wanted():
    if step.name in {names}:
        step.stamp.write_text(step.made_from)
"""
STEPS = ["versitygw", "nats-server", "kafka", "debian", "openbao"]


def install(prefix: Path, stamped: list[str]) -> subprocess.CompletedProcess[str]:
    program = BARE.format(before=STAMPED.format(names=stamped))
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"PADDOCK_SERVICES_DIR": str(prefix), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_can_not_be_had_is_named_with_a_hint_and_stops_nothing(tmp_path: Path) -> None:
    ended = install(tmp_path, ["openbao"])
    assert ended.returncode == 0, ended.stderr
    errors = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
    assert {line.split()[1] for line in errors} == set(STEPS) - {"openbao"}
    assert ended.stderr.count("\nhint: ") == len(errors)
    assert "there is no mvn and java" in ended.stderr
    assert list((tmp_path / "stamps").iterdir()) == [tmp_path / "stamps/openbao"]


def test_what_is_installed_is_not_installed_again(tmp_path: Path) -> None:
    ended = install(tmp_path, STEPS)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
