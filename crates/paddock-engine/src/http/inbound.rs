//! Components of Spin 1: `fermyon:spin/inbound-http`, request and response
//! whole. Each request has a fresh instance, made when its body has arrived.

use std::sync::Arc;

use futures::channel::oneshot;
use futures::future::BoxFuture;
use http::header::{ALLOW, HOST, HeaderValue};
use http::request::Parts;
use http::{Response, StatusCode};
use wasmtime::Store;
use wasmtime::component::{ComponentExportIndex, TypedFunc};
use wasmtime_wasi_http::{Error, WasiBody};

use super::body::{refusal, without_hops};
use super::dispatch::{Arrival, Failure};
use super::guest::{Guest, failure};
use crate::component::Component;
use crate::events::EventKind;
use crate::spin_http::{self, INBOUND, Incomplete, Request, Verb, pairs};
use crate::state::State;

type Handle = TypedFunc<(Request,), (spin_http::Response,)>;

pub struct Inbound {
    component: Arc<Component>,
    handle: ComponentExportIndex,
}

/// Where a component has its `handle-request`; None when it is none of Spin 1.
pub fn export(component: &wasmtime::component::Component) -> Option<ComponentExportIndex> {
    let interface = component.get_export_index(None, INBOUND)?;
    component.get_export_index(Some(&interface), "handle-request")
}

impl Inbound {
    pub fn new(component: &Arc<Component>, handle: ComponentExportIndex) -> Self {
        Self { component: Arc::clone(component), handle }
    }

    pub async fn handle(
        &self,
        request: http::Request<WasiBody>,
        arrival: Arrival,
    ) -> Result<Response<WasiBody>, Failure> {
        let component = &self.component;
        let (parts, body) = request.into_parts();
        let Some(verb) = Verb::of(&parts.method) else {
            let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED);
            response.headers_mut().insert(ALLOW, Verb::ALL);
            return Ok(response);
        };
        let Arrival { generation, trace, hooks, guard, cut } = arrival;
        let store = State::store(component, hooks, generation, trace).map_err(|error| {
            component.emit(0, EventKind::Failed { reason: error.message });
            Failure::Failed
        })?;
        let scope = &store.data().scope;
        let (instance, deadline) = (scope.instance, scope.deadline.clone());
        let (sender, mut answer) = oneshot::channel();
        let work = serve(self.handle, store, (verb, parts, body), sender);
        // Reading the request is part of the work, so that a slow client has the
        // same time as one whose body a guest reads itself.
        Guest::new(work, Arc::clone(component), instance, deadline, cut, guard).await?;
        answer.try_recv().ok().flatten().ok_or(Failure::NoResponse)
    }
}

fn serve(
    handle: ComponentExportIndex,
    mut store: Store<State>,
    (verb, parts, body): (Verb, Parts, WasiBody),
    sender: oneshot::Sender<Response<WasiBody>>,
) -> BoxFuture<'static, Result<(), Failure>> {
    Box::pin(async move {
        let most = store.data().scope.component.spec.limits.memory;
        let response = match spin_http::read(body, most).await {
            Ok(body) => {
                let called = call(&mut store, handle, request(verb, parts, body)).await;
                let state = store.data_mut();
                let response = called.map_err(|error| failure(state, &error))?;
                state.report_refusal();
                response.convert().map_err(|reason| failed(state, format!("the guest's response is none: {reason}")))?
            }
            // Longer than the server takes, which tells of it.
            Err(Incomplete::Broken(Error::HttpRequestBodySize(_))) => return Err(Failure::TooLarge),
            Err(Incomplete::Broken(_)) => refusal(StatusCode::BAD_REQUEST),
            Err(Incomplete::TooLong) => {
                let scope = &store.data().scope;
                let kind = EventKind::Limit { limit: "body", value: format!("{most} bytes, the instance's memory") };
                scope.component.emit(scope.instance, kind);
                return Err(Failure::TooLarge);
            }
        };
        let _ = sender.send(response);
        Ok(())
    })
}

async fn call(
    store: &mut Store<State>,
    handle: ComponentExportIndex,
    request: Request,
) -> wasmtime::Result<spin_http::Response> {
    let linked = Arc::clone(&store.data().scope.component.linked);
    let instance = linked.pre.instantiate_async(&mut *store).await?;
    let handle: Handle = instance.get_typed_func(&mut *store, handle)?;
    Ok(handle.call_async(&mut *store, (request,)).await?.0)
}

/// As Spin makes it: the URI is path and query, the body is there even if empty.
fn request(method: Verb, mut parts: Parts, body: Vec<u8>) -> Request {
    let uri = parts.uri.path_and_query().map_or_else(|| "/".into(), |path| path.as_str().to_owned());
    without_hops(&mut parts.headers);
    // A request of HTTP/2 has its host in the URI alone.
    if let Some(authority) = parts.uri.authority()
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        parts.headers.entry(HOST).or_insert(host);
    }
    Request { method, uri, headers: pairs(&parts.headers), params: Vec::new(), body: Some(body) }
}

fn failed(state: &State, reason: String) -> Failure {
    state.scope.component.emit(state.scope.instance, EventKind::Failed { reason });
    Failure::NoResponse
}
