//! The engine's errors as the one tree of Python exceptions.

use paddock_engine::error::{EngineError, ErrorKind};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::names::names;

/// The exception of `paddock.errors` for an engine error.
pub fn raise(py: Python<'_>, error: EngineError) -> PyErr {
    let name = match error.kind {
        ErrorKind::Artifact => "ArtifactError",
        ErrorKind::Plan => "PlanError",
        ErrorKind::Usage => "UsageError",
        ErrorKind::Host => "HostError",
        ErrorKind::Guest => "GuestError",
    };
    build(py, name, &error).unwrap_or_else(|failed| failed)
}

fn build(py: Python<'_>, name: &str, error: &EngineError) -> PyResult<PyErr> {
    let class = names(py)?.errors.bind(py).getattr(PyString::new(py, name))?;
    let keywords = PyDict::new(py);
    keywords.set_item("hint", error.hint.as_deref())?;
    Ok(PyErr::from_value(class.call((error.message.as_str(),), Some(&keywords))?))
}

/// `result?` for engine errors in functions that Python calls.
pub trait OrRaise<T> {
    fn or_raise(self, py: Python<'_>) -> PyResult<T>;
}

impl<T> OrRaise<T> for Result<T, EngineError> {
    fn or_raise(self, py: Python<'_>) -> PyResult<T> {
        self.map_err(|error| raise(py, error))
    }
}

/// A Python exception, raised while the engine asked for something, as its error.
pub fn engine_error(kind: ErrorKind, what: &str, error: &PyErr) -> EngineError {
    EngineError::new(kind, format!("{what}: {error}"))
}
