"""Fails on a source file or a function that has grown past the size of a room.

Python files have at most 300 lines, Rust files 500, Python functions 40 (the
docstring not counted). A larger one needs a reason, in LARGER.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LONGEST_FILE = {".py": 300, ".rs": 500}
LONGEST_FUNCTION = 40
PLACES = ("python/*.py", "scripts/*.py", "packaging/*.py", "benchmarks/*.py", "crates/*.rs")

#: Path (or path:function) and why it may be larger.
LARGER = {
    "python/paddock/testing/blob.py": "one suite, whose tests share their fixtures",
    "python/paddock/testing/key_value.py": "one suite, whose tests share their fixtures",
    "python/paddock/testing/messaging.py": "one suite, whose tests share their fixtures",
    "python/paddock/testing/sql.py": "one suite, whose tests share their fixtures",
}


def main() -> int:
    complaints = [complaint for path in tracked() for complaint in oversized(path)]
    print("\n".join(complaints) or "every file and function has the size of a room")
    return 1 if complaints else 0


def tracked() -> Iterator[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--", *PLACES], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.splitlines():
        # One that is deleted but not yet committed is listed too.
        if (ROOT / name).exists():
            yield Path(name)


def oversized(path: Path) -> Iterator[str]:
    text = (ROOT / path).read_text(encoding="utf-8")
    lines, most = text.count("\n"), LONGEST_FILE[path.suffix]
    if lines > most and path.as_posix() not in LARGER:
        yield f"{path}: {lines} lines, at most {most}"
    if path.suffix == ".py":
        yield from long_functions(path, ast.parse(text))


def long_functions(path: Path, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0].end_lineno if ast.get_docstring(node) else node.lineno
            length = (node.end_lineno or 0) - (first or 0)
            if length > LONGEST_FUNCTION and f"{path.as_posix()}:{node.name}" not in LARGER:
                where = f"{path}:{node.lineno}: '{node.name}'"
                yield f"{where} has {length} lines, at most {LONGEST_FUNCTION}"


if __name__ == "__main__":
    sys.exit(main())
