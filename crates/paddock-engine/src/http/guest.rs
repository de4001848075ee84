//! A guest at work on one request, polled by whoever wants its response.

use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::future::BoxFuture;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use tokio::time::Sleep;
use wasmtime_wasi_http::{Error, WasiBody};

use super::dispatch::Failure;
use crate::component::Component;
use crate::deadline::Deadline;
use crate::events::EventKind;
use crate::state::{State, TimeLimit};

/// The guest's own future and the clock that ends it: epochs don't fire while
/// a guest waits inside the host.
pub struct Guest {
    work: BoxFuture<'static, Result<(), Failure>>,
    component: Arc<Component>,
    instance: u64,
    deadline: Deadline,
    timer: Option<Pin<Box<Sleep>>>,
    cut: Arc<AtomicBool>,
    _guard: Option<Box<dyn Any + Send + Sync>>,
}

impl Guest {
    pub fn new(
        work: BoxFuture<'static, Result<(), Failure>>,
        component: Arc<Component>,
        instance: u64,
        deadline: Deadline,
        cut: Arc<AtomicBool>,
        guard: Option<Box<dyn Any + Send + Sync>>,
    ) -> Self {
        Self { work, component, instance, deadline, timer: None, cut, _guard: guard }
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let Some(deadline) = self.deadline.instant() else { return Poll::Pending };
            let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline.into())));
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            // The point may have moved on since the timer was set.
            if self.deadline.passed() {
                return Poll::Ready(());
            }
            self.timer = None;
        }
    }
}

impl Future for Guest {
    type Output = Result<(), Failure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(result) = self.work.as_mut().poll(cx) {
            return Poll::Ready(result);
        }
        self.poll_deadline(cx).map(|()| {
            report_time(&self.component, self.instance);
            Err(Failure::TimeLimit)
        })
    }
}

pub fn report_time(component: &Component, instance: u64) {
    let value = component.spec.limits.time.map_or_else(String::new, |time| format!("{time:?}"));
    component.emit(instance, EventKind::Limit { limit: "time", value });
}

/// Names and logs why a guest ended badly.
pub fn failure(state: &mut State, error: &wasmtime::Error) -> Failure {
    let scope = &state.scope;
    if error.downcast_ref::<TimeLimit>().is_some() {
        report_time(&scope.component, scope.instance);
        return Failure::TimeLimit;
    }
    if error.downcast_ref::<wasmtime::Trap>() == Some(&wasmtime::Trap::OutOfFuel) {
        let value = scope.component.spec.limits.fuel.unwrap_or_default().to_string();
        scope.component.emit(scope.instance, EventKind::Limit { limit: "fuel", value });
        return Failure::TimeLimit;
    }
    if error.downcast_ref::<wasmtime::PoolConcurrencyLimitError>().is_some() {
        let value = scope.component.engine.options().instances.to_string();
        scope.component.emit(scope.instance, EventKind::Limit { limit: "instances of the host", value });
        return Failure::Overloaded;
    }
    let reason = reason(error);
    scope.component.emit(scope.instance, EventKind::Failed { reason });
    if state.report_refusal() { Failure::ResourceLimit } else { Failure::Failed }
}

/// The cause first, then where in the guest it happened.
pub fn reason(error: &wasmtime::Error) -> String {
    if let Some(text) = crate::error::denial(error) {
        return text;
    }
    let cause = error.root_cause().to_string();
    match error.downcast_ref::<wasmtime::WasmBacktrace>() {
        Some(trace) => {
            let frames = trace.frames().iter().take(8).filter_map(|frame| frame.func_name().map(demangled));
            let frames: Vec<String> = frames.collect();
            if frames.is_empty() { cause } else { format!("{cause}; in {}", frames.join(" < ")) }
        }
        None => cause,
    }
}

fn demangled(name: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(name))
}

/// A response whose guest may still be at work: reading the body polls it.
pub struct GuestBody {
    inner: WasiBody,
    guest: Option<Guest>,
    /// What is known of the rest: set when the guest was done at once.
    ended: bool,
}

impl GuestBody {
    /// Attaches a guest to its response. Bodies that are complete already, as
    /// most small ones are, become plain bytes of known length.
    pub async fn attach(response: http::Response<WasiBody>, guest: Option<Guest>) -> http::Response<WasiBody> {
        let (head, inner) = response.into_parts();
        let mut body = Self { inner, guest, ended: false };
        let mut first: Option<Frame<Bytes>> = None;
        let whole = std::future::poll_fn(|cx| {
            loop {
                match Pin::new(&mut body).poll_frame(cx) {
                    Poll::Ready(Some(Ok(frame))) if first.is_none() && frame.is_data() => first = Some(frame),
                    Poll::Ready(None) => return Poll::Ready(Some(Ok(()))),
                    Poll::Ready(Some(next)) => return Poll::Ready(Some(Err(next))),
                    Poll::Pending => return Poll::Ready(None),
                }
            }
        })
        .await;
        let data = first.and_then(|frame| frame.into_data().ok());
        let body = match whole {
            Some(Ok(())) if body.guest.is_none() => known(data.unwrap_or_default()),
            Some(Ok(())) => Seen { frames: [data.map(|d| Ok(Frame::data(d))), None], rest: body }.boxed_unsync(),
            Some(Err(next)) => {
                Seen { frames: [data.map(|d| Ok(Frame::data(d))), Some(next)], rest: body }.boxed_unsync()
            }
            None => Seen { frames: [data.map(|d| Ok(Frame::data(d))), None], rest: body }.boxed_unsync(),
        };
        http::Response::from_parts(head, body)
    }
}

fn known(data: Bytes) -> WasiBody {
    Full::new(data).map_err(|never| match never {}).boxed_unsync()
}

impl Body for GuestBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Some(guest) = &mut self.guest
            && let Poll::Ready(result) = Pin::new(guest).poll(cx)
        {
            self.guest = None;
            if result.is_err() {
                // What was sent can't be taken back; the client learns that it
                // is not all.
                return Poll::Ready(Some(Err(Error::HttpResponseIncomplete)));
            }
        }
        if self.ended {
            return Poll::Ready(None);
        }
        let frame = Pin::new(&mut self.inner).poll_frame(cx);
        match &frame {
            Poll::Ready(Some(Ok(_))) => {
                if let Some(guest) = &self.guest {
                    if guest.cut.load(Ordering::Relaxed) {
                        self.guest = None;
                        return Poll::Ready(Some(Err(Error::HttpResponseIncomplete)));
                    }
                    // A stream that moves on lives on.
                    guest.deadline.extend(guest.component.spec.limits.stream);
                }
            }
            Poll::Ready(None) => self.ended = true,
            _ => {}
        }
        frame
    }
}

impl Drop for GuestBody {
    fn drop(&mut self) {
        // The response is over or its client has gone; the guest may finish
        // what it does, within its time.
        if let Some(guest) = self.guest.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            guest.deadline.extend(guest.component.spec.limits.time);
            runtime.spawn(guest);
        }
    }
}

/// Frames that were read ahead, then the rest.
struct Seen {
    frames: [Option<Result<Frame<Bytes>, Error>>; 2],
    rest: GuestBody,
}

impl Body for Seen {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        for frame in &mut self.frames {
            if let Some(frame) = frame.take() {
                return Poll::Ready(Some(frame));
            }
        }
        Pin::new(&mut self.rest).poll_frame(cx)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
