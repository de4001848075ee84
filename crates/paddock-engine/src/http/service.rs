//! WASI 0.3 handlers, through the runtime's own dispatcher.
//!
//! Upstream calls its 0.3 HTTP experimental; this module is the only place
//! that knows it.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::task::AtomicWaker;
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tokio::time::Sleep;
use wasmtime::component::GuestTaskId;
use wasmtime::{Store, StoreContextMut, format_err};
use wasmtime_wasi_http::handler::{
    ExpirationError, HandlerState, Instance, InstantiationError, ProxyHandler, ShouldAccept, WorkerExpiration,
    WorkerState, WorkerStatus,
};
use wasmtime_wasi_http::{Error, WasiBody, WasiHttpView};

use super::dispatch::{Arrival, Failure};
use super::guest::{failure, report_time};
use crate::component::{Component, Reuse};
use crate::deadline::Deadline;
use crate::events::EventKind;
use crate::outbound::Hooks;
use crate::state::State;

pub struct Service {
    component: Arc<Component>,
    handler: ProxyHandler<Instances>,
}

impl Service {
    pub fn new(component: &Arc<Component>) -> Self {
        let handler = ProxyHandler::new(Instances { component: Arc::clone(component) });
        Self { component: Arc::clone(component), handler }
    }

    pub async fn handle(
        &self,
        request: http::Request<WasiBody>,
        arrival: Arrival,
    ) -> Result<http::Response<WasiBody>, Failure> {
        let joined = Arc::new(OnceLock::new());
        let data = Joining { arrival: std::sync::Mutex::new(Some(arrival)), joined: Arc::clone(&joined) };
        match self.handler.handle(data, request).await {
            Ok(response) => Ok(response.map(|body| match joined.get() {
                Some(joined) => Streamed { body, joined: joined.clone() }.boxed_unsync(),
                None => body,
            })),
            Err(error) => Err(self.failed(&error)),
        }
    }

    fn failed(&self, error: &wasmtime::Error) -> Failure {
        if error.downcast_ref::<ExpirationError>().is_some() {
            report_time(&self.component, 0);
            return Failure::TimeLimit;
        }
        if let Some(failed) = error.downcast_ref::<InstantiationError<Joining>>() {
            if failed.error.downcast_ref::<wasmtime::PoolConcurrencyLimitError>().is_some() {
                let value = self.component.engine.options().instances.to_string();
                self.component.emit(0, EventKind::Limit { limit: "instances of the host", value });
                return Failure::Overloaded;
            }
            let reason = super::guest::reason(&failed.error);
            self.component.emit(0, EventKind::Failed { reason });
            return Failure::Failed;
        }
        if error.downcast_ref::<wasmtime_wasi_http::handler::TrapOrPanicError>().is_some() {
            // The worker has logged why, when it dropped its store.
            return Failure::Failed;
        }
        if error.downcast_ref::<crate::state::TimeLimit>().is_some() {
            return Failure::TimeLimit;
        }
        self.component.emit(0, EventKind::Failed { reason: super::guest::reason(error) });
        Failure::NoResponse
    }
}

/// A request on its way into an instance, and what it finds there.
struct Joining {
    arrival: std::sync::Mutex<Option<Arrival>>,
    joined: Arc<OnceLock<Joined>>,
}

#[derive(Clone)]
struct Joined {
    deadline: Deadline,
    /// Keeps the instance while the response is read: what a guest only passes on
    /// comes through its instance after its task has ended.
    _reading: Arc<Reading>,
    stream: Option<Duration>,
    cut: Arc<AtomicBool>,
    /// Keeps the admission slot until the response is read to its end.
    _guard: Option<Arc<Box<dyn std::any::Any + Send + Sync>>>,
}

/// Responses of one instance that are still read.
#[derive(Default)]
struct Readers {
    count: AtomicUsize,
    changed: AtomicWaker,
}

/// One of them.
struct Reading(Arc<Readers>);

impl Reading {
    fn begin(readers: &Arc<Readers>) -> Arc<Self> {
        readers.count.fetch_add(1, Ordering::SeqCst);
        Arc::new(Self(Arc::clone(readers)))
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::SeqCst);
        self.0.changed.wake();
    }
}

struct Instances {
    component: Arc<Component>,
}

impl HandlerState for Instances {
    type StoreData = State;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<State, Expiration, Worker>> {
        let component = &self.component;
        let mut store = State::store(component, Hooks::default(), 0, None).map_err(|e| format_err!("{}", e.message))?;
        let Some(pre) = &component.linked.http else {
            wasmtime::bail!("the component exports no HTTP handler");
        };
        let proxy = match pre.instantiate_async(&mut store).await {
            Ok(proxy) => proxy,
            Err(error) => {
                store.data_mut().report_refusal();
                return Err(error);
            }
        };
        let reuse = component.spec.reuse.unwrap_or(Reuse { requests: 1, concurrency: 1, idle: Duration::ZERO });
        let deadline = store.data().scope.deadline.clone();
        let readers = Arc::<Readers>::default();
        Ok(Instance {
            store,
            proxy,
            view: |state| state.http(),
            expiration: Expiration { idle: reuse.idle, deadline, readers: Arc::clone(&readers), timer: None },
            state: Worker { component: Arc::clone(component), reuse, readers },
        })
    }
}

struct Worker {
    component: Arc<Component>,
    reuse: Reuse,
    readers: Arc<Readers>,
}

impl WorkerState for Worker {
    type StoreData = State;
    type RequestData = Joining;

    fn should_accept_request(&self, concurrent: usize, total: usize) -> ShouldAccept {
        if total >= self.reuse.requests && self.readers.count.load(Ordering::SeqCst) == 0 {
            ShouldAccept::Never
        } else if total >= self.reuse.requests {
            // "Never" would end the instance, through which a response may still come.
            ShouldAccept::No
        } else if concurrent >= self.reuse.concurrency {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        mut store: StoreContextMut<'_, State>,
        data: Joining,
        _task: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + 'static + Send + Sync>> {
        let time = self.component.spec.limits.time;
        let state = store.data_mut();
        // Neighbours of one instance share its deadline: it is the latest of
        // theirs, and at its end the instance goes.
        state.scope.deadline.extend(time);
        let (mut guard, mut cut) = (None, Arc::default());
        if let Some(arrival) = data.arrival.into_inner().ok().flatten() {
            state.scope.generation = arrival.generation;
            state.scope.trace = arrival.trace;
            state.hooks = arrival.hooks;
            guard = arrival.guard.map(Arc::new);
            cut = arrival.cut;
        }
        let _ = data.joined.set(Joined {
            deadline: state.scope.deadline.clone(),
            _reading: Reading::begin(&self.readers),
            stream: self.component.spec.limits.stream,
            cut,
            _guard: guard,
        });
        match time {
            Some(time) => Box::pin(tokio::time::sleep(time)),
            None => Box::pin(std::future::pending()),
        }
    }

    fn drop(&self, mut store: Store<State>, result: Result<(), wasmtime::Error>) {
        match result {
            // The dispatcher's word for a worker that was let go with its runtime.
            Err(error) if error.to_string() == "worker panicked" => {}
            Err(error) => {
                failure(store.data_mut(), &error);
            }
            Ok(()) => {
                store.data_mut().report_refusal();
            }
        }
    }
}

/// Ends a worker that idles too long or whose guest outstays its time.
struct Expiration {
    idle: Duration,
    deadline: Deadline,
    readers: Arc<Readers>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl WorkerExpiration for Expiration {
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>, status: WorkerStatus, start: Instant) -> Poll<()> {
        self.readers.changed.register(cx.waker());
        let read = self.readers.count.load(Ordering::SeqCst) > 0;
        let due = match status {
            WorkerStatus::Idle if !read => Some(start + self.idle),
            // The request's own expiry comes first, so that its client gets an
            // answer; this is the second line.
            WorkerStatus::Idle | WorkerStatus::Requests | WorkerStatus::PostReturn => {
                self.deadline.instant().map(|deadline| deadline + Duration::from_millis(100))
            }
        };
        let Some(due) = due else { return Poll::Pending };
        if Instant::now() >= due {
            return Poll::Ready(());
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due.into())));
        timer.as_mut().reset(due.into());
        timer.as_mut().poll(cx)
    }
}

/// A response body whose progress keeps its instance alive.
struct Streamed {
    body: WasiBody,
    joined: Joined,
}

impl Body for Streamed {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(_))) = &frame {
            if self.joined.cut.load(Ordering::Relaxed) {
                return Poll::Ready(Some(Err(Error::HttpResponseIncomplete)));
            }
            self.joined.deadline.extend(self.joined.stream);
        }
        frame
    }
}
