//! Commands: run, invoke, inspect. The first two run in the core's threads and
//! are awaited; cancelling what is awaited ends the guest.

use std::collections::HashMap;
use std::sync::Arc;

use paddock_engine::command::{self, RunOptions};
use paddock_engine::invoke::{Call, invoke as invoke_export};
use paddock_engine::limits::InstanceLimits;
use pyo3::prelude::*;

use crate::component::interfaces;
use crate::doorway;
use crate::engine::{ArtifactObject, EngineObject};
use crate::errors::OrRaise;
use crate::runtime::Runtime;
use crate::specs::{GrantTuple, MountTuple, mounts, outbound, seconds};
use crate::tasks::EventSink;

/// Whose calls a log line names.
const OWNER: &str = "run";

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
            outbound: outbound(self.outbound),
            inherit_network: self.inherit_network,
            allow_ip_name_lookup: self.allow_ip_name_lookup,
            limits,
        })
    }
}

#[pyfunction]
pub fn run_command<'py>(
    py: Python<'py>,
    engine: &EngineObject,
    artifact: &ArtifactObject,
    options: Options,
    bound: HashMap<String, Py<PyAny>>,
    runtime: &Runtime,
) -> PyResult<Bound<'py, PyAny>> {
    let options = options.convert(py)?;
    let bound = interfaces(py, bound, OWNER, &runtime.tasks)?;
    let (engine, artifact) = (Arc::clone(&engine.0), Arc::clone(&artifact.0));
    let events = Arc::new(EventSink(Arc::clone(&runtime.tasks)));
    let work = async move { command::run(&engine, artifact, options, &bound, events, None).await };
    runtime.tasks.awaitable(py, work, |py, code| Ok(code.or_raise(py)?.into_pyobject(py)?.into_any().unbind()))
}

#[pyfunction]
#[allow(clippy::too_many_arguments)]
pub fn invoke<'py>(
    py: Python<'py>,
    engine: &EngineObject,
    artifact: &ArtifactObject,
    name: String,
    arguments: Vec<String>,
    options: Options,
    bound: HashMap<String, Py<PyAny>>,
    runtime: &Runtime,
) -> PyResult<Bound<'py, PyAny>> {
    let options = options.convert(py)?;
    let bound = interfaces(py, bound, OWNER, &runtime.tasks)?;
    let (engine, artifact) = (Arc::clone(&engine.0), Arc::clone(&artifact.0));
    let events = Arc::new(EventSink(Arc::clone(&runtime.tasks)));
    let call = Call { name, arguments };
    let work = async move { invoke_export(&engine, artifact, &call, options, &bound, events, None).await };
    runtime.tasks.awaitable(py, work, |py, invoked| {
        let invoked = invoked.or_raise(py)?;
        Ok((invoked.exit, invoked.json).into_pyobject(py)?.into_any().unbind())
    })
}

#[pyfunction]
pub fn inspect(py: Python<'_>, data: &[u8]) -> PyResult<String> {
    let told = doorway::leave(py, || paddock_engine::inspect::inspect(data)).or_raise(py)?;
    Ok(told.to_string())
}
