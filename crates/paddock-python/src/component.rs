//! Components of an application, bound to Python objects.

use std::collections::HashMap;
use std::sync::Arc;

use paddock_engine::call::{Caller, Outcome, call as call_export};
use paddock_engine::component::{Bound as BoundTo, Component};
use paddock_engine::error::Result as EngineResult;
use paddock_engine::hostcall::{HostInterface, Observer};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::bridge::Interface;
use crate::calls::CallSink;
use crate::convert::{from_python, to_python};
use crate::doorway;
use crate::engine::{ArtifactObject, EngineObject};
use crate::errors::{OrRaise, raise};
use crate::names::names;
use crate::runtime::{Runtime, Shared};
use crate::specs::Spec;
use crate::tasks::{EventSink, Tasks};

#[pyclass(frozen, name = "Component", module = "paddock._core")]
pub struct ComponentObject {
    pub component: Arc<Component>,
    pub tasks: Arc<Tasks>,
    pub shared: Arc<Shared>,
}

#[pymethods]
impl ComponentObject {
    #[new]
    fn new(
        py: Python<'_>,
        engine: &EngineObject,
        artifact: &ArtifactObject,
        spec: Spec,
        bound: HashMap<String, Py<PyAny>>,
        runtime: &Runtime,
    ) -> PyResult<Self> {
        // Loaded here, on a thread that holds no lock of the engine.
        names(py)?;
        let spec = spec.convert(py)?;
        let tasks = Arc::clone(&runtime.tasks);
        let owner = format!("{}/{}", spec.application, spec.id);
        let interface = |(name, object): (String, Py<PyAny>)| {
            let interface = Interface { name: name.clone(), object, owner: owner.clone(), tasks: Arc::clone(&tasks) };
            (name, Arc::new(interface) as Arc<dyn HostInterface>)
        };
        let bound: BoundTo = bound.into_iter().map(interface).collect();
        let events = Arc::new(EventSink(Arc::clone(&tasks)));
        let observer = tasks.watches_calls().then(|| Arc::new(CallSink(Arc::clone(&tasks))) as Arc<dyn Observer>);
        let component =
            doorway::leave(py, || Component::new(&engine.0, Arc::clone(&artifact.0), spec, &bound, events, observer));
        Ok(Self { component: component.or_raise(py)?, tasks, shared: Arc::clone(&runtime.shared) })
    }

    #[getter]
    fn http(&self) -> bool {
        let linked = &self.component.linked;
        linked.http.is_some() || linked.inbound.is_some()
    }
}

#[pyfunction]
pub fn call<'py>(
    py: Python<'py>,
    component: &ComponentObject,
    export_name: String,
    arguments: Vec<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let tasks = &component.tasks;
    let values = arguments.iter().map(|argument| from_python(argument, tasks)).collect::<PyResult<Vec<_>>>()?;
    let target = Arc::clone(&component.component);
    let work = async move { call_export(&target, Caller::default(), &export_name, values).await };
    let own = Arc::clone(tasks);
    tasks.awaitable(py, work, move |py, outcome| returned(py, outcome, &own))
}

/// What a command prints when nobody asks it anything.
#[pyfunction]
pub fn printed<'py>(py: Python<'py>, component: &ComponentObject, most: usize) -> PyResult<Bound<'py, PyAny>> {
    let target = Arc::clone(&component.component);
    let work = async move { paddock_engine::http::cgi::output(&target, most).await };
    component.tasks.awaitable(py, work, |py, printed| Ok(PyBytes::new(py, &printed.or_raise(py)?).into_any().unbind()))
}

/// A core module of WASI 0.1 as a component.
#[pyfunction]
#[pyo3(signature = (module, entrypoint=None))]
pub fn componentize<'py>(py: Python<'py>, module: &[u8], entrypoint: Option<&str>) -> PyResult<Bound<'py, PyBytes>> {
    let component = doorway::leave(py, || paddock_engine::adapt::componentize(module, entrypoint)).or_raise(py)?;
    Ok(PyBytes::new(py, &component))
}

/// What an exported function gave, as Python gets it.
pub fn returned(py: Python<'_>, outcome: EngineResult<Outcome>, tasks: &Arc<Tasks>) -> PyResult<Py<PyAny>> {
    match outcome {
        Ok(Outcome::Returned(value)) => Ok(to_python(py, value, tasks)?.unbind()),
        Ok(Outcome::Failed(payload)) => {
            let payload = to_python(py, payload, tasks)?;
            Err(PyErr::from_value(names(py)?.err.bind(py).call1((payload,))?))
        }
        Err(error) => Err(raise(py, error)),
    }
}
