"""Builds the abi3 wheel of this machine's platform into dist/."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import cargo  # noqa: E402
import setup  # noqa: E402


def main() -> None:
    setup.run(
        [str(setup.BIN / "maturin"), "build", "--release", "--locked", "--out", "dist"],
        cargo.environment(),
    )


if __name__ == "__main__":
    main()
