//! Components of an application, bound to Python objects.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use paddock_engine::call::{Outcome, call as call_export};
use paddock_engine::component::{Bound as BoundTo, Component, ComponentSpec, Mount, Reuse};
use paddock_engine::hostcall::HostInterface;
use paddock_engine::limits::InstanceLimits;
use paddock_engine::outbound::{HostPattern, OutboundGrant, OutboundGrants};
use pyo3::prelude::*;

use crate::bridge::Interface;
use crate::convert::{from_python, to_python};
use crate::doorway;
use crate::engine::{ArtifactObject, EngineObject, wrong};
use crate::errors::{OrRaise, raise};
use crate::names::names;
use crate::runtime::Runtime;
use crate::tasks::{EventSink, Tasks};

/// `paddock._options.ComponentSpec` and its parts, read by attribute.
#[derive(FromPyObject)]
pub struct Spec {
    application: String,
    id: String,
    environment: Vec<(String, String)>,
    arguments: Vec<String>,
    mounts: Vec<SpecMount>,
    limits: SpecLimits,
    outbound: Vec<(Option<String>, String, u16, u16)>,
    reuse: Option<SpecReuse>,
}

#[derive(FromPyObject)]
struct SpecMount {
    host: PathBuf,
    guest: String,
    writable: bool,
}

#[derive(FromPyObject)]
struct SpecLimits {
    memory: usize,
    table: usize,
    time: Option<f64>,
    fuel: Option<u64>,
}

#[derive(FromPyObject)]
struct SpecReuse {
    requests: usize,
    concurrency: usize,
    idle: f64,
}

/// Seconds; None when they are no duration (negative, not a number).
fn seconds(value: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(value).ok()
}

impl Spec {
    fn convert(self, py: Python<'_>) -> PyResult<ComponentSpec> {
        let id = self.id.clone();
        let bad = |what: &str| wrong(py, format!("component {id:?}: {what} is not a duration in seconds"), "give a number, at least 0");
        let time = self.limits.time.map(|time| seconds(time).ok_or_else(|| bad("the time limit"))).transpose()?;
        let reuse = match self.reuse {
            None => None,
            Some(reuse) => Some(Reuse {
                requests: reuse.requests,
                concurrency: reuse.concurrency,
                idle: seconds(reuse.idle).ok_or_else(|| bad("reuse.idle"))?,
            }),
        };
        let mount = |m: SpecMount| Mount { host: m.host, guest: m.guest, writable: m.writable };
        let grant = |(scheme, host, first, last): (Option<String>, String, u16, u16)| OutboundGrant {
            scheme,
            host: pattern(&host),
            ports: (first, last),
        };
        Ok(ComponentSpec {
            application: self.application,
            id: self.id,
            environment: self.environment,
            arguments: self.arguments,
            mounts: self.mounts.into_iter().map(mount).collect(),
            limits: InstanceLimits {
                memory: self.limits.memory,
                table: self.limits.table,
                time,
                fuel: self.limits.fuel,
            },
            outbound: OutboundGrants(self.outbound.into_iter().map(grant).collect()),
            reuse,
        })
    }
}

fn pattern(host: &str) -> HostPattern {
    if host == "*" {
        return HostPattern::Any;
    }
    if host == "self" {
        return HostPattern::Itself;
    }
    if let Some(domain) = host.strip_prefix('*') {
        return HostPattern::Suffix(domain.to_ascii_lowercase());
    }
    let address = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(network) = address.parse() {
        return HostPattern::Network(network);
    }
    match address.parse::<std::net::IpAddr>() {
        Ok(address) => HostPattern::Network(address.into()),
        Err(_) => HostPattern::Name(host.to_ascii_lowercase()),
    }
}

#[pyclass(frozen, name = "Component", module = "paddock._core")]
pub struct ComponentObject {
    pub component: Arc<Component>,
    pub tasks: Arc<Tasks>,
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
        let component = doorway::leave(py, || {
            Component::new(&engine.0, Arc::clone(&artifact.0), spec, &bound, events, None)
        });
        Ok(Self { component: component.or_raise(py)?, tasks })
    }

    #[getter]
    fn http(&self) -> bool {
        self.component.linked.http.is_some()
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
    let work = async move { call_export(&target, &export_name, values).await };
    tasks.awaitable(py, work, |py, outcome| match outcome {
        Ok(Outcome::Returned(value)) => Ok(to_python(py, value)?.unbind()),
        Ok(Outcome::Failed(payload)) => {
            let payload = to_python(py, payload)?;
            Err(PyErr::from_value(names(py)?.err.bind(py).call1((payload,))?))
        }
        Err(error) => Err(raise(py, error)),
    })
}
