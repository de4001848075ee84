"""Guests too large to commit, built once by other people's tools and cached.

`build("python")` gives the path of the component. The cache is keyed by the
recipe: its sources, its WIT and the versions of its tools, so a change builds
anew. Tools come from the public registries by name, into the cache, never into
the environment that runs the tests. `PADDOCK_GUEST_CACHE` names another cache.

Run as a script it builds what it is told: `python large.py python js`.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
COMPONENTIZE_PY = "componentize-py==0.25.1"
SPIN_SDK = "spin-sdk==5.0.0"
# Of WASI 0.2, with the tool of its time; the SQLite module of 3.4 can't be imported.
SPIN_SDK_3 = ("spin-sdk==3.3.1", "componentize-py==0.16.0")
# 1.35.0 panics when it is given a folder of WIT.
JCO = "@bytecodealliance/jco@1.25.2"
SPIN_JS = ("@spinframework/build-tools@1.0.7", "@spinframework/wasi-http-proxy@1.0.1")


class MissingTool(RuntimeError):
    """A program is not on PATH: skip on a laptop, fail in CI."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one guest is made; `inputs` are files and folders beside this file."""

    tools: tuple[str, ...]
    inputs: tuple[str, ...]
    make: Callable[[Path], None]

    def digest(self) -> str:
        """Of everything that decides how the component comes out."""
        digest = hashlib.sha256("\n".join(self.tools).encode())
        for path in self._files():
            digest.update(path.relative_to(HERE).as_posix().encode())
            digest.update(path.read_bytes())
        return digest.hexdigest()

    def _files(self) -> Iterator[Path]:
        for name in self.inputs:
            path = HERE / name
            if path.is_file():
                yield path
            else:
                yield from sorted(
                    inner
                    for inner in path.rglob("*")
                    if inner.is_file() and "__pycache__" not in inner.parts
                )


def cache() -> Path:
    """Where components and tools are kept between runs."""
    if chosen := os.environ.get("PADDOCK_GUEST_CACHE"):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "paddock" / "guests"


def build(name: str) -> Path:
    """The component, from the cache or built now.

    Raises KeyError for an unknown name, MissingTool, or RuntimeError with the
    tool's own output when building failed.
    """
    recipe = RECIPES[name]
    target = cache() / f"{name}-{recipe.digest()[:16]}.wasm"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        # Beside the target, so that exchanging it is one atomic step.
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            fresh = Path(folder) / "guest.wasm"
            recipe.make(fresh)
            fresh.replace(target)
    return target


def _run(*words: str | Path, cwd: Path = HERE, env: dict[str, str] | None = None) -> None:
    """Runs a tool; its output is shown only when it fails."""
    program = shutil.which(str(words[0]))
    if program is None:
        raise MissingTool(f"{words[0]} is not on PATH; the guest needs it to be built")
    done = subprocess.run(
        [program, *map(str, words[1:])],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{words[0]} ended with {done.returncode}:\n{done.stdout[-4000:]}")


def _tools(name: str, install: Callable[[Path], None]) -> Path:
    """A folder with tools in it, installed at the first use."""
    folder = cache() / "tools" / name
    ready = folder / ".ready"
    if not ready.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        install(folder)
        ready.touch()
    return folder


def _python_tools(*packages: str) -> Path:
    """A virtual environment of its own; gives the folder of its programs."""

    def install(folder: Path) -> None:
        _run(sys.executable, "-m", "venv", folder)
        _run(_programs(folder) / "python", "-m", "pip", "install", "--quiet", *packages)

    name = "+".join(package.replace("==", "-") for package in packages)
    return _programs(_tools(name, install))


def _programs(environment: Path) -> Path:
    return environment / ("Scripts" if os.name == "nt" else "bin")


def _site_packages(programs: Path) -> Path:
    found = next(programs.parent.glob("[Ll]ib*/**/site-packages"), None)
    if found is None:
        raise RuntimeError(f"{programs.parent} has no site-packages; delete it and try again")
    return found


def _python(out: Path) -> None:
    tool = _python_tools(COMPONENTIZE_PY) / "componentize-py"
    app = ("componentize", "-p", HERE / "python", "app", "-o", out)
    _run(tool, "-d", HERE / "wit" / "p2", "-w", "http", *app)


def _python_services(out: Path) -> None:
    tool = _python_tools(COMPONENTIZE_PY) / "componentize-py"
    wit = ("-d", HERE / "wit" / "p2", "-d", HERE / "wit" / "services")
    app = ("componentize", "-p", HERE / "python-services", "app", "-o", out)
    _run(tool, *wit, "-w", "paddock:services/services", *app)


def _python_p3(out: Path) -> None:
    tool = _python_tools(COMPONENTIZE_PY) / "componentize-py"
    app = ("componentize", "-p", HERE / "python-p3", "app", "-o", out)
    _run(tool, "-d", HERE / "wit" / "p3", "-w", "kv", *app)


def _python_spin(out: Path) -> None:
    programs = _python_tools(SPIN_SDK, COMPONENTIZE_PY)
    search = ("-p", HERE / "python-spin", "-p", _site_packages(programs))
    app = ("componentize", *search, "app", "-o", out)
    _run(programs / "componentize-py", "-w", "spin:up/http-trigger@4.1.0", *app)


def _python_spin3(out: Path) -> None:
    programs = _python_tools(*SPIN_SDK_3)
    search = ("-p", HERE / "python-spin3", "-p", _site_packages(programs))
    app = ("componentize", *search, "app", "-o", out)
    _run(programs / "componentize-py", "-w", "spin-http", *app)


def _node_tools(*packages: str) -> Path:
    """A `node_modules` of its own."""

    def install(folder: Path) -> None:
        _run("npm", "install", "--no-fund", "--no-audit", "--prefix", folder, *packages)

    name = "+".join(package.rpartition("/")[2].replace("@", "-") for package in packages)
    return _tools(name, install) / "node_modules"


def _js(out: Path) -> None:
    jco = _node_tools(JCO) / ".bin" / "jco"
    _run(jco, "componentize", HERE / "js" / "app.js", "-w", HERE / "wit" / "js", "-n", "http",
         "-o", out)  # fmt: skip


def _js_spin(out: Path) -> None:
    """Spin's tools write beside the source, and look for packages above it."""
    modules = _node_tools(*SPIN_JS)
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "js-spin"
        shutil.copytree(HERE / "js-spin", project)
        (project / "wit" / "deps").mkdir()
        shutil.copy(HERE / "wit" / "p2" / "deps" / "fermyon-spin-2.0.0.wit", project / "wit/deps")
        (project / "node_modules").symlink_to(modules, target_is_directory=True)
        _run("node", modules / "@spinframework" / "build-tools" / "dist" / "index.js",
             "-i", "app.js", "-o", out, cwd=project)  # fmt: skip


def _go(out: Path) -> None:
    """Built with generated bindings by `build.py`, committed compressed."""
    out.write_bytes(gzip.decompress((HERE / "go" / "http" / "http.wasm.gz").read_bytes()))


def _spin_rust(out: Path) -> None:
    """Built with Spin's crate by `build.py`, committed compressed."""
    out.write_bytes(gzip.decompress((HERE / "rust-spin" / "spin7.wasm.gz").read_bytes()))


def _go_cgi(out: Path) -> None:
    target = {"GOOS": "wasip1", "GOARCH": "wasm"}
    flags = ("-trimpath", "-ldflags=-s -w")
    _run("go", "build", *flags, "-o", out, "main.go", cwd=HERE / "cgi", env=target)


def _go_command(out: Path) -> None:
    target = {"GOOS": "wasip1", "GOARCH": "wasm"}
    flags = ("-trimpath", "-ldflags=-s -w")
    _run("go", "build", *flags, "-o", out, "main.go", cwd=HERE / "go" / "cli", env=target)


RECIPES = {
    "python": Recipe((COMPONENTIZE_PY,), ("python", "wit/p2"), _python),
    "python-services": Recipe(
        (COMPONENTIZE_PY,), ("python-services", "wit/p2", "wit/services"), _python_services
    ),
    "python-p3": Recipe((COMPONENTIZE_PY,), ("python-p3", "wit/p3"), _python_p3),
    "python-spin": Recipe((COMPONENTIZE_PY, SPIN_SDK), ("python-spin",), _python_spin),
    "python-spin3": Recipe(SPIN_SDK_3, ("python-spin3",), _python_spin3),
    "js": Recipe((JCO,), ("js", "wit/js"), _js),
    "js-spin": Recipe(SPIN_JS, ("js-spin", "wit/p2/deps/fermyon-spin-2.0.0.wit"), _js_spin),
    "spin7": Recipe((), ("rust-spin/spin7.wasm.gz",), _spin_rust),
    "go": Recipe((), ("go/http/http.wasm.gz",), _go),
    "go-cgi": Recipe(("go",), ("cgi/main.go",), _go_cgi),
    "go-command": Recipe(("go",), ("go/cli",), _go_command),
}


if __name__ == "__main__":
    for wanted in sys.argv[1:] or RECIPES:
        sys.stdout.write(f"{build(wanted)}\n")
