//! `wasi:logging/logging`, without a version and 0.1.0-draft.

use wasmtime::component::{ComponentType, Lift};

use super::Binder;
use super::typed::{Nothing, ToValue};
use crate::state::State;
use crate::value::Value;

#[derive(ComponentType, Lift, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
#[allow(dead_code, reason = "made by lifting only")]
enum Level {
    #[component(name = "trace")]
    Trace,
    #[component(name = "debug")]
    Debug,
    #[component(name = "info")]
    Info,
    #[component(name = "warn")]
    Warn,
    #[component(name = "error")]
    Error,
    #[component(name = "critical")]
    Critical,
}

impl ToValue for Level {
    fn to_value(self, _: &mut State) -> wasmtime::Result<Value> {
        let name = match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Critical => "critical",
        };
        Ok(Value::Text(name.into()))
    }
}

pub fn bind(b: &mut Binder<'_>) -> wasmtime::Result<bool> {
    b.func::<(Level, String, String), Nothing>("log")?;
    Ok(true)
}
