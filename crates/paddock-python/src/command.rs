//! Commands: run, invoke, inspect. They block, with Python released.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use paddock_engine::command::{self, RunOptions};
use paddock_engine::component::Bound as BoundTo;
use paddock_engine::error::Result as EngineResult;
use paddock_engine::events::{Event, Events};
use paddock_engine::invoke::{Call, invoke as invoke_export, invoke_component as invoke_bound};
use paddock_engine::limits::InstanceLimits;
use pyo3::prelude::*;

use crate::component::ComponentObject;
use crate::doorway;
use crate::engine::{ArtifactObject, EngineObject};
use crate::errors::OrRaise;
use crate::events::EventObject;
use crate::specs::{GrantTuple, MountTuple, mounts, outbound, seconds};

/// How long a Ctrl-C waits at most. Python's handler only takes a note of the
/// signal; somebody has to look, and only this thread, the main one, may.
const LOOK: Duration = Duration::from_millis(20);

#[derive(FromPyObject)]
pub struct Options {
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    inherit_env: bool,
    mounts: Vec<MountTuple>,
    outbound: Vec<GrantTuple>,
    inherit_network: bool,
    allow_ip_name_lookup: bool,
    memory: Option<usize>,
    table: Option<usize>,
    time: Option<f64>,
    fuel: Option<u64>,
}

impl Options {
    fn convert(self, py: Python<'_>) -> PyResult<RunOptions> {
        let time = self.time.map(|time| seconds(py, "time", time)).transpose()?;
        let unlimited = command::unlimited();
        let limits = InstanceLimits {
            memory: self.memory.unwrap_or(unlimited.memory),
            table: self.table.unwrap_or(unlimited.table),
            time,
            fuel: self.fuel,
            ..unlimited
        };
        Ok(RunOptions {
            arguments: self.arguments,
            environment: self.environment,
            inherit_env: self.inherit_env,
            mounts: mounts(self.mounts),
            outbound: outbound(py, self.outbound, &[])?,
            inherit_network: self.inherit_network,
            allow_ip_name_lookup: self.allow_ip_name_lookup,
            limits,
        })
    }
}

/// Calls Python in place with each event: a command has no event loop.
struct Direct(Option<Py<PyAny>>);

impl Events for Direct {
    fn emit(&self, event: Event) {
        let Some(callback) = &self.0 else { return };
        doorway::enter(|py| {
            let told = EventObject::new(py, event).and_then(|event| callback.call1(py, (event,)));
            if let Err(error) = told {
                error.write_unraisable(py, None);
            }
        });
    }
}

/// Drives `work` on this thread until it ends or a signal's handler raises.
fn drive<T: Send>(py: Python<'_>, work: impl Future<Output = EngineResult<T>> + Send) -> PyResult<T> {
    let interrupted = async {
        loop {
            tokio::time::sleep(LOOK).await;
            if let Some(Err(error)) = doorway::enter(|py| py.check_signals()) {
                return error;
            }
        }
    };
    let either = async {
        tokio::select! {
            biased;
            done = work => done.map(Ok),
            error = interrupted => Ok(Err(error)),
        }
    };
    doorway::leave(py, || command::block_on(either)).or_raise(py)?
}

#[pyfunction]
#[pyo3(signature = (engine, artifact, options, on_event=None))]
pub fn run_command(
    py: Python<'_>,
    engine: &EngineObject,
    artifact: &ArtifactObject,
    options: Options,
    on_event: Option<Py<PyAny>>,
) -> PyResult<i32> {
    let options = options.convert(py)?;
    let bound: BoundTo = HashMap::new();
    let events = Arc::new(Direct(on_event));
    drive(py, command::run(&engine.0, Arc::clone(&artifact.0), options, &bound, events, None))
}

#[pyfunction]
#[pyo3(signature = (engine, artifact, name, arguments, options, on_event=None))]
pub fn invoke(
    py: Python<'_>,
    engine: &EngineObject,
    artifact: &ArtifactObject,
    name: String,
    arguments: Vec<String>,
    options: Options,
    on_event: Option<Py<PyAny>>,
) -> PyResult<(i32, Option<String>)> {
    let options = options.convert(py)?;
    let bound: BoundTo = HashMap::new();
    let events = Arc::new(Direct(on_event));
    let call = Call { name, arguments };
    let invoked = invoke_export(&engine.0, Arc::clone(&artifact.0), &call, options, &bound, events, None);
    let invoked = drive(py, invoked)?;
    Ok((invoked.exit, invoked.json))
}

/// A component of a host as a command of this terminal: its exit code.
#[pyfunction]
pub fn run_component<'py>(
    py: Python<'py>,
    component: &ComponentObject,
    options: Options,
) -> PyResult<Bound<'py, PyAny>> {
    let options = options.convert(py)?;
    let target = Arc::clone(&component.component);
    let work = async move { command::run_component(target, &options).await };
    component.tasks.awaitable(py, work, |py, code| Ok(code.or_raise(py)?.into_pyobject(py)?.into_any().unbind()))
}

#[pyfunction]
pub fn invoke_component<'py>(
    py: Python<'py>,
    component: &ComponentObject,
    name: String,
    arguments: Vec<String>,
    options: Options,
) -> PyResult<Bound<'py, PyAny>> {
    let options = options.convert(py)?;
    let target = Arc::clone(&component.component);
    let call = Call { name, arguments };
    let work = async move { invoke_bound(target, &call, &options).await };
    component.tasks.awaitable(py, work, |py, invoked| {
        let invoked = invoked.or_raise(py)?;
        Ok((invoked.exit, invoked.json).into_pyobject(py)?.into_any().unbind())
    })
}

#[pyfunction]
pub fn inspect(py: Python<'_>, data: &[u8]) -> PyResult<String> {
    let told = doorway::leave(py, || paddock_engine::inspect::inspect(data)).or_raise(py)?;
    Ok(told.to_string())
}
