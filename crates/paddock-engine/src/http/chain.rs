//! Calls inside the host: to another component of the same application, or to
//! the application's own routes, on the generation where the request began.

use std::sync::{Arc, OnceLock, Weak};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::header::HeaderValue;
use http::uri::PathAndQuery;
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use wasmtime_wasi_http::{Error, WasiBody};

use super::body::{refusal, without_hops};
use super::cgi::Cgi;
use super::dispatch::Failure;
use super::generation::{Answer, Generation, Place};
use super::headers::{self, Facts, RouteHeaders};
use super::router::{Found, Pattern, has_dots};
use crate::outbound::{Inside, Origin, Target};

/// What a chained call's client address tells; there is no socket.
const CLIENT: HeaderValue = HeaderValue::from_static("127.0.0.1:0");

type Answered = Result<Response<WasiBody>, Error>;

/// A generation as its own guests reach it. It is held weakly, since instances
/// that wait for reuse belong to what holds them.
#[derive(Default)]
pub(super) struct Chain {
    generation: OnceLock<Weak<Generation>>,
    /// As if the called component had the route `/...`.
    any: OnceLock<(Pattern, RouteHeaders)>,
}

impl Chain {
    pub fn begin(&self, generation: &Arc<Generation>) {
        let _ = self.generation.set(Arc::downgrade(generation));
        if let Ok(pattern) = Pattern::parse("/...")
            && let Ok(headers) = RouteHeaders::new(&pattern)
        {
            let _ = self.any.set((pattern, headers));
        }
    }
}

impl Inside for Chain {
    fn call(self: Arc<Self>, target: Target, request: Request<WasiBody>, from: Origin) -> BoxFuture<'static, Answered> {
        Box::pin(async move {
            let generation = self.generation.get().and_then(Weak::upgrade).ok_or(Error::DestinationUnavailable)?;
            let (index, application) =
                generation.application_named(&from.application).ok_or(Error::DestinationNotFound)?;
            let place = |component| Place { application: index, component, depth: from.depth + 1 };
            match target {
                Target::Component(id) => {
                    let component = application.component(&id).filter(|index| application.answers(*index));
                    let component = component.ok_or(Error::DestinationNotFound)?;
                    let (pattern, headers) = self.any.get().ok_or(Error::DestinationNotFound)?;
                    run(&generation, (place(component), None), request, from.trace, (pattern, headers)).await
                }
                Target::Route => {
                    let path = request.uri().path();
                    if has_dots(path) {
                        return Ok(refusal(StatusCode::BAD_REQUEST));
                    }
                    let route = match generation.find_own(index, path, request.method()) {
                        Found::Route(number) => generation.route(number).ok_or(Error::DestinationNotFound)?,
                        Found::Methods(_) => return Ok(refusal(StatusCode::METHOD_NOT_ALLOWED)),
                        Found::Nothing => return Ok(refusal(StatusCode::NOT_FOUND)),
                    };
                    match &route.answer {
                        Answer::Static { status, headers, body } => Ok(fixed(*status, headers, body)),
                        Answer::Component(component, cgi) => {
                            let route = (&route.pattern, &route.headers);
                            run(&generation, (place(*component), cgi.as_deref()), request, from.trace, route).await
                        }
                    }
                }
            }
        })
    }
}

async fn run(
    generation: &Arc<Generation>,
    (place, cgi): (Place, Option<&Cgi>),
    request: Request<WasiBody>,
    trace: Option<Arc<str>>,
    (pattern, route): (&Pattern, &RouteHeaders),
) -> Answered {
    let (mut parts, body) = request.into_parts();
    let uri = parts.uri.into_parts();
    let path = uri.path_and_query.filter(|path| path.as_str().starts_with('/'));
    let path = path.unwrap_or(PathAndQuery::from_static("/"));
    let authority = uri.authority.filter(|authority| !authority.as_str().is_empty());
    let authority = authority.unwrap_or(http::uri::Authority::from_static("self.alt"));
    headers::strip(&mut parts.headers);
    without_hops(&mut parts.headers);
    if generation.spin_headers {
        let facts =
            Facts { scheme: "http", authority: authority.as_str(), path_and_query: path.as_str(), client: &CLIENT };
        headers::set(&mut parts.headers, &facts, pattern, route);
    }
    let mut target = http::uri::Parts::default();
    target.scheme = Some(http::uri::Scheme::HTTP);
    target.authority = Some(authority);
    target.path_and_query = Some(path);
    parts.uri = Uri::from_parts(target).map_err(|_| Error::HttpRequestUriInvalid)?;
    // The call's own trace context, where its caller sends one, comes first.
    let trace = headers::trace(&parts.headers).or(trace);
    match generation.run(place, cgi, Request::from_parts(parts, body), trace).await {
        Ok(response) => Ok(response),
        Err(Failure::Overloaded) => Err(Error::ConnectionLimitReached),
        Err(Failure::TimeLimit) => Ok(refusal(StatusCode::GATEWAY_TIMEOUT)),
        Err(Failure::TooLarge) => Ok(refusal(StatusCode::PAYLOAD_TOO_LARGE)),
        Err(_) => Ok(refusal(StatusCode::INTERNAL_SERVER_ERROR)),
    }
}

fn fixed(status: StatusCode, headers: &http::HeaderMap, body: &Bytes) -> Response<WasiBody> {
    let mut response = Response::new(Full::new(body.clone()).map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    *response.headers_mut() = headers.clone();
    response
}
