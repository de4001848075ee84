# Not tried. A wheel for Windows: packaging/wheels/windows.ps1 x86_64|aarch64
# Needs Rust with that target (rustup target add ARCH-pc-windows-msvc) and the Visual Studio build tools.
param([Parameter(Mandatory)][ValidateSet("x86_64", "aarch64")][string]$Arch)
$ErrorActionPreference = "Stop"
Set-Location (Join-Path $PSScriptRoot "../..")
python -m venv .venv-wheel
.venv-wheel/Scripts/pip install --quiet "maturin>=1.9,<2"
.venv-wheel/Scripts/maturin build --release --locked --target "$Arch-pc-windows-msvc" --out dist
if ($LASTEXITCODE) { exit $LASTEXITCODE }
