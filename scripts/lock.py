"""Writes the lock files of the Python tools: requirements/{run,dev}.txt from their .in files.

Needs `uv`, which resolves for every platform at once. `make lock` runs it; the
lock files are committed, so nothing else needs it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST_PYTHON = "3.11"


def main() -> None:
    for kind in ("run", "dev"):
        command = ["uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes"]
        command += ["--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
        command += ["--python-version", OLDEST_PYTHON, "--custom-compile-command", "make lock"]
        command += [f"requirements/{kind}.in", "--output-file", f"requirements/{kind}.txt"]
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            sys.exit(1)


if __name__ == "__main__":
    main()
