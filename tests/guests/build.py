"""Rebuilds the committed guests from their sources, and keeps SHA256SUMS.

    python build.py             every guest
    python build.py wat c       only these kinds: wat, hostile, rust, sdk, c, cgi, go
    python build.py rust:blob   only this crate (another toolchain would change the rest)
    python build.py --check     compares the committed files with SHA256SUMS

Tools, from PATH: wasm-tools 1.263, wit-bindgen 0.63 (C and Go), cargo with the
targets wasm32-wasip2 and wasm32-wasip1, python with `ziglang` 0.15.2, go. The
adapters and Go's support package come out of crates that cargo fetches.
`RUSTC` and `RUSTFLAGS` reach cargo; `PYTHON_ZIG` names the python of ziglang.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
WIT = HERE / "wit" / "p2"
SERVICES = "paddock:services"
SUMS = HERE / "SHA256SUMS"
INCLUDE = re.compile(r'^ *\(include "([^"]+)"\)\n', re.MULTILINE)
ADAPTERS = ("wasi-preview1-component-adapter-provider", "50.0.1")
#: Imports under labels, which the linker of Rust's own target does not know yet.
LABELLED = "cli-labels"
GO_BINDINGS = ("wit-bindgen-go", "0.63.0")


def run(*words: str | Path, cwd: Path = HERE, env: dict[str, str] | None = None) -> str:
    """Runs a tool; raises SystemExit with its own words when it fails."""
    try:
        done = subprocess.run(
            [str(word) for word in words],
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    except FileNotFoundError:
        sys.exit(f"{words[0]} is not on PATH; this file's first lines say what is needed")
    except subprocess.CalledProcessError as error:
        sys.exit(f"{' '.join(map(str, words))} ended with {error.returncode}")
    return done.stdout


def finish(component: Path, target: Path) -> None:
    """Strips, checks and puts into place."""
    run("wasm-tools", "validate", "--features", "all", component)
    run("wasm-tools", "strip", "-a", component, "-o", target)
    sys.stdout.write(f"{target.relative_to(HERE)}: {target.stat().st_size} bytes\n")


def crate(name: str, version: str) -> Path:
    """The folder of a crate's sources, fetched by cargo."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        (project / "src").mkdir()
        (project / "src" / "lib.rs").touch()
        manifest = (
            f'[package]\nname = "fetch"\nversion = "0.0.0"\n[dependencies]\n{name} = "={version}"\n'
        )
        (project / "Cargo.toml").write_text(manifest)
        found = json.loads(run("cargo", "metadata", "--format-version", "1", cwd=project))
    paths = [p["manifest_path"] for p in found["packages"] if p["name"] == name]
    return Path(paths[0]).parent


def adapter(kind: str) -> str:
    """`wasi_snapshot_preview1=` and the adapter for a reactor or a command."""
    file = crate(*ADAPTERS) / "artefacts" / f"wasi_snapshot_preview1.{kind}.wasm"
    return f"wasi_snapshot_preview1={file}"


def wit_of(world: str) -> tuple[Path, ...]:
    """The folders that a world is in, those that it uses first."""
    return (WIT, HERE / "wit" / "services") if world.startswith(SERVICES) else (WIT,)


def merged(folder: Path, *parts: Path) -> Path:
    """One folder of WIT for tools that take no more: the last part, the others its packages."""
    deps = folder / "deps"
    for part in parts:
        shutil.copytree(part / "deps", deps, dirs_exist_ok=True)
    for number, part in enumerate(parts[:-1]):
        shutil.copy(part / "worlds.wit", deps / f"part{number}.wit")
    shutil.copy(parts[-1] / "worlds.wit", folder)
    return folder


def componentize(
    core: Path, target: Path, world: str | None, *more: str, wit: Path = WIT
) -> None:
    """From a core module in text or binary to a component."""
    with tempfile.TemporaryDirectory() as folder:
        embedded, made = Path(folder) / "embedded.wasm", Path(folder) / "made.wasm"
        if world is None:
            embedded = core
        else:
            run("wasm-tools", "component", "embed", wit, "-w", world, core, "-o", embedded)
        run("wasm-tools", "component", "new", embedded, *more, "-o", made)
        finish(made, target)


def expanded(path: Path) -> str:
    """A text module with its `(include "...")` lines replaced by the files."""
    return INCLUDE.sub(lambda m: (path.parent / m[1]).read_text(), path.read_text())


def from_text(path: Path, world: str) -> None:
    """A core module in text that exports a WASI 0.2 handler."""
    with tempfile.TemporaryDirectory() as folder:
        core = Path(folder) / "core.wat"
        core.write_text(expanded(path))
        componentize(core, path.with_suffix(".wasm"), world)


def build_wat() -> None:
    """Whole components in text; the modules add, p1-* are used as they are."""
    for name in ("hello", "add-component"):
        source = HERE / "wat" / f"{name}.wat"
        run("wasm-tools", "parse", source, "-o", source.with_suffix(".wasm"))
    from_text(HERE / "wat" / "kv-get.wat", "kv-get")
    from_text(HERE / "wat" / "chain.wat", "http")
    swallow = HERE / "wat" / "swallow"
    wit = HERE / "wit" / "swallow"
    componentize(swallow.with_suffix(".wat"), swallow.with_suffix(".wasm"), "swallow", wit=wit)


def build_hostile() -> None:
    """One file for each way of behaving badly."""
    for path in sorted((HERE / "hostile").glob("*.wat")):
        from_text(path, "http")


def rust_flags() -> str:
    """Keeps the paths of this machine out of the guests' panic messages."""
    rustc = os.environ.get("RUSTC", "rustc")
    sysroot = run(rustc, "--print", "sysroot").strip()
    home = os.environ.get("CARGO_HOME") or str(Path.home() / ".cargo")
    hidden = {
        f"{sysroot}/lib/rustlib/src/rust": "/rust",
        str(HERE.parents[1]): "/paddock",
    }
    hidden |= {str(index): "/cargo" for index in Path(home, "registry", "src").glob("*")}
    flags = [f"--remap-path-prefix={path}={name}" for path, name in hidden.items()]
    return " ".join([os.environ.get("RUSTFLAGS", ""), *flags]).strip()


def build_rust(*names: str) -> None:
    """These crates of the workspace, else all; `cli` for WASI 0.1 too."""
    folder = HERE / "rust"
    env = {"RUSTFLAGS": rust_flags()}
    target = Path(os.environ.get("CARGO_TARGET_DIR", folder / "target"))
    env["CARGO_TARGET_DIR"] = str(target)
    cargo = ("cargo", "build", "--release", "--locked", "--target")
    known = sorted(path.parent.name for path in folder.glob("*/Cargo.toml"))
    wanted = [name for name in names or known if name != LABELLED]
    chosen = [word for name in wanted for word in ("-p", name)]
    if wanted:
        run(*cargo, "wasm32-wasip2", *chosen, cwd=folder, env=env)
    for name in wanted:
        built = target / "wasm32-wasip2" / "release" / f"{name}.wasm"
        if not built.exists():
            built = built.with_stem(name.replace("-", "_"))
        run("wasm-tools", "validate", "--features", "all", built)
        shutil.copyfile(built, folder / name / f"{name}.wasm")
    if LABELLED in names or not names:
        run(*cargo, "wasm32-wasip1", "-p", LABELLED, cwd=folder, env=env)
        core = target / "wasm32-wasip1" / "release" / f"{LABELLED}.wasm"
        made = folder / LABELLED / f"{LABELLED}.wasm"
        componentize(core, made, None, "--adapt", adapter("command"))
    if "cli" in names or not names:
        run(*cargo, "wasm32-wasip1", "-p", "cli", cwd=folder, env=env)
        built = target / "wasm32-wasip1" / "release" / "cli.wasm"
        shutil.copyfile(built, folder / "cli" / "cli-p1.wasm")


def build_sdk() -> None:
    """Guests made with other projects' own crates; the largest is compressed."""
    wanted = {"rust-spin": ("spin5", "spin7"), "rust-wasmcloud": ("wasmcloud",)}
    for workspace, names in wanted.items():
        folder = HERE / workspace
        target = Path(os.environ.get("CARGO_TARGET_DIR", folder / "target"))
        env = {"RUSTFLAGS": rust_flags(), "CARGO_TARGET_DIR": str(target)}
        run("cargo", "build", "--release", "--locked", "--target", "wasm32-wasip2",
            cwd=folder, env=env)  # fmt: skip
        for name in names:
            component = folder / f"{name}.wasm"
            finish(target / "wasm32-wasip2" / "release" / f"{name}.wasm", component)
            if name == "spin7":
                pack(component)


def pack(component: Path) -> None:
    """Leaves only the compressed file."""
    packed = gzip.compress(component.read_bytes(), mtime=0)
    component.with_suffix(".wasm.gz").write_bytes(packed)
    component.unlink()


def build_c() -> None:
    """Components through generated bindings, and one plain command."""
    zig = (os.environ.get("PYTHON_ZIG", sys.executable), "-m", "ziglang", "cc")
    zig = (*zig, "-target", "wasm32-wasi", "-Os", "-s")
    reactor = adapter("reactor")
    services = f"{SERVICES}/services-small"
    for name, world in (("http", "http-small"), ("kv", "kv-draft2"), ("services", services)):
        source = HERE / "c" / name / "main.c"
        prefix = world.rpartition("/")[2].replace("-", "_")
        with tempfile.TemporaryDirectory() as folder:
            made, core = Path(folder), Path(folder) / "core.wasm"
            run("wit-bindgen", "c", *wit_of(world), "-w", world, "--out-dir", made)
            parts = (made / f"{prefix}.c", made / f"{prefix}_component_type.o")
            run(*zig, "-mexec-model=reactor", f"-I{made}", source, *parts, "-o", core)
            componentize(core, source.with_name(f"{name}.wasm"), None, "--adapt", reactor)
    with tempfile.TemporaryDirectory() as folder:
        core = Path(folder) / "cli.wasm"
        run(*zig, HERE / "c" / "cli.c", "-o", core)
        finish(core, HERE / "c" / "cli.wasm")


def build_cgi() -> None:
    """CGI programs of WASI 0.1; the one in Go is made by `large.py`."""
    zig = (os.environ.get("PYTHON_ZIG", sys.executable), "-m", "ziglang", "cc")
    with tempfile.TemporaryDirectory() as folder:
        core = Path(folder) / "c.wasm"
        run(*zig, "-target", "wasm32-wasi", "-Os", "-s", HERE / "cgi" / "cgi.c", "-o", core)
        finish(core, HERE / "cgi" / "c.wasm")
        core = Path(folder) / "rust.wasm"
        rustc = (os.environ.get("RUSTC", "rustc"), *rust_flags().split())
        rustc = (*rustc, "--target", "wasm32-wasip1", "--edition", "2024")
        small = ("-Copt-level=s", "-Clto", "-Cpanic=abort", "-Cstrip=symbols")
        run(*rustc, *small, HERE / "cgi" / "cgi.rs", "-o", core)
        finish(core, HERE / "cgi" / "rust.wasm")


def build_go() -> None:
    """The HTTP guests, compressed: Go brings its runtime of 2.7 MB along."""
    for name, world in (("http", "http-small"), ("services", f"{SERVICES}/services-small")):
        with tempfile.TemporaryDirectory() as folder:
            go_guest(Path(folder), HERE / "go" / name, world)


def go_guest(folder: Path, source: Path, world: str) -> None:
    """From a handler in Go to a component, by way of a folder for what is generated."""
    package, made = folder / "package", folder / "made"
    shutil.copytree(crate(*GO_BINDINGS) / "src" / "pkg", package)
    go_mod = package / "go.mod"
    go_mod.chmod(0o644)
    # It asks for a newer Go than it needs.
    go_mod.write_text(re.sub(r"(?m)^go .*$", "go 1.25", go_mod.read_text()))
    run("wit-bindgen", "go", *wit_of(world), "-w", world, "--out-dir", made)
    handler = made / "export_wasi_http_incoming_handler"
    handler.mkdir(exist_ok=True)
    shutil.copy(source / "handler.go", handler)
    with (made / "go.mod").open("a") as file:
        file.write("replace go.bytecodealliance.org/pkg => ../package\n")
    env = {"GOOS": "wasip1", "GOARCH": "wasm", "GOFLAGS": "-mod=mod"}
    flags = ("-trimpath", "-buildmode=c-shared", "-ldflags=-checklinkname=0 -s -w")
    core, component = folder / "core.wasm", source / f"{source.name}.wasm"
    run("go", "build", *flags, "-o", core, ".", cwd=made, env=env)
    wit = merged(folder / "wit", *wit_of(world))
    componentize(core, component, world, "--adapt", adapter("reactor"), wit=wit)
    pack(component)


KINDS: dict[str, Callable[[], None]] = {
    "wat": build_wat,
    "hostile": build_hostile,
    "rust": build_rust,
    "sdk": build_sdk,
    "c": build_c,
    "cgi": build_cgi,
    "go": build_go,
}


def sums() -> str:
    """One line for each committed binary, as sha256sum writes them."""
    files = [path for end in ("*.wasm", "*.wasm.gz") for path in HERE.rglob(end)]
    kept = sorted(path for path in files if "target" not in path.relative_to(HERE).parts)
    return "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(HERE).as_posix()}\n"
        for path in kept
    )


def main(words: list[str]) -> int:
    """Builds, or checks; 1 when a committed file is not the one listed."""
    if words == ["--check"]:
        if sums() == SUMS.read_text():
            return 0
        sys.stderr.write("SHA256SUMS does not match; run build.py and commit both\n")
        return 1
    crates = [word.removeprefix("rust:") for word in words if word.startswith("rust:")]
    if crates:
        build_rust(*crates)
    for kind in [word for word in words if ":" not in word] or ([] if words else KINDS):
        KINDS[kind]()
    SUMS.write_text(sums())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
