//! One component of one application, ready to be instantiated.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::artifact::Artifact;
use crate::engine::Engine;
use crate::error::Result;
use crate::events::{Event, EventKind, Events};
use crate::hostcall::{CallContext, HostFunction, HostInterface, Observer, Watched};
use crate::limits::InstanceLimits;
use crate::linker::Linked;
use crate::outbound::OutboundGrants;

/// A directory of the host that a guest sees.
#[derive(Clone, Debug)]
pub struct Mount {
    pub host: PathBuf,
    pub guest: String,
    pub writable: bool,
}

/// How often an instance is used again.
#[derive(Clone, Copy, Debug)]
pub struct Reuse {
    /// Requests before an instance is thrown away.
    pub requests: usize,
    /// Requests at once in one instance; more than one for WASI 0.3 only.
    pub concurrency: usize,
    /// How long an unused instance is kept.
    pub idle: Duration,
}

/// What the plan says of a component.
#[derive(Clone, Debug, Default)]
pub struct ComponentSpec {
    pub application: String,
    pub id: String,
    pub environment: Vec<(String, String)>,
    pub arguments: Vec<String>,
    pub mounts: Vec<Mount>,
    pub limits: InstanceLimits,
    pub outbound: OutboundGrants,
    pub reuse: Option<Reuse>,
    /// Tell what is used of that which is granted.
    pub audit: bool,
}

/// What answers a component's imports, by interface name.
pub type Bound = HashMap<String, Arc<dyn HostInterface>>;

pub struct Component {
    pub spec: ComponentSpec,
    pub artifact: Arc<Artifact>,
    pub engine: Arc<Engine>,
    pub linked: Arc<Linked>,
    pub(crate) application: Arc<str>,
    pub(crate) id: Arc<str>,
    /// By interface and function slot of `linked`; None where the component
    /// does not import the function.
    pub(crate) imports: Vec<Vec<Option<Arc<dyn HostFunction>>>>,
    pub(crate) events: Arc<dyn Events>,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    instances: AtomicU64,
    /// What was denied and told already; what was used.
    denied: Mutex<HashSet<String>>,
    used: Mutex<HashSet<String>>,
}

/// Different denials, or uses, that are told; a guest that guesses must not fill
/// the log.
const TOLD: usize = 100;

/// Whether something is told now, for the first time.
fn first(told: &Mutex<HashSet<String>>, what: &str) -> bool {
    let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
    told.len() < TOLD && told.insert(what.to_string())
}

impl Component {
    /// Links `artifact` against WASI and `bound`, and checks every import.
    ///
    /// # Errors
    /// `Plan`, naming the import that nothing answers.
    pub fn new(
        engine: &Arc<Engine>,
        artifact: Arc<Artifact>,
        spec: ComponentSpec,
        bound: &Bound,
        events: Arc<dyn Events>,
        observer: Option<Arc<dyn Observer>>,
    ) -> Result<Arc<Self>> {
        let linked = crate::linker::link(engine, &artifact, bound)?;
        let mut imports = Vec::with_capacity(linked.interfaces.len());
        for interface in &linked.interfaces {
            let answers = bound.get(&interface.name);
            let mut functions = Vec::with_capacity(interface.functions.len());
            for (name, needed) in &interface.functions {
                functions.push(match answers {
                    Some(answers) if *needed => Some(answers.function(name)?),
                    _ => None,
                });
            }
            imports.push(functions);
        }
        Ok(Arc::new(Self {
            application: spec.application.as_str().into(),
            id: spec.id.as_str().into(),
            spec,
            artifact,
            engine: Arc::clone(engine),
            linked,
            imports,
            events,
            observer,
            instances: AtomicU64::new(0),
            denied: Mutex::default(),
            used: Mutex::default(),
        }))
    }

    /// Numbers instances from 1 within this component of this generation.
    pub(crate) fn next_instance(&self) -> u64 {
        self.instances.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn emit(&self, instance: u64, kind: EventKind) {
        self.events.emit(Event {
            application: self.spec.application.clone(),
            component: self.spec.id.clone(),
            instance,
            kind,
        });
    }

    /// Tells once of something that is not granted, and of the host that would
    /// have to be in `allowed_outbound_hosts`.
    pub(crate) fn deny(&self, what: &str, host: &str) {
        if first(&self.denied, host) {
            let grant = format!("allowed_outbound_hosts = [\"{host}\"]");
            self.emit(0, EventKind::Denied { what: what.to_string(), grant });
        }
    }

    /// Tells once of a destination that no grant opens.
    pub(crate) fn deny_blocked(&self, host: &str) {
        if first(&self.denied, host) {
            let what = format!("connecting to {host}, which this host's configuration blocks");
            self.emit(0, EventKind::Denied { what, grant: String::new() });
        }
    }

    /// Tells once, where it is audited, of something granted that is used, and
    /// of the entry of `allowed_outbound_hosts` that would do for it.
    pub(crate) fn permit(&self, used: impl FnOnce() -> (String, String)) {
        if !self.spec.audit {
            return;
        }
        let (what, grant) = used();
        if first(&self.used, &grant) {
            self.emit(0, EventKind::Allowed { what, grant });
        }
    }

    /// Watches something that is answered in Rust, if anybody observes.
    pub(crate) fn watch(&self, interface: &str, function: &str, trace: Option<Arc<str>>) -> Option<Watched> {
        let observer = self.observer.as_ref()?;
        let context = CallContext {
            application: &self.application,
            component: &self.id,
            generation: 0,
            instance: 0,
            call: 0,
            deadline: None,
            trace: None,
            interface,
            function,
        };
        Some(Watched::new(observer, (&self.application, &self.id), trace, &context))
    }
}
