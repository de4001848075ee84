//! Generations: what is served, immutable, from applications and routes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use paddock_engine::http::admission::AdmissionLimits;
use paddock_engine::http::cgi::Cgi;
use paddock_engine::http::dispatch::Handler;
use paddock_engine::http::generation::{
    ApplicationSpec, ComponentEntry, Generation, GenerationSpec, Retiring, RouteSpec, RouteTarget, Slots,
    StaticResponse,
};
use pyo3::prelude::*;

use crate::component::ComponentObject;
use crate::doorway;
use crate::engine::wrong;
use crate::errors::OrRaise;
use crate::runtime::Shared;
use crate::specs::seconds;
use crate::tasks::Tasks;

/// Slots beyond an application's limit for calls inside the host.
fn reserved(instances: usize) -> usize {
    (instances / 10).max(16)
}

#[derive(FromPyObject)]
pub struct ApplicationOptions {
    id: String,
    components: HashMap<String, Py<ComponentObject>>,
    instances: usize,
    component_instances: HashMap<String, usize>,
    queue: usize,
    queue_timeout: f64,
    bare: bool,
}

#[derive(FromPyObject)]
pub struct RouteOptions {
    application: String,
    trigger: String,
    route: Option<String>,
    component: Option<String>,
    /// Arguments of a CGI program; None where the component handles HTTP.
    cgi: Option<String>,
    #[pyo3(attribute("static"))]
    fixed: Option<(u16, Vec<(String, String)>, Vec<u8>)>,
    methods: Vec<String>,
    host: Option<String>,
}

impl RouteOptions {
    fn convert(self, py: Python<'_>) -> PyResult<RouteSpec> {
        let target = match (self.component, self.fixed) {
            (Some(component), None) => match self.cgi {
                Some(argv) => RouteTarget::Cgi(component, Cgi { argv }),
                None => RouteTarget::Component(component),
            },
            (None, Some((status, headers, body))) => {
                RouteTarget::Static(StaticResponse { status, headers, body: body.into() })
            }
            _ => {
                let message = format!("trigger {:?} needs either a component or a static response", self.trigger);
                return Err(wrong(py, message, "give one of them"));
            }
        };
        Ok(RouteSpec {
            application: self.application,
            trigger: self.trigger,
            target,
            route: self.route,
            methods: self.methods,
            host: self.host,
        })
    }
}

impl ApplicationOptions {
    fn convert(self, py: Python<'_>, shared: &Shared) -> PyResult<ApplicationSpec> {
        let patience = seconds(py, "queue_timeout", self.queue_timeout)?;
        let queue = self.queue;
        let slots = |key: &str, instances: usize| Slots {
            admission: shared.admissions.of(key),
            limits: AdmissionLimits { instances, queue, patience, reserved: reserved(instances) },
        };
        let mut components = Vec::with_capacity(self.components.len());
        for (id, component) in self.components {
            let component = component.get();
            let _entered = component.tasks.handle.enter();
            let handler = Arc::new(Handler::new(Arc::clone(&component.component)));
            let limit = self.component_instances.get(&id);
            let slots = limit.map(|limit| slots(&format!("{}/{id}", self.id), *limit));
            components.push(ComponentEntry { id, handler, slots });
        }
        let slots = slots(&self.id, self.instances);
        Ok(ApplicationSpec { id: self.id, slots, components })
    }
}

pub enum Stage {
    Ready(Arc<Generation>),
    Serving,
    Retiring(Arc<Retiring>, Arc<Tasks>),
}

#[pyclass(frozen, name = "Generation", module = "paddock._core")]
pub struct GenerationObject {
    #[pyo3(get)]
    number: u64,
    stage: Mutex<Stage>,
}

impl GenerationObject {
    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The generation itself, once: from then on the server owns it, and this
    /// object does not keep it alive.
    pub fn take(&self) -> Option<Arc<Generation>> {
        let mut stage = self.stage();
        match std::mem::replace(&mut *stage, Stage::Serving) {
            Stage::Ready(generation) => Some(generation),
            other => {
                *stage = other;
                None
            }
        }
    }

    pub fn retire(&self, retiring: Retiring, tasks: &Arc<Tasks>) {
        *self.stage() = Stage::Retiring(Arc::new(retiring), Arc::clone(tasks));
    }
}

#[pymethods]
impl GenerationObject {
    #[new]
    fn new(
        py: Python<'_>,
        number: u64,
        applications: Vec<ApplicationOptions>,
        routes: Vec<RouteOptions>,
    ) -> PyResult<Self> {
        let known = applications.iter().flat_map(|application| application.components.values()).next();
        let shared = known.map_or_else(Arc::default, |component| Arc::clone(&component.get().shared));
        let spin_headers = !applications.iter().any(|application| application.bare);
        let applications = applications.into_iter().map(|each| each.convert(py, &shared)).collect::<PyResult<_>>()?;
        let routes = routes.into_iter().map(|route| route.convert(py)).collect::<PyResult<_>>()?;
        let connector = Arc::clone(&shared.connector);
        let spec = GenerationSpec { number, applications, routes, spin_headers, connector };
        let generation = doorway::leave(py, || Generation::new(spec)).or_raise(py)?;
        Ok(Self { number, stage: Mutex::new(Stage::Ready(generation)) })
    }

    fn retired<'py>(&self, py: Python<'py>, timeout: f64) -> PyResult<Bound<'py, PyAny>> {
        let timeout = seconds(py, "timeout", timeout)?;
        let (retiring, tasks) = match &*self.stage() {
            Stage::Retiring(retiring, tasks) => (Arc::clone(retiring), Arc::clone(tasks)),
            _ => {
                let message = format!("generation {} is not retiring", self.number);
                return Err(wrong(py, message, "commit another generation in its place first"));
            }
        };
        let work = async move { retiring.wait(timeout).await };
        tasks.awaitable(py, work, |py, left| Ok(left.into_pyobject(py)?.into_any().unbind()))
    }

    fn cut(&self) {
        if let Stage::Retiring(retiring, _) = &*self.stage() {
            retiring.cut();
        }
    }
}
