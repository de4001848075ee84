//! One immutable state of everything that is served. A request, and each call
//! that it chains, stays on the generation where it began; an old generation
//! ends when the last of its requests does.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use tokio::sync::Notify;
use wasmtime_wasi_http::WasiBody;

use super::admission::{Admission, AdmissionLimits, Permit};
use super::cgi::Cgi;
use super::chain::Chain;
use super::dispatch::{Arrival, Failure, Handler};
use super::headers::RouteHeaders;
use super::router::{Found, Methods, Pattern, Router};
use crate::call::{Caller, Outcome, call};
use crate::error::{EngineError, ErrorKind, Result};
use crate::events::EventKind;
use crate::outbound::{Connector, Hooks};
use crate::value::Value;

/// Everything that a generation serves.
pub struct GenerationSpec {
    pub number: u64,
    pub applications: Vec<ApplicationSpec>,
    pub routes: Vec<RouteSpec>,
    /// Whether requests carry Spin's headers; a bare component gets none.
    pub spin_headers: bool,
    /// The host's client for requests of guests.
    pub connector: Arc<Connector>,
}

pub struct ApplicationSpec {
    pub id: String,
    pub slots: Slots,
    /// All components that a request, an event or a chained call may reach.
    pub components: Vec<ComponentEntry>,
}

/// Slots from the host's [`Admissions`](super::admission::Admissions), and the
/// limits that come into force with the generation.
pub struct Slots {
    pub admission: Arc<Admission>,
    pub limits: AdmissionLimits,
}

/// One component of an application.
pub struct ComponentEntry {
    pub id: String,
    pub handler: Arc<Handler>,
    /// A limit of its own beside the application's.
    pub slots: Option<Slots>,
}

/// One HTTP trigger.
#[derive(Clone, Debug)]
pub struct RouteSpec {
    pub application: String,
    pub trigger: String,
    pub target: RouteTarget,
    /// None for a private one, which only chained calls reach.
    pub route: Option<String>,
    /// None named means all.
    pub methods: Vec<String>,
    /// A name, or `*.` and a domain, without port; None for any.
    pub host: Option<String>,
}

#[derive(Clone, Debug)]
pub enum RouteTarget {
    Component(String),
    /// A command that answers by the Common Gateway Interface.
    Cgi(String, Cgi),
    Static(StaticResponse),
}

#[derive(Clone, Debug, Default)]
pub struct StaticResponse {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

pub(crate) struct Application {
    pub id: Arc<str>,
    slots: Slots,
    components: Vec<Entry>,
    by_id: HashMap<String, usize>,
    /// The application's routes on any host, for requests to itself.
    own: Router,
}

struct Entry {
    id: Arc<str>,
    handler: Arc<Handler>,
    slots: Option<Slots>,
}

pub(crate) struct Route {
    pub application: usize,
    pub answer: Answer,
    pub pattern: Pattern,
    pub headers: RouteHeaders,
}

pub(crate) enum Answer {
    Component(usize, Option<Arc<Cgi>>),
    Static { status: StatusCode, headers: HeaderMap, body: Bytes },
}

pub struct Generation {
    pub number: u64,
    pub(crate) spin_headers: bool,
    applications: Vec<Application>,
    by_id: HashMap<String, usize>,
    routes: Vec<Route>,
    router: Router,
    connector: Arc<Connector>,
    inside: Arc<Chain>,
    /// Guests at work.
    active: AtomicUsize,
    gone: Arc<Notify>,
    /// See [`Arrival::cut`].
    cut: Arc<AtomicBool>,
}

/// Something that starts a component and is no request.
pub struct Event {
    pub application: String,
    pub component: String,
    /// See [`call`].
    pub export: String,
    pub arguments: Vec<Value>,
    /// W3C `traceparent`.
    pub trace: Option<Arc<str>>,
    /// See [`Caller::time`].
    pub time: Option<Option<Duration>>,
}

/// Which component runs, and in how many calls its own stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub application: usize,
    pub component: usize,
    pub depth: u8,
}

impl Generation {
    /// Builds a generation; nothing is served of it before it is committed.
    ///
    /// # Errors
    /// `Plan`, for routes that collide or lead nowhere.
    pub fn new(spec: GenerationSpec) -> Result<Arc<Self>> {
        let mut generation = Self {
            number: spec.number,
            spin_headers: spec.spin_headers,
            applications: Vec::with_capacity(spec.applications.len()),
            by_id: HashMap::with_capacity(spec.applications.len()),
            routes: Vec::with_capacity(spec.routes.len()),
            router: Router::default(),
            connector: spec.connector,
            inside: Arc::new(Chain::default()),
            active: AtomicUsize::new(0),
            gone: Arc::new(Notify::new()),
            cut: Arc::default(),
        };
        for application in spec.applications {
            generation.by_id.insert(application.id.clone(), generation.applications.len());
            generation.applications.push(Application::new(application));
        }
        let mut triggers: Vec<String> = Vec::new();
        for route in spec.routes {
            generation.add(route, &mut triggers)?;
        }
        let generation = Arc::new(generation);
        generation.inside.begin(&generation);
        Ok(generation)
    }

    fn add(&mut self, spec: RouteSpec, triggers: &mut Vec<String>) -> Result<()> {
        let name = format!("trigger {:?} of application {:?}", spec.trigger, spec.application);
        let unknown = |what: &str| EngineError::new(ErrorKind::Plan, format!("{name} leads to no {what}"));
        let index = *self.by_id.get(&spec.application).ok_or_else(|| unknown("known application"))?;
        let application = self.applications.get_mut(index).ok_or_else(|| unknown("known application"))?;
        let answer = match spec.target {
            RouteTarget::Component(id) => {
                let known = application.by_id.get(&id).copied().filter(|index| application.answers(*index));
                let unknown = || unknown(&format!("component {id:?} with an HTTP handler"));
                Answer::Component(known.ok_or_else(unknown)?, None)
            }
            RouteTarget::Cgi(id, cgi) => {
                let known = application.by_id.get(&id).copied().filter(|index| application.runs(*index));
                let unknown = || unknown(&format!("component {id:?} with wasi:cli/run"));
                Answer::Component(known.ok_or_else(unknown)?, Some(Arc::new(cgi)))
            }
            RouteTarget::Static(response) => response.answer(&name)?,
        };
        let Some(text) = &spec.route else { return Ok(()) };
        let pattern = Pattern::parse(text)?;
        let methods = Methods::parse(&spec.methods)?;
        let number = self.routes.len();
        // On itself an application sees the first of several hosts' routes.
        let _ = application.own.add(&pattern, &methods, None, number);
        self.router.add(&pattern, &methods, spec.host.as_deref(), number).map_err(|other| {
            let rival = triggers.get(other).map_or("another trigger", String::as_str);
            EngineError::new(ErrorKind::Plan, format!("{name} and {rival} would answer the same requests: {text}"))
                .hint("give one of them another route, host or methods")
        })?;
        let headers = RouteHeaders::new(&pattern)?;
        self.routes.push(Route { application: index, answer, pattern, headers });
        triggers.push(name);
        Ok(())
    }

    /// Puts the limits of its applications in force.
    pub(crate) fn activate(&self) {
        for application in &self.applications {
            application.slots.activate();
            application.components.iter().filter_map(|entry| entry.slots.as_ref()).for_each(Slots::activate);
        }
    }

    pub(crate) fn find(&self, host: &str, path: &str, method: &Method) -> Found {
        self.router.find(host, path, method)
    }

    pub(crate) fn find_own(&self, application: usize, path: &str, method: &Method) -> Found {
        self.applications.get(application).map_or(Found::Nothing, |known| known.own.find("", path, method))
    }

    pub(crate) fn route(&self, number: usize) -> Option<&Route> {
        self.routes.get(number)
    }

    pub(crate) fn application_named(&self, id: &str) -> Option<(usize, &Application)> {
        let index = *self.by_id.get(id)?;
        Some((index, self.applications.get(index)?))
    }

    pub(crate) fn application(&self, number: usize) -> Option<&Application> {
        self.applications.get(number)
    }

    /// Runs a component on a request, once a slot was found for it; as a
    /// program, where the route says so.
    pub(crate) async fn run(
        self: &Arc<Self>,
        place: Place,
        cgi: Option<&Cgi>,
        request: http::Request<WasiBody>,
        trace: Option<Arc<str>>,
    ) -> Result<http::Response<WasiBody>, Failure> {
        let (handler, lease) = self.enter(place).await?;
        let hooks = self.hooks(handler, place.depth, trace.clone());
        let cut = Arc::clone(&self.cut);
        let guard: Option<Box<dyn std::any::Any + Send + Sync>> = Some(Box::new(lease));
        let arrival = Arrival { generation: self.number, trace, hooks, guard, cut };
        match cgi {
            Some(cgi) => cgi.handle(handler.component(), request, arrival).await,
            None => handler.handle(request, arrival).await,
        }
    }

    /// Calls an exported function of a component for an event that is no
    /// request, once a slot was found for it; see [`call`].
    ///
    /// # Errors
    /// As `call`, and `Host` where no slot came free in time.
    pub async fn event(self: Arc<Self>, event: Event) -> Result<Outcome> {
        let Event { application, component, export, arguments, trace, time } = event;
        let unknown = || EngineError::new(ErrorKind::Usage, format!("there is no component {application}/{component}"));
        let (index, known) = self.application_named(&application).ok_or_else(unknown)?;
        let place = Place { application: index, component: known.component(&component).ok_or_else(unknown)?, depth: 0 };
        let overloaded = |_| EngineError::new(ErrorKind::Host, format!("{application} is at its limit of instances"));
        let (handler, _lease) = self.enter(place).await.map_err(overloaded)?;
        let hooks = self.hooks(handler, 0, trace.clone());
        let caller = Caller { generation: self.number, hooks, trace, time };
        call(handler.component(), caller, &export, arguments).await
    }

    /// A slot for one more guest of a component.
    async fn enter(self: &Arc<Self>, place: Place) -> Result<(&Handler, Lease), Failure> {
        let application = self.applications.get(place.application).ok_or(Failure::Failed)?;
        let Entry { handler, slots, .. } = application.components.get(place.component).ok_or(Failure::Failed)?;
        let chained = place.depth > 0;
        let own = match slots {
            Some(slots) => Some(slots.enter(handler, chained).await?),
            None => None,
        };
        let permits = (application.slots.enter(handler, chained).await?, own);
        Ok((handler, Lease::new(self, permits)))
    }

    fn hooks(&self, handler: &Handler, depth: u8, trace: Option<Arc<str>>) -> Hooks {
        let inside = Arc::clone(&self.inside);
        Hooks::new(handler.component(), Some(inside), &self.connector, depth, trace)
    }

    /// Tells of a limit that a request for a component has reached.
    pub(crate) fn report(&self, place: &Place, limit: &'static str, value: String) {
        let application = self.applications.get(place.application);
        if let Some(entry) = application.and_then(|application| application.components.get(place.component)) {
            entry.handler.component().emit(0, EventKind::Limit { limit, value });
        }
    }
}

/// What a request holds until its guest has done all its work.
struct Lease {
    generation: Arc<Generation>,
    _permits: (Permit, Option<Permit>),
}

impl Lease {
    fn new(generation: &Arc<Generation>, permits: (Permit, Option<Permit>)) -> Self {
        generation.active.fetch_add(1, Ordering::Relaxed);
        Self { generation: Arc::clone(generation), _permits: permits }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.generation.active.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Application {
    fn new(spec: ApplicationSpec) -> Self {
        let by_id = spec.components.iter().enumerate().map(|(index, entry)| (entry.id.clone(), index)).collect();
        let entry = |entry: ComponentEntry| Entry { id: entry.id.into(), handler: entry.handler, slots: entry.slots };
        let components = spec.components.into_iter().map(entry).collect();
        Self { id: spec.id.into(), slots: spec.slots, components, by_id, own: Router::default() }
    }

    pub fn component(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    pub fn answers(&self, index: usize) -> bool {
        self.components.get(index).is_some_and(|entry| entry.handler.answers())
    }

    fn runs(&self, index: usize) -> bool {
        let artifact = self.components.get(index).map(|entry| &entry.handler.component().artifact);
        artifact.is_some_and(|artifact| artifact.exports.iter().any(|name| name.starts_with("wasi:cli/run@0.2.")))
    }

    pub fn component_id(&self, index: usize) -> Option<&Arc<str>> {
        self.components.get(index).map(|entry| &entry.id)
    }
}

impl Slots {
    fn activate(&self) {
        self.admission.set_limits(self.limits.clone());
    }

    async fn enter(&self, handler: &Handler, chained: bool) -> Result<Permit, Failure> {
        if let Some(permit) = self.admission.try_enter() {
            return Ok(permit);
        }
        let entered = if chained { self.admission.enter_chained() } else { self.admission.enter().await };
        if let Some(pressure) = self.admission.pressure() {
            let value = format!("{} ({} waited, {} were refused)", pressure.limit, pressure.queued, pressure.refused);
            handler.component().emit(0, EventKind::Limit { limit: "instances", value });
        }
        entered.map_err(|_| Failure::Overloaded)
    }
}

impl StaticResponse {
    fn answer(self, name: &str) -> Result<Answer> {
        let wrong = |what: String| EngineError::new(ErrorKind::Plan, format!("{name} has {what} in its response"));
        let status = StatusCode::from_u16(self.status).ok().filter(|status| !status.is_informational());
        let status = status.ok_or_else(|| wrong(format!("the status {}", self.status)))?;
        let mut headers = HeaderMap::with_capacity(self.headers.len() + 1);
        for (key, value) in self.headers {
            let key = HeaderName::from_bytes(key.as_bytes()).map_err(|_| wrong(format!("a header {key:?}")))?;
            let value = HeaderValue::from_str(&value).map_err(|_| wrong(format!("a bad value of header {key:?}")))?;
            headers.append(key, value);
        }
        super::body::without_hops(&mut headers);
        headers.remove(CONTENT_LENGTH);
        Ok(Answer::Static { status, headers, body: self.body })
    }
}

impl Drop for Generation {
    fn drop(&mut self) {
        self.gone.notify_one();
    }
}

/// A generation that takes no new requests.
pub struct Retiring {
    number: u64,
    generation: Weak<Generation>,
    gone: Arc<Notify>,
    cut: Arc<AtomicBool>,
}

impl Retiring {
    pub(crate) fn new(generation: Arc<Generation>) -> Self {
        Self {
            number: generation.number,
            gone: Arc::clone(&generation.gone),
            cut: Arc::clone(&generation.cut),
            generation: Arc::downgrade(&generation),
        }
    }

    /// Waits no longer: responses that still stream end with their next part.
    pub fn cut(&self) {
        self.cut.store(true, Ordering::Relaxed);
    }

    pub fn number(&self) -> u64 {
        self.number
    }

    /// Requests, chained ones included, that have not ended.
    pub fn remaining(&self) -> usize {
        self.generation.upgrade().map_or(0, |generation| generation.active.load(Ordering::Relaxed))
    }

    /// Waits until none remains and nobody holds the generation any more, or
    /// the time is over; how many remain.
    pub async fn wait(&self, time: Duration) -> usize {
        let _ = tokio::time::timeout(time, async {
            while self.generation.strong_count() > 0 {
                self.gone.notified().await;
            }
        })
        .await;
        self.remaining()
    }
}
