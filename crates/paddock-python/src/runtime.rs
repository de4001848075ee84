//! The runtime that a host owns: worker threads, blocking threads and the way
//! to its event loop.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use paddock_engine::error::{EngineError, ErrorKind};
use paddock_engine::http::admission::Admissions;
use paddock_engine::outbound::Connector;
use pyo3::prelude::*;

use crate::doorway;
use crate::errors::raise;
use crate::pool::Pool;
use crate::tasks::Tasks;

/// What the HTTP side of one host keeps across generations.
pub struct Shared {
    pub admissions: Admissions,
    pub connector: Arc<Connector>,
}

impl Default for Shared {
    fn default() -> Self {
        Self { admissions: Admissions::default(), connector: Connector::new() }
    }
}

#[pyclass(frozen, module = "paddock._core")]
pub struct Runtime {
    runtime: Mutex<Option<tokio::runtime::Runtime>>,
    pub tasks: Arc<Tasks>,
    pub shared: Arc<Shared>,
    #[pyo3(get)]
    workers: usize,
}

fn build(workers: usize) -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .thread_name("paddock-worker")
        .on_thread_start(doorway::pin)
        .on_thread_stop(doorway::unpin)
        .enable_all()
        .build()
}

#[pymethods]
impl Runtime {
    #[new]
    #[pyo3(signature = (event_loop, on_events, *, on_exit=None, on_calls=None, workers=None, blocking_threads=16))]
    fn new(
        py: Python<'_>,
        event_loop: &Bound<'_, PyAny>,
        on_events: Py<PyAny>,
        on_exit: Option<Py<PyAny>>,
        on_calls: Option<Py<PyAny>>,
        workers: Option<usize>,
        blocking_threads: usize,
    ) -> PyResult<Self> {
        let workers = workers.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)).max(1);
        // New threads attach to Python at once, so this one has to let go.
        let runtime = doorway::leave(py, || build(workers)).map_err(|error| {
            raise(py, EngineError::new(ErrorKind::Host, format!("can't start {workers} worker threads: {error}")))
        })?;
        let tasks = Tasks::new(
            event_loop,
            on_events,
            on_exit,
            on_calls,
            runtime.handle().clone(),
            Pool::new(blocking_threads),
        )?;
        Ok(Self { runtime: Mutex::new(Some(runtime)), tasks, shared: Arc::default(), workers })
    }

    /// Coroutines under way for guests.
    #[getter]
    fn pending(&self, py: Python<'_>) -> PyResult<usize> {
        self.tasks.running(py).len()
    }

    fn cancel_tasks<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.tasks.running(py).call_method0(pyo3::intern!(py, "cancel_all"))
    }

    #[pyo3(signature = (timeout=5.0))]
    fn shutdown(&self, py: Python<'_>, timeout: f64) {
        let timeout = Duration::try_from_secs_f64(timeout).unwrap_or(Duration::MAX);
        let runtime = self.runtime.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.tasks.close();
        doorway::leave(py, || {
            if let Some(runtime) = runtime {
                runtime.shutdown_timeout(timeout);
            }
            self.tasks.pool.close();
        });
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        // Without `shutdown`, nothing may wait here: this thread is in Python.
        let runtime = self.runtime.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(runtime) = runtime {
            runtime.shutdown_background();
        }
        self.tasks.close();
    }
}
