"""Runs the public wasi-testsuite on Paddock; only calls `paddock run` and `paddock serve`.

The interface is that of the suite's runtime adapters. `PADDOCK` names the
command, by default `paddock`.
"""

from __future__ import annotations

import os
import shlex
import subprocess

PADDOCK = shlex.split(os.environ.get("PADDOCK", "paddock"))


def get_name() -> str:
    return "paddock"


def get_version() -> str:
    shown = subprocess.run([*PADDOCK, "version"], capture_output=True, text=True, check=True)
    return shown.stdout.split()[1]


def get_wasi_versions() -> list[str]:
    return ["wasm32-wasip1", "wasm32-wasip3"]


def get_wasi_worlds() -> list[str]:
    return ["wasi:cli/command", "wasi:http/service"]


def compute_argv(
    test_path: str,
    args_env_root: tuple[list[str], dict[str, str], str | None],
    proposals: list[str],
    wasi_world: str,
    wasi_version: str,
) -> list[str]:
    del wasi_version
    arguments, environment, root = args_env_root
    if wasi_world == "wasi:http/service":
        # The suite's own servers are on the loopback, which is granted by name only.
        options = ["serve", "--addr", "127.0.0.1:0", "--http", "http://127.0.0.1:*"]
    else:
        options = ["run"]
        options += ["-S", "http"] if "http" in proposals else []
        options += ["-S", "inherit-network"] if "sockets" in proposals else []
    options += [
        part for name, value in environment.items() for part in ("--env", f"{name}={value}")
    ]
    options += ["--dir", f"{root}::/"] if root else []
    return [*PADDOCK, *options, test_path, *arguments]
