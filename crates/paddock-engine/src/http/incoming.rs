//! WASI 0.2 handlers: one request in one instance, polled in the connection's
//! own task. A task for each request would cost a tenth to a third of it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use futures::channel::oneshot;
use wasmtime::Store;
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, Scheme};
use wasmtime_wasi_http::p2::bindings::{Proxy, ProxyPre};
use wasmtime_wasi_http::{WasiBody, WasiHttpView};

use super::dispatch::{Arrival, Failure};
use super::guest::{Guest, GuestBody, failure};
use super::reuse::Idle;
use crate::component::Component;
use crate::events::EventKind;
use crate::state::State;

type Answer = Result<http::Response<WasiBody>, ErrorCode>;

pub struct Incoming {
    component: Arc<Component>,
    pre: ProxyPre<State>,
    idle: Option<Arc<Idle<Warm>>>,
}

/// An instance that has served and may serve again.
pub struct Warm {
    store: Store<State>,
    proxy: Proxy,
    served: usize,
}

impl Incoming {
    pub fn new(component: &Arc<Component>, pre: ProxyPre<State>) -> Self {
        let idle = component.spec.reuse.map(|reuse| Idle::new(reuse.idle));
        Self { component: Arc::clone(component), pre, idle }
    }

    pub async fn handle(
        &self,
        request: http::Request<WasiBody>,
        arrival: Arrival,
    ) -> Result<http::Response<WasiBody>, Failure> {
        let (sender, mut receiver) = oneshot::channel();
        let mut guest = self.start(request, arrival, sender)?;
        let (ended, answer) = std::future::poll_fn(|cx| {
            let ended = Pin::new(&mut guest).poll(cx);
            match (ended, Pin::new(&mut receiver).poll(cx)) {
                (ended, Poll::Ready(Ok(answer))) => Poll::Ready((ended, Some(answer))),
                (Poll::Ready(result), _) => Poll::Ready((Poll::Ready(result), None)),
                (Poll::Pending, _) => Poll::Pending,
            }
        })
        .await;
        match (ended, answer) {
            (Poll::Pending, Some(Ok(response))) => Ok(GuestBody::attach(response, Some(guest)).await),
            (Poll::Ready(Ok(())), Some(Ok(response))) => Ok(GuestBody::attach(response, None).await),
            (Poll::Ready(Err(failure)), _) => Err(failure),
            (_, Some(Err(code))) => {
                self.component
                    .emit(0, EventKind::Failed { reason: format!("the guest answered with an error: {code:?}") });
                Err(Failure::NoResponse)
            }
            (_, None) => {
                self.component.emit(0, EventKind::Failed { reason: "the guest returned without a response".into() });
                Err(Failure::NoResponse)
            }
        }
    }

    fn start(
        &self,
        request: http::Request<WasiBody>,
        arrival: Arrival,
        sender: oneshot::Sender<Answer>,
    ) -> Result<Guest, Failure> {
        let component = &self.component;
        let (guard, cut) = (arrival.guard, arrival.cut);
        if let Some(mut warm) = self.idle.as_ref().and_then(|idle| idle.take()) {
            let state = warm.store.data_mut();
            let scope = &mut state.scope;
            scope.trace = arrival.trace;
            scope.deadline.extend(component.spec.limits.time);
            state.hooks = arrival.hooks;
            let (instance, deadline) = (state.scope.instance, state.scope.deadline.clone());
            if component.engine.options().fuel {
                let _ = warm.store.set_fuel(component.spec.limits.fuel.unwrap_or(u64::MAX));
            }
            let work = self.serve(warm, request, sender);
            return Ok(Guest::new(work, Arc::clone(component), instance, deadline, cut, guard));
        }
        let store = State::store(component, arrival.hooks, arrival.generation, arrival.trace).map_err(|error| {
            component.emit(0, EventKind::Failed { reason: error.message });
            Failure::Failed
        })?;
        let scope = &store.data().scope;
        let (instance, deadline) = (scope.instance, scope.deadline.clone());
        let work = self.first(store, request, sender);
        Ok(Guest::new(work, Arc::clone(component), instance, deadline, cut, guard))
    }

    fn first(
        &self,
        mut store: Store<State>,
        request: http::Request<WasiBody>,
        sender: oneshot::Sender<Answer>,
    ) -> futures::future::BoxFuture<'static, Result<(), Failure>> {
        let pre = self.pre.clone();
        let again = self.again();
        Box::pin(async move {
            match pre.instantiate_async(&mut store).await {
                Ok(proxy) => serve(Warm { store, proxy, served: 0 }, request, sender, again).await,
                Err(error) => Err(failure(store.data_mut(), &error)),
            }
        })
    }

    fn serve(
        &self,
        warm: Warm,
        request: http::Request<WasiBody>,
        sender: oneshot::Sender<Answer>,
    ) -> futures::future::BoxFuture<'static, Result<(), Failure>> {
        Box::pin(serve(warm, request, sender, self.again()))
    }

    /// Where an instance goes after a request, and how many it may serve; None
    /// where each request has one of its own.
    fn again(&self) -> Option<(Arc<Idle<Warm>>, usize)> {
        let requests = self.component.spec.reuse.map_or(1, |reuse| reuse.requests);
        self.idle.as_ref().map(|idle| (Arc::clone(idle), requests))
    }
}

async fn serve(
    mut warm: Warm,
    request: http::Request<WasiBody>,
    sender: oneshot::Sender<Answer>,
    again: Option<(Arc<Idle<Warm>>, usize)>,
) -> Result<(), Failure> {
    if let Err(error) = call(&mut warm.store, &warm.proxy, request, sender).await {
        return Err(failure(warm.store.data_mut(), &error));
    }
    warm.served += 1;
    let refused = warm.store.data_mut().report_refusal();
    // Only an instance that kept nothing of the request may see another one.
    if let Some((idle, requests)) = again
        && warm.served < requests
        && !refused
        && warm.store.data().table.is_empty()
    {
        idle.put(warm);
    }
    Ok(())
}

async fn call(
    store: &mut Store<State>,
    proxy: &Proxy,
    request: http::Request<WasiBody>,
    sender: oneshot::Sender<Answer>,
) -> wasmtime::Result<()> {
    let scheme = match request.uri().scheme_str() {
        Some("https") => Scheme::Https,
        _ => Scheme::Http,
    };
    let mut http = store.data_mut().http();
    let request = http.new_incoming_request(scheme, request)?;
    // Not tokio's channel: its receiver answers "pending" once a task has used
    // up its budget, and a pipelined connection would lose its response.
    let out = http.new_response_outparam_from_callback(move |answer| {
        let _ = sender.send(answer);
    })?;
    proxy.wasi_http_incoming_handler().call_handle(&mut *store, request, out).await
}
