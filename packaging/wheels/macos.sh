#!/bin/sh
# Not tried. A wheel for macOS 11 and later: packaging/wheels/macos.sh x86_64|aarch64
# Needs Rust with that target (rustup target add ARCH-apple-darwin) and the command line tools.
set -eu
cd "$(dirname "$0")/../.."
export MACOSX_DEPLOYMENT_TARGET=11.0
python3 -m venv .venv-wheel
.venv-wheel/bin/pip install --quiet 'maturin>=1.9,<2'
.venv-wheel/bin/maturin build --release --locked --target "$1-apple-darwin" --out dist
