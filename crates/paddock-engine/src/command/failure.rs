//! How a command's end becomes an exit code or a message.

use std::time::Duration;

use wasmtime::{Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use crate::error::{EngineError, ErrorKind, Result};
use crate::limits::InstanceLimits;
use crate::state::TimeLimit;

/// What a process exits with when its guest trapped: as if by SIGABRT, and
/// where there are no signals, as `abort` does.
pub const TRAP_EXIT: i32 = if cfg!(unix) { 128 + 6 } else { 3 };

/// Frames of a backtrace that are shown; a deep recursion has thousands.
const FRAMES: usize = 16;

/// What was refused to the guest before it failed.
pub type Refused = Option<(&'static str, String)>;

/// The exit code of a guest that ended by an error of the runtime.
///
/// # Errors
/// `Guest`, when it was no exit but a trap or a limit.
pub fn exit(error: &wasmtime::Error, refused: Refused, limits: &InstanceLimits) -> Result<i32> {
    match error.downcast_ref::<I32Exit>() {
        Some(exit) => Ok(exit.0),
        None => Err(failed(error, refused, limits)),
    }
}

/// A readable account of a trap or a limit.
pub fn failed(error: &wasmtime::Error, refused: Refused, limits: &InstanceLimits) -> EngineError {
    if error.is::<TimeLimit>() {
        return time(limits.time.unwrap_or_default());
    }
    if let (Some(Trap::OutOfFuel), Some(fuel)) = (error.downcast_ref::<Trap>(), limits.fuel) {
        return EngineError::new(ErrorKind::Guest, format!("the fuel limit of {fuel} is used up"))
            .hint("raise it with --fuel N");
    }
    let mut message = match error.downcast_ref::<Trap>() {
        Some(trap) => format!("the guest trapped: {}", trap.to_string().trim_start_matches("wasm trap: ")),
        None => format!("the guest failed: {}", causes(error)),
    };
    if let Some((limit, value)) = &refused {
        message = format!("the {limit} limit of {value} was reached; {message}");
    }
    if let Some(trace) = error.downcast_ref::<WasmBacktrace>() {
        message.push_str(&frames(trace));
    }
    let error = EngineError::new(ErrorKind::Guest, message);
    match refused {
        Some(("memory", _)) => error.hint("raise it with --max-memory-size BYTES"),
        Some(("table", _)) => error.hint("raise it with --max-table-elements N"),
        _ => error,
    }
}

/// The account of a guest whose time is over.
pub fn time(limit: Duration) -> EngineError {
    EngineError::new(ErrorKind::Guest, format!("the time limit of {limit:?} is over"))
        .hint("raise it with --timeout DURATION")
}

/// The causes apart from the backtrace, outermost first.
fn causes(error: &wasmtime::Error) -> String {
    let mut texts: Vec<String> = Vec::new();
    for cause in error.chain() {
        let text = cause.to_string();
        if !text.starts_with("error while executing at wasm backtrace")
            && !texts.iter().any(|known| known.contains(&text))
        {
            texts.push(text);
        }
    }
    texts.join(": ")
}

fn frames(trace: &WasmBacktrace) -> String {
    let text = trace.to_string();
    let lines: Vec<&str> = text.lines().skip(1).collect();
    if lines.is_empty() {
        return String::new();
    }
    let mut shown = String::from("\nin (innermost first):");
    for line in lines.iter().take(FRAMES) {
        shown.push('\n');
        shown.push_str(line);
    }
    if lines.len() > FRAMES {
        shown.push_str(&format!("\n    … and {} more", lines.len() - FRAMES));
    }
    shown
}
