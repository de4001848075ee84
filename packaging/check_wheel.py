"""Installs the newest wheel of a directory in a new environment, and uses it without Rust.

python packaging/check_wheel.py dist
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ADD = """(module (func (export "add") (param i32 i32) (result i32)
  (i32.add (local.get 0) (local.get 1))))"""
WINDOWS = sys.platform == "win32"


def main(directory: Path) -> None:
    wheels = sorted(directory.glob("paddock-*.whl"), key=lambda file: file.stat().st_mtime)
    if not wheels:
        sys.exit(f"error: there is no wheel in {directory}.\nhint: make wheel")
    wheel = wheels[-1].resolve()
    with tempfile.TemporaryDirectory() as folder:
        program = installed(wheel, Path(folder))
        check(program, Path(folder))
    print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB, installed and used without Rust")


def installed(wheel: Path, folder: Path) -> Path:
    environment = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    programs = environment / ("Scripts" if WINDOWS else "bin")
    pip = [programs / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, wheel], check=True)
    return programs / "paddock"


def check(program: Path, folder: Path) -> None:
    """Everything that a wheel could lack: the core, the templates, the console script."""
    (folder / "add.wat").write_text(ADD)
    expect(program, folder, ["--version"], "")
    expect(program, folder, ["run", "--invoke", "add", "add.wat", "1", "2"], "3")
    expect(program, folder, ["new", "hello", "-t", "http-python"], "")
    expect(program, folder, ["up", "--help"], "--listen")


def expect(program: Path, folder: Path, arguments: list[str], text: str) -> None:
    # Neither cargo nor this clone may be found.
    clean = {"PATH": str(program.parent), "HOME": str(folder), "PYTHONNOUSERSITE": "1"}
    if WINDOWS:
        clean["SYSTEMROOT"] = os.environ["SYSTEMROOT"]
    done = subprocess.run(
        [program, *arguments], cwd=folder, env=clean, capture_output=True, text=True, check=False
    )
    if done.returncode or text not in done.stdout:
        shown = " ".join(["paddock", *arguments])
        sys.exit(f"error: '{shown}' ended with {done.returncode}:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python packaging/check_wheel.py DIRECTORY")
    main(Path(sys.argv[1]))
