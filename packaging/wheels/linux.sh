#!/bin/sh
# Not tried. A wheel for glibc 2.28 and later: packaging/wheels/linux.sh x86_64|aarch64
# Needs Rust with that target (rustup target add ARCH-unknown-linux-gnu).
set -eu
cd "$(dirname "$0")/../.."
python3 -m venv .venv-wheel
.venv-wheel/bin/pip install --quiet 'maturin[zig]>=1.9,<2'
.venv-wheel/bin/maturin build --release --locked --zig --compatibility manylinux_2_28 \
    --target "$1-unknown-linux-gnu" --out dist
