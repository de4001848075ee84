//! One request: checks, route, component, answer. All of it is polled in the
//! connection's own task.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use bytes::Bytes;
use http::header::{ALLOW, CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderValue, RETRY_AFTER};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Method, Request, Response, StatusCode, Uri, Version};
use http_body::Body;
use hyper::body::Incoming;

use super::body::{Outgoing, incoming, relayed, without_hops};
use super::cgi::Cgi;
use super::connection::{Busy, Connection};
use super::dispatch::Failure;
use super::generation::{Answer, Generation, Place, Route};
use super::headers::{self, Facts};
use super::observer::{Finished, RequestObserver};
use super::router::{Found, has_dots};
use super::server::Shared;

const HEALTH: [&str; 2] = ["/.well-known/spin/health", "/.well-known/paddock/health"];
/// Seconds after which a client may try again.
const RETRY: HeaderValue = HeaderValue::from_static("1");

/// Tells the observer of a request when its response has gone.
pub(super) struct Ending {
    observer: Arc<dyn RequestObserver>,
    connection: Arc<Connection>,
    generation: Arc<Generation>,
    begun: Instant,
    method: Method,
    path: PathAndQuery,
    status: StatusCode,
    route: Option<usize>,
    trace: Option<Arc<str>>,
    pub sent: u64,
    pub expected: Option<u64>,
    pub complete: bool,
}

impl Drop for Ending {
    fn drop(&mut self) {
        let route = self.route.and_then(|number| self.generation.route(number));
        let application = route.and_then(|route| self.generation.application(route.application));
        let component = match route.map(|route| &route.answer) {
            Some(Answer::Component(index, _)) => application.and_then(|known| known.component_id(*index)),
            _ => None,
        };
        self.observer.finished(&Finished {
            application: application.map_or("", |known| &known.id),
            component: component.map_or("", |id| id),
            route: route.map_or("", |route| &route.pattern.text),
            method: &self.method,
            path: self.path.path(),
            status: self.status,
            duration: self.begun.elapsed(),
            sent: self.sent,
            complete: self.complete,
            trace: self.trace.as_deref(),
            client: self.connection.client_text.to_str().unwrap_or(""),
            generation: self.generation.number,
        });
    }
}

/// Answers a request; never fails, so that a connection ends by its own rules.
pub(super) async fn respond(
    shared: Arc<Shared>,
    connection: Arc<Connection>,
    request: Request<Incoming>,
) -> Result<Response<Outgoing>, Infallible> {
    let busy = connection.busy();
    let generation = shared.generation.load_full();
    let mut ending = shared.observer.as_ref().map(|observer| {
        Box::new(Ending {
            observer: Arc::clone(observer),
            connection: Arc::clone(&connection),
            generation: Arc::clone(&generation),
            begun: Instant::now(),
            method: request.method().clone(),
            path: request.uri().path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/")),
            status: StatusCode::OK,
            route: None,
            trace: headers::trace(request.headers()),
            sent: 0,
            expected: None,
            complete: false,
        })
    });
    let is_head = request.method() == Method::HEAD;
    let is_http1 = request.version() != Version::HTTP_2;
    let mut exchange = Exchange { shared: &shared, connection: &connection, generation, route: None };
    let mut response = exchange.answer(request, busy).await;
    if is_head {
        silence(&mut response);
    }
    if is_http1 && shared.closing.load(Ordering::Relaxed) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if let Some(mut ending) = ending.take() {
        ending.status = response.status();
        ending.route = exchange.route;
        ending.expected = length(response.headers()).or(response.body().size_hint().exact());
        ending.complete = response.body().is_end_stream();
        response.body_mut().ending = Some(ending);
    }
    Ok(response)
}

struct Exchange<'e> {
    shared: &'e Arc<Shared>,
    connection: &'e Arc<Connection>,
    generation: Arc<Generation>,
    /// Set when one was found, for the observer.
    route: Option<usize>,
}

impl Exchange<'_> {
    async fn answer(&mut self, request: Request<Incoming>, busy: Busy) -> Response<Outgoing> {
        let Some(authority) = authority(&request, self.connection) else {
            return closing(StatusCode::BAD_REQUEST, busy);
        };
        let path = request.uri().path();
        // A target that is no path names a host, which only CONNECT may do.
        if request.method() == Method::CONNECT || !(path.starts_with('/') || path == "*") {
            return closing(StatusCode::BAD_REQUEST, busy);
        }
        if self.generation.spin_headers {
            if HEALTH.contains(&path) {
                return plain(StatusCode::OK, Bytes::from_static(b"OK"), busy);
            }
            if has_dots(path) {
                return refusal(StatusCode::BAD_REQUEST, busy);
            }
        }
        let number = match self.generation.find(authority.host(), path, request.method()) {
            Found::Route(number) => number,
            Found::Methods(methods) => return not_allowed(&methods, busy),
            Found::Nothing => return refusal(StatusCode::NOT_FOUND, busy),
        };
        self.route = Some(number);
        let generation = Arc::clone(&self.generation);
        let Some(route) = generation.route(number) else { return refusal(StatusCode::NOT_FOUND, busy) };
        let most = self.shared.options.max_body_bytes;
        if length(request.headers()).is_some_and(|length| length > most) {
            if let Answer::Component(component, _) = route.answer {
                let place = Place { application: route.application, component, depth: 0 };
                generation.report(&place, "body", format!("{most} bytes"));
            }
            return closing(StatusCode::PAYLOAD_TOO_LARGE, busy);
        }
        match &route.answer {
            Answer::Static { status, headers, body } => fixed(*status, headers, body, busy),
            Answer::Component(component, cgi) => {
                let place = Place { application: route.application, component: *component, depth: 0 };
                self.run(request, &authority, route, (place, cgi.as_deref()), busy).await
            }
        }
    }

    async fn run(
        &self,
        request: Request<Incoming>,
        authority: &Authority,
        route: &Route,
        (place, cgi): (Place, Option<&Cgi>),
        busy: Busy,
    ) -> Response<Outgoing> {
        let most = self.shared.options.max_body_bytes;
        let (mut parts, body) = request.into_parts();
        headers::strip(&mut parts.headers);
        let path = parts.uri.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
        if self.generation.spin_headers {
            let facts = Facts {
                scheme: self.connection.scheme,
                authority: authority.as_str(),
                path_and_query: path.as_str(),
                client: &self.connection.client_text,
            };
            headers::set(&mut parts.headers, &facts, &route.pattern, &route.headers);
        }
        let Some(uri) = target(self.connection.scheme, authority, path) else {
            return refusal(StatusCode::BAD_REQUEST, busy);
        };
        parts.uri = uri;
        let trace = headers::trace(&parts.headers);
        let (body, over) = incoming(body, most);
        let answer = self.generation.run(place, cgi, Request::from_parts(parts, body), trace).await;
        let over = over.is_some_and(|over| over.load(Ordering::Relaxed));
        if over {
            self.generation.report(&place, "body", format!("{most} bytes"));
        }
        match answer {
            Ok(response) if self.connection.is_http2() && response.body().size_hint().exact().is_none() => {
                let patience = self.shared.options.idle_timeout;
                finished(response.map(|body| relayed(body, patience)), busy)
            }
            Ok(response) => finished(response, busy),
            Err(_) if over => closing(StatusCode::PAYLOAD_TOO_LARGE, busy),
            Err(failure) => failed(failure, busy),
        }
    }
}

/// For which host a request is: none, or more than one, is the client's error,
/// except in HTTP/1.0, which knows no hosts.
fn authority(request: &Request<Incoming>, connection: &Connection) -> Option<Authority> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return None;
    }
    if let Some(authority) = request.uri().authority() {
        return Some(authority.clone()).filter(well_formed);
    }
    match host {
        Some(host) => Authority::try_from(host.as_bytes()).ok().filter(well_formed),
        None if request.version() < Version::HTTP_11 => Authority::try_from(connection.local.to_string()).ok(),
        None => None,
    }
}

fn well_formed(authority: &Authority) -> bool {
    let text = authority.as_str();
    let port = text.get(authority.host().len()..).unwrap_or("");
    let port_fits = port.is_empty() || port == ":" || authority.port_u16().is_some();
    !text.contains('@') && !authority.host().is_empty() && port_fits
}

fn target(scheme: &str, authority: &Authority, path: PathAndQuery) -> Option<Uri> {
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(if scheme == "https" { Scheme::HTTPS } else { Scheme::HTTP });
    parts.authority = Some(authority.clone());
    parts.path_and_query = Some(path);
    Uri::from_parts(parts).ok()
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn plain(status: StatusCode, body: Bytes, busy: Busy) -> Response<Outgoing> {
    let length = HeaderValue::from(body.len());
    let mut response = Response::new(Outgoing::bytes(body, busy));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_LENGTH, length);
    response
}

fn refusal(status: StatusCode, busy: Busy) -> Response<Outgoing> {
    plain(status, Bytes::new(), busy)
}

/// A refusal after which the connection's state is not worth keeping.
fn closing(status: StatusCode, busy: Busy) -> Response<Outgoing> {
    let mut response = refusal(status, busy);
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

fn not_allowed(methods: &[Method], busy: Busy) -> Response<Outgoing> {
    let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED, busy);
    let list: Vec<&str> = methods.iter().map(Method::as_str).collect();
    if let Ok(list) = HeaderValue::from_str(&list.join(", ")) {
        response.headers_mut().insert(ALLOW, list);
    }
    response
}

fn fixed(status: StatusCode, headers: &HeaderMap, body: &Bytes, busy: Busy) -> Response<Outgoing> {
    let mut response = Response::new(Outgoing::bytes(body.clone(), busy));
    *response.status_mut() = status;
    *response.headers_mut() = headers.clone();
    if status != StatusCode::NO_CONTENT && status != StatusCode::NOT_MODIFIED {
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    }
    response
}

fn finished(response: Response<wasmtime_wasi_http::WasiBody>, busy: Busy) -> Response<Outgoing> {
    let (mut parts, body) = response.into_parts();
    if parts.status.is_informational() {
        // No final answer: there is nothing that the client could wait for.
        return refusal(StatusCode::INTERNAL_SERVER_ERROR, busy);
    }
    without_hops(&mut parts.headers);
    Response::from_parts(parts, Outgoing::guest(body, busy))
}

fn failed(failure: Failure, busy: Busy) -> Response<Outgoing> {
    let status = match failure {
        Failure::TimeLimit => StatusCode::GATEWAY_TIMEOUT,
        Failure::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
        Failure::TooLarge => return closing(StatusCode::PAYLOAD_TOO_LARGE, busy),
        Failure::Failed | Failure::ResourceLimit | Failure::NoResponse => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let mut response = refusal(status, busy);
    if failure == Failure::Overloaded {
        response.headers_mut().insert(RETRY_AFTER, RETRY);
    }
    response
}

/// Leaves the headers of a HEAD request's answer and takes its content.
fn silence(response: &mut Response<Outgoing>) {
    if !response.headers().contains_key(CONTENT_LENGTH)
        && let Some(length) = response.body().size_hint().exact()
    {
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    response.body_mut().silence();
}
