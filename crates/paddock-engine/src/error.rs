//! The one error type that leaves the engine.

use std::fmt;

/// What kind of failure it was; the binding maps each to one Python exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The bytes are not WebAssembly that this engine can run.
    Artifact,
    /// A component can't be linked with what the host offers.
    Plan,
    /// An option or an argument is wrong.
    Usage,
    /// The host's own environment failed: a socket, a directory, memory.
    Host,
    /// The guest trapped or exceeded a limit.
    Guest,
}

/// A failure with a text for a person and, where one is known, a next step.
#[derive(Clone, Debug)]
pub struct EngineError {
    pub kind: ErrorKind,
    pub message: String,
    pub hint: Option<String>,
}

pub type Result<T, E = EngineError> = std::result::Result<T, E>;

impl EngineError {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Wraps an error of the runtime: the whole chain of causes, on one line.
    pub fn from_wasm(kind: ErrorKind, what: &str, error: &wasmtime::Error) -> Self {
        if let Some(text) = denial(error) {
            return Self::new(kind, format!("{what}: {text}"));
        }
        let mut causes: Vec<String> = Vec::new();
        for cause in error.chain() {
            let text = cause.to_string();
            if !causes.iter().any(|known| known.contains(&text)) {
                causes.push(text);
            }
        }
        Self::new(kind, format!("{what}: {}", causes.join(": ")))
    }
}

/// What a part of a composed component called without inheriting it, where that was the end.
pub fn denial(error: &wasmtime::Error) -> Option<String> {
    let trace = error.downcast_ref::<wasmtime::WasmBacktrace>()?;
    let text = paddock_compose::denial(trace.frames().first()?.func_name()?)?;
    // Any guest may call a function of its own like that.
    Some(text.replace(char::is_control, " "))
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for EngineError {}
