//! Work of the core that Python awaits.

use std::sync::Arc;

use pyo3::prelude::*;
use tokio::task::AbortHandle;

use crate::tasks::{Item, Tasks};

type Finish = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;

/// A result on its way into an asyncio future.
pub struct Completion {
    future: Py<PyAny>,
    finish: Finish,
}

impl Completion {
    /// Lets whoever awaits the future go on.
    pub fn nothing(future: Py<PyAny>) -> Self {
        Self { future, finish: Box::new(|py| Ok(py.None())) }
    }

    pub fn carry_out(self, py: Python<'_>) -> PyResult<()> {
        let future = self.future.bind(py);
        if future.call_method0(pyo3::intern!(py, "done"))?.is_truthy()? {
            return Ok(());
        }
        match (self.finish)(py) {
            Ok(value) => future.call_method1(pyo3::intern!(py, "set_result"), (value,))?,
            Err(error) => future.call_method1(pyo3::intern!(py, "set_exception"), (error,))?,
        };
        Ok(())
    }
}

impl Tasks {
    /// An asyncio future of the loop for `work`, which runs in the core and
    /// ends when the future is cancelled. `finish` makes the Python value.
    pub fn awaitable<'py, T: Send + 'static>(
        self: &Arc<Self>,
        py: Python<'py>,
        work: impl Future<Output = T> + Send + 'static,
        finish: impl FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static,
    ) -> PyResult<Bound<'py, PyAny>> {
        let future = self.event_loop.bind(py).call_method0(pyo3::intern!(py, "create_future"))?;
        let (tasks, target) = (Arc::clone(self), future.clone().unbind());
        let running = self.handle.spawn(async move {
            let outcome = work.await;
            let finish: Finish = Box::new(move |py| finish(py, outcome));
            tasks.push_detached(Item::Complete(Completion { future: target, finish }));
        });
        let abort = Py::new(py, Abort(running.abort_handle()))?;
        future.call_method1(pyo3::intern!(py, "add_done_callback"), (abort,))?;
        Ok(future)
    }
}

/// Ends the core's work once nobody waits for it; nothing if it has ended.
#[pyclass(frozen)]
struct Abort(AbortHandle);

#[pymethods]
impl Abort {
    fn __call__(&self, _future: &Bound<'_, PyAny>) {
        self.0.abort();
    }
}
