//! The HTTP server.

use std::net::TcpListener;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use paddock_engine::http::generation::Event;
use paddock_engine::http::server::{Server, ServerOptions};
use paddock_engine::http::tls::Tls;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::component::returned;
use crate::convert::from_python;
use crate::doorway;
use crate::engine::wrong;
use crate::errors::OrRaise;
use crate::generation::GenerationObject;
use crate::runtime::Runtime;
use crate::specs::seconds;
use crate::tasks::Tasks;

/// How long a connection between two requests stays open while draining, for
/// the request that crosses with the end.
const GRACE: Duration = Duration::from_millis(500);

#[derive(FromPyObject)]
pub struct Options {
    header_timeout: f64,
    idle_timeout: f64,
    body: u64,
    connections: usize,
    outbound_pooling: bool,
    outbound_connections: Option<usize>,
}

#[pyclass(frozen, name = "Server", module = "paddock._core")]
pub struct ServerObject {
    tasks: Arc<Tasks>,
    options: ServerOptions,
    /// Made by the first commit: a server always has a generation.
    server: OnceLock<Arc<Server>>,
    tls: Mutex<Option<Arc<Tls>>>,
    serving: Mutex<Option<Py<GenerationObject>>>,
}

impl ServerObject {
    fn server(&self, py: Python<'_>) -> PyResult<&Arc<Server>> {
        self.server.get().ok_or_else(|| wrong(py, "the server has nothing to serve yet", "commit a generation first"))
    }
}

#[pymethods]
impl ServerObject {
    #[new]
    fn new(py: Python<'_>, runtime: &Runtime, options: Options) -> PyResult<Self> {
        runtime.shared.connector.configure(options.outbound_pooling, options.outbound_connections);
        let options = ServerOptions {
            header_timeout: seconds(py, "header_timeout", options.header_timeout)?,
            idle_timeout: seconds(py, "idle_timeout", options.idle_timeout)?,
            max_body_bytes: options.body,
            max_connections: options.connections,
            ..ServerOptions::default()
        };
        Ok(Self {
            tasks: Arc::clone(&runtime.tasks),
            options,
            server: OnceLock::new(),
            tls: Mutex::default(),
            serving: Mutex::default(),
        })
    }

    fn commit(&self, py: Python<'_>, generation: Py<GenerationObject>) -> PyResult<()> {
        let next = generation
            .get()
            .take()
            .ok_or_else(|| wrong(py, "this generation was committed before", "build a new one for each commit"))?;
        let _entered = self.tasks.handle.enter();
        let previous = {
            let mut serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner);
            serving.replace(generation)
        };
        match self.server.get() {
            Some(server) => {
                let retiring = doorway::leave(py, || server.commit(next));
                if let Some(previous) = previous {
                    previous.get().retire(retiring, &self.tasks);
                }
            }
            None => {
                let handle = self.tasks.handle.clone();
                let _ = self.server.set(Arc::new(Server::new(handle, self.options.clone(), next, None)));
            }
        }
        Ok(())
    }

    /// Calls an export of a component of the generation that is served now.
    #[pyo3(signature = (application, component, export_name, arguments, *, trace=None, time=None))]
    #[allow(clippy::too_many_arguments)]
    fn event<'py>(
        &self,
        py: Python<'py>,
        application: String,
        component: String,
        export_name: String,
        arguments: Vec<Bound<'py, PyAny>>,
        trace: Option<String>,
        time: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let tasks = &self.tasks;
        let arguments = arguments.iter().map(|argument| from_python(argument, tasks)).collect::<PyResult<Vec<_>>>()?;
        let trace = trace.map(Into::into);
        // Infinity is no limit.
        let time = time.map(|time| Duration::try_from_secs_f64(time).ok());
        let event = Event { application, component, export: export_name, arguments, trace, time };
        let generation = self.server(py)?.generation();
        let own = Arc::clone(tasks);
        let work = async move { generation.event(event).await };
        tasks.awaitable(py, work, move |py, outcome| returned(py, outcome, &own))
    }

    fn tls(&self, py: Python<'_>, cert_pem: &[u8], key_pem: &[u8]) -> PyResult<()> {
        let mut tls = self.tls.lock().unwrap_or_else(PoisonError::into_inner);
        match &*tls {
            Some(tls) => tls.reload(cert_pem, key_pem).or_raise(py),
            None => {
                *tls = Some(Tls::new(cert_pem, key_pem).or_raise(py)?);
                Ok(())
            }
        }
    }

    fn listen(&self, py: Python<'_>, fd: u64) -> PyResult<()> {
        let listener = adopt(fd).ok_or_else(|| wrong(py, format!("{fd} is no socket"), "give fileno() of a socket"))?;
        let tls = self.tls.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.server(py)?.listen(listener, tls).or_raise(py)?;
        Ok(())
    }

    fn pause(&self) {
        if let Some(server) = self.server.get() {
            server.pause();
        }
    }

    fn resume(&self) {
        if let Some(server) = self.server.get() {
            server.resume();
        }
    }

    fn lame_duck(&self, lame: bool) {
        if let Some(server) = self.server.get() {
            server.lame_duck(lame);
        }
    }

    fn drain<'py>(&self, py: Python<'py>, timeout: f64) -> PyResult<Bound<'py, PyAny>> {
        let timeout = seconds(py, "timeout", timeout)?;
        let server = self.server.get().cloned();
        let work = async move {
            match server {
                Some(server) => server.drain(timeout, GRACE).await.unfinished,
                None => 0,
            }
        };
        self.tasks.awaitable(py, work, |py, left| Ok(left.into_pyobject(py)?.into_any().unbind()))
    }

    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = PyDict::new(py);
        let (open, active) = self.server.get().map_or((0, 0), |server| server.connections());
        stats.set_item("connections", open)?;
        stats.set_item("active", active)?;
        stats.set_item("tasks", self.tasks.running(py).len()?)?;
        Ok(stats)
    }
}

#[cfg(unix)]
#[allow(unsafe_code)]
fn adopt(fd: u64) -> Option<TcpListener> {
    use std::os::fd::FromRawFd;
    let fd = i32::try_from(fd).ok()?;
    // SAFETY: the caller hands over a descriptor that it owns and does not use
    // again, as `listen` documents.
    Some(unsafe { TcpListener::from_raw_fd(fd) })
}

#[cfg(windows)]
#[allow(unsafe_code)]
fn adopt(fd: u64) -> Option<TcpListener> {
    use std::os::windows::io::FromRawSocket;
    // SAFETY: as above, for a socket handle.
    Some(unsafe { TcpListener::from_raw_socket(fd) })
}
