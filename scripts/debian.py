"""Debian's packages without installing them: fetched, unpacked into our prefix, wrapped."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import programs

#: Needed only where a server runs as a service of the system, or for compiling queries;
#: and the C library, which must not differ from the machine's.
UNNEEDED = re.compile(
    r"libllvm\d+|libz3-.*|(lib)?perl.*|.*-perl|libgdbm.*|postgresql-common|libc6|libc-.*"
)


def is_here() -> bool:
    return all(map(shutil.which, ("apt-get", "dpkg-deb")))


def unpack(wanted: Mapping[str, Sequence[str]]) -> None:
    """Unpacks packages with the libraries that the machine lacks, and wraps their programs.

    `wanted` is packages, each with its programs. Raises `Missing`.
    """
    lacking = ", ".join(program for its in wanted.values() for program in its)
    if not is_here():
        raise programs.Missing(f"{lacking}.\nhint: install them so that they are on the PATH")
    root = programs.prefix() / "debian"
    with tempfile.TemporaryDirectory(prefix="debian-", dir=programs.prefix()) as scratch:
        _download(list(wanted), Path(scratch))
        for package in sorted(Path(scratch).glob("*.deb")):
            _run(["dpkg-deb", "-x", str(package), f"{scratch}/root"])
        shutil.rmtree(root, ignore_errors=True)
        shutil.move(f"{scratch}/root", root)
    for name in (program for its in wanted.values() for program in its):
        _wrap(name, root)


def install(names: Sequence[str]) -> None:
    """Installs packages on this machine, as root; one that fails is left out."""
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    apt = [*sudo, "apt-get", "-q", "-y"]
    for command in ([*apt, "update"], [*apt, "install", "--no-install-recommends", *names]):
        print("+", shlex.join(command), flush=True)
        subprocess.run(command, check=False)


def _download(names: Sequence[str], into: Path) -> None:
    """Fetches packages; with package lists of our own where the machine's are absent or old."""
    try:
        _fetch(names, into, [])
    except programs.Missing:
        private = programs.prefix() / "apt"
        for directory in ("lists/partial", "cache/archives/partial"):
            (private / directory).mkdir(parents=True, exist_ok=True)
        options = ["-o", f"Dir::State::lists={private}/lists", "-o", f"Dir::Cache={private}/cache"]
        _run(["apt-get", "-q", *options, "update"])
        _fetch(names, into, options)


def _fetch(names: Sequence[str], into: Path, options: Sequence[str]) -> None:
    # As root, apt would drop to a user who can't write here.
    apt = ["apt-get", "-q", "-o", "APT::Sandbox::User=root", *options]
    plan = _run([*apt, "install", "--simulate", "--no-install-recommends", *names])
    found = re.findall(r"^Inst (\S+) (?:\[\S+\] )?\((\S+) .*?\[(\w+)\]\)", plan, re.MULTILINE)
    needed = [f"{name}={version}" for name, version, _ in found if not UNNEEDED.fullmatch(name)]
    _run([*apt, "download", *needed], into)


def _wrap(name: str, root: Path) -> None:
    """`bin/NAME` runs a program with the unpacked libraries."""
    # Postgres's own come before the script of the same name that chooses a version.
    places = [
        *(f"{path}/bin" for path in _under(root, "usr/lib/postgresql/*")),
        "usr/sbin",
        "usr/bin",
    ]
    found = shutil.which(name, path=os.pathsep.join(str(root / place) for place in places))
    if not found:
        raise programs.Missing(f"{name} is in none of the packages.\nhint: install it by hand")
    libraries = [
        root / path for path in (*_under(root, "usr/lib/*-linux-*"), *_under(root, "lib/*-linux-*"))
    ]
    path = f"{root}/usr/bin:{root}/usr/sbin"
    programs.wrap(
        name,
        shlex.quote(found),
        f"LD_LIBRARY_PATH={shlex.quote(':'.join(map(str, libraries)))}",
        f'PATH={shlex.quote(path)}:"$PATH"',
    )


def _under(root: Path, pattern: str) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.glob(pattern))


def _run(command: Sequence[str], directory: Path | None = None) -> str:
    result = subprocess.run(
        command,
        cwd=directory,
        env={**os.environ, "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        last = "\n".join(result.stderr.strip().splitlines()[-3:])
        raise programs.Missing(f"'{shlex.join(command[:6])} ...' failed:\n{last}")
    return result.stdout
