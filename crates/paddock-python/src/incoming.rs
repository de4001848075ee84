//! A guest's stream of bytes, as an asynchronous iterator.

use std::sync::Arc;

use paddock_engine::value::Incoming;
use pyo3::exceptions::PyStopAsyncIteration;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::tasks::Tasks;

#[pyclass(frozen, module = "paddock._core")]
pub struct ByteStream {
    incoming: Incoming,
    tasks: Arc<Tasks>,
}

impl ByteStream {
    pub fn new(incoming: Incoming, tasks: &Arc<Tasks>) -> Self {
        Self { incoming, tasks: Arc::clone(tasks) }
    }
}

#[pymethods]
impl ByteStream {
    fn __aiter__(this: Py<Self>) -> Py<Self> {
        this
    }

    fn __anext__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.tasks.awaitable(py, self.incoming.next(), |py, bytes| match bytes {
            Some(bytes) => Ok(PyBytes::new(py, &bytes).into_any().unbind()),
            None => Err(PyStopAsyncIteration::new_err(())),
        })
    }
}
