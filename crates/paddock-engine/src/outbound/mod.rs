//! What a guest may reach outside: grants, and the hooks by which `wasi:http`
//! of both generations leaves an instance.

mod connector;
mod grants;
mod relative;
mod spin;

use std::sync::Arc;

use futures::future::BoxFuture;
use http::HeaderName;
use http::uri::Scheme;
use wasmtime_wasi_http::{Error, ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttpHooks};

pub use connector::Connector;
pub use grants::{Blocked, HostPattern, OutboundGrant, OutboundGrants, is_private};
pub(crate) use relative::add_to_linker as add_relative_to_linker;
pub(crate) use spin::add_to_linker as add_spin_to_linker;

use crate::component::Component;
use crate::hostcall::{Ended, Watched};

/// Calls that one request may make one inside the other.
pub const DEPTH: u8 = 16;

/// What a call inside the host is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A component of the same application, by its id.
    Component(String),
    /// Whatever the application's own routes lead to.
    Route,
}

/// Who calls inside the host.
pub struct Origin {
    pub application: Arc<str>,
    /// How many calls this one stands in.
    pub depth: u8,
    pub trace: Option<Arc<str>>,
}

/// Runs requests that stay in the process, on the generation where they began.
pub trait Inside: Send + Sync {
    fn call(
        self: Arc<Self>,
        target: Target,
        request: http::Request<WasiBody>,
        from: Origin,
    ) -> BoxFuture<'static, Result<http::Response<WasiBody>, Error>>;
}

/// Where an instance's requests go. Made for each event; the default refuses all.
#[derive(Default)]
pub struct Hooks {
    open: Option<Open>,
}

struct Open {
    component: Arc<Component>,
    inside: Option<Arc<dyn Inside>>,
    connector: Arc<Connector>,
    depth: u8,
    trace: Option<Arc<str>>,
}

impl Hooks {
    pub fn new(
        component: &Arc<Component>,
        inside: Option<Arc<dyn Inside>>,
        connector: &Arc<Connector>,
        depth: u8,
        trace: Option<Arc<str>>,
    ) -> Self {
        let open = Open { component: Arc::clone(component), inside, connector: Arc::clone(connector), depth, trace };
        Self { open: Some(open) }
    }
}

impl Hooks {
    /// Whether a request to `uri` is refused before it is made. A guest of WASI
    /// 0.2 learns so from the call itself, and not from the response that it awaits.
    pub(crate) fn refuse(&self, uri: &http::Uri) -> bool {
        let Some(open) = &self.open else { return true };
        let refused = open.target(uri).is_err();
        if refused && let Some(watched) = open.watch() {
            watched.end(Ended::Failed);
        }
        refused
    }
}

type Sent = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Answer = Result<(http::Response<WasiBody>, Sent), Error>;

/// The runtime's own list is a constant, made anew wherever it is named: every
/// header of every request is looked up here.
pub(crate) fn forbidden(name: &HeaderName) -> bool {
    static NAMES: [HeaderName; 9] = wasmtime_wasi_http::DEFAULT_FORBIDDEN_HEADERS;
    NAMES.contains(name)
}

impl WasiHttpHooks for Hooks {
    fn is_forbidden_header(&mut self, name: &HeaderName) -> bool {
        forbidden(name)
    }

    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::new(forbidden)
    }

    /// Requests without an authority are for the application itself.
    fn default_scheme(&mut self) -> Option<Scheme> {
        Some(Scheme::HTTP)
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _done: Sent,
    ) -> Box<dyn Future<Output = Answer> + Send> {
        let Some(open) = &self.open else { return Box::new(async { Err(Error::HttpRequestDenied) }) };
        match open.send(request, options) {
            Ok(response) => Box::new(async move {
                let response = response.await?;
                Ok((response, Box::new(async { Ok(()) }) as Sent))
            }),
            Err(error) => Box::new(async { Err(error) }),
        }
    }
}

impl Open {
    fn send(
        &self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
    ) -> Result<BoxFuture<'static, Result<http::Response<WasiBody>, Error>>, Error> {
        let watched = self.watch();
        let sent = self.begin(request, options);
        let Some(watched) = watched else { return sent };
        match sent {
            Ok(answer) => Ok(Box::pin(async move {
                let answer = answer.await;
                watched.end(if answer.is_ok() { Ended::Answered } else { Ended::Failed });
                answer
            })),
            Err(error) => {
                watched.end(Ended::Failed);
                Err(error)
            }
        }
    }

    fn watch(&self) -> Option<Watched> {
        self.component.watch("wasi:http/outgoing-handler", "handle", self.trace.clone())
    }

    fn begin(
        &self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
    ) -> Result<BoxFuture<'static, Result<http::Response<WasiBody>, Error>>, Error> {
        if let Some(target) = self.target(request.uri())? {
            return self.inside(target, request);
        }
        let component = Arc::clone(&self.component);
        let connector = Arc::clone(&self.connector);
        Ok(Box::pin(async move { connector.send(&component, request, options).await }))
    }

    /// Where a request goes inside the host; None for one that leaves it.
    ///
    /// # Errors
    /// `HttpRequestDenied`, for what is not granted; it is told in the log.
    fn target(&self, uri: &http::Uri) -> Result<Option<Target>, Error> {
        let scheme = uri.scheme_str().unwrap_or("http").to_ascii_lowercase();
        let host = uri.host().unwrap_or("").to_ascii_lowercase();
        let grants = &self.component.spec.outbound;
        if let Some(id) = component_of(&host) {
            if !grants.allows_component(id) {
                return Err(self.deny(&format!("calling the component '{id}'"), &format!("http://{host}")));
            }
            self.component.permit(|| (format!("calling the component '{id}'"), format!("http://{host}")));
            return Ok(Some(Target::Component(id.to_string())));
        }
        if host.is_empty() || host == "self.alt" || host == "self" {
            if !grants.allows_itself() {
                return Err(self.deny("a request to the application itself", "http://self"));
            }
            self.component.permit(|| ("a request to the application itself".into(), "http://self".into()));
            return Ok(Some(Target::Route));
        }
        let port = uri.port_u16().unwrap_or(if scheme == "https" { 443 } else { 80 });
        let default = (scheme == "https" && port == 443) || (scheme == "http" && port == 80);
        let grant = if default { format!("{scheme}://{host}") } else { format!("{scheme}://{host}:{port}") };
        if !grants.allows_host(&scheme, &host, port) {
            return Err(self.deny(&format!("outgoing HTTP to {grant}"), &grant));
        }
        self.component.permit(|| (format!("outgoing HTTP to {grant}"), grant));
        Ok(None)
    }

    fn inside(
        &self,
        target: Target,
        request: http::Request<WasiBody>,
    ) -> Result<BoxFuture<'static, Result<http::Response<WasiBody>, Error>>, Error> {
        let Some(inside) = &self.inside else { return Err(Error::DestinationNotFound) };
        if self.depth >= DEPTH {
            return Err(Error::LoopDetected);
        }
        let from = Origin {
            application: Arc::clone(&self.component.application),
            depth: self.depth,
            trace: self.trace.clone(),
        };
        Ok(Arc::clone(inside).call(target, request, from))
    }

    fn deny(&self, what: &str, grant: &str) -> Error {
        self.component.deny(what, grant);
        Error::HttpRequestDenied
    }
}

/// The id in `<id>.spin.internal` and `<id>.paddock.internal`.
fn component_of(host: &str) -> Option<&str> {
    host.strip_suffix(".spin.internal").or_else(|| host.strip_suffix(".paddock.internal"))
}
