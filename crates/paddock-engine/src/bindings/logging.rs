//! `wasi:logging/logging`, without a version and 0.1.0-draft.

use super::Binder;
use super::shapes::cases;
use super::typed::Nothing;

cases!(Level {
    Trace = "trace",
    Debug = "debug",
    Info = "info",
    Warn = "warn",
    Error = "error",
    Critical = "critical",
});

pub fn bind(b: &mut Binder<'_>) -> wasmtime::Result<bool> {
    b.func::<(Level, String, String), Nothing>("log")?;
    Ok(true)
}
