//! Streams that the host side produces, read by a WASI 0.3 guest at its own pace.

use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::channel::oneshot;
use futures::future::BoxFuture;
use wasmtime::StoreContextMut;
use wasmtime::component::{
    ComponentType, Destination, FutureProducer, FutureReader, Lift, Lower, StreamProducer, StreamReader, StreamResult,
    VecBuffer,
};

use super::typed::{FromValue, Returned, Store, trap, unexpected};
use crate::hostcall::CallError;
use crate::state::State;
use crate::value::{HostStream, Streamed, Value};

/// The future after a stream: how it ended.
pub type Ended<E> = FutureReader<Result<(), E>>;

/// What `tuple<stream<T>, future<result<_, E>>>` stands for as a function's
/// whole result: an error of the call itself is the stream's end.
pub struct Rows<T, E>(PhantomData<(T, E)>);

impl<T, E> Returned for Rows<T, E>
where
    T: FromValue + ComponentType + Lower + Lift + Send + Sync + 'static,
    E: FromValue + ComponentType + Lower + Lift + Send + Sync + 'static,
{
    type Wire = ((StreamReader<T>, Ended<E>),);

    fn from_outcome(outcome: Result<Value, CallError>, store: &mut Store<'_>) -> wasmtime::Result<Self::Wire> {
        let value = match outcome {
            Ok(value) => value,
            Err(CallError::Err(error)) => {
                let items = Box::new(Failed(Some(CallError::Err(error))));
                Value::Stream(Streamed { head: None, items })
            }
            Err(error) => return Err(trap(error)),
        };
        Ok((FromValue::from_value(value, store)?,))
    }
}

/// A stream that fails with its first item.
struct Failed(Option<CallError>);

impl HostStream for Failed {
    fn poll_next(&mut self, _: &mut Context<'_>) -> Poll<Result<Vec<Value>, CallError>> {
        Poll::Ready(self.0.take().map_or(Ok(Vec::new()), Err))
    }
}

/// A stream that is there already.
struct Whole(Option<Value>);

impl HostStream for Whole {
    fn poll_next(&mut self, _: &mut Context<'_>) -> Poll<Result<Vec<Value>, CallError>> {
        Poll::Ready(Ok(self.0.take().into_iter().collect()))
    }
}

type Done = oneshot::Sender<Result<Value, CallError>>;

/// The parts of a stream where a tuple of `count` is wanted: its items and its
/// end, with a head before them where there are three.
pub fn parts(stream: Streamed, count: usize) -> wasmtime::Result<Vec<Value>> {
    let (done, end) = oneshot::channel();
    let items = Box::new(Ending { items: stream.items, done: Some(done) });
    let end: BoxFuture<'static, _> = Box::pin(async move {
        // The guest let go of the stream before its end: that is no failure.
        end.await.unwrap_or(Ok(Value::None))
    });
    let pair = [Value::Stream(Streamed { head: None, items }), Value::Future(end)];
    match (stream.head, count) {
        (None, 2) => Ok(pair.into()),
        (Some(head), 3) => Ok([*head].into_iter().chain(pair).collect()),
        (None, _) => Err(wasmtime::format_err!("the host answered with a stream that lacks its head")),
        (Some(_), _) => Err(wasmtime::format_err!("the host answered with a stream that has a head too many")),
    }
}

/// Tells the future how the items ended.
struct Ending {
    items: Box<dyn HostStream>,
    done: Option<Done>,
}

impl HostStream for Ending {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Vec<Value>, CallError>> {
        let end = match self.items.poll_next(cx) {
            Poll::Ready(Ok(items)) if items.is_empty() => Ok(Value::None),
            Poll::Ready(Err(error)) => Err(error),
            going_on => return going_on,
        };
        if let Some(done) = self.done.take() {
            let _ = done.send(end);
        }
        Poll::Ready(Ok(Vec::new()))
    }
}

struct Producer<T> {
    source: Option<Box<dyn HostStream>>,
    item: PhantomData<fn() -> T>,
}

impl<T> StreamProducer<State> for Producer<T>
where
    T: FromValue + Lower + Send + Sync + 'static,
{
    type Item = T;
    type Buffer = VecBuffer<T>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut store: StoreContextMut<'a, State>,
        mut destination: Destination<'a, T, VecBuffer<T>>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let wanted = destination.remaining(&mut store);
        let Some(source) = &mut self.source else { return Poll::Ready(Ok(StreamResult::Dropped)) };
        if wanted == Some(0) {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        let mut items = Vec::new();
        while items.is_empty() {
            let values = match source.poll_next(cx) {
                Poll::Pending if finish => return Poll::Ready(Ok(StreamResult::Cancelled)),
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(values)) => values,
                // Without a future there is nothing by which a guest could tell
                // a stream that broke off from one that ended.
                Poll::Ready(Err(error)) => return Poll::Ready(Err(trap(error))),
            };
            if values.is_empty() {
                self.source = None;
                return Poll::Ready(Ok(StreamResult::Dropped));
            }
            for value in values {
                T::item(value, &mut items, &mut store)?;
            }
        }
        destination.set_buffer(items.into());
        Poll::Ready(Ok(StreamResult::Completed))
    }
}

impl<T> FromValue for StreamReader<T>
where
    T: FromValue + Lower + Lift + Send + Sync + 'static,
{
    fn from_value(value: Value, store: &mut Store<'_>) -> wasmtime::Result<Self> {
        let source: Box<dyn HostStream> = match value {
            Value::Stream(stream) => stream.items,
            Value::Bytes(_) => Box::new(Whole(Some(value))),
            other => return Err(unexpected("a stream", &other)),
        };
        StreamReader::new(store, Producer::<T> { source: Some(source), item: PhantomData })
    }
}

struct End<E> {
    end: BoxFuture<'static, Result<Value, CallError>>,
    error: PhantomData<fn() -> E>,
}

impl<E> FutureProducer<State> for End<E>
where
    E: FromValue + Lower + Send + Sync + 'static,
{
    type Item = Result<(), E>;

    fn poll_produce(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut store: StoreContextMut<State>,
        finish: bool,
    ) -> Poll<wasmtime::Result<Option<Self::Item>>> {
        match self.end.as_mut().poll(cx) {
            Poll::Pending if finish => Poll::Ready(Ok(None)),
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(_)) => Poll::Ready(Ok(Some(Ok(())))),
            Poll::Ready(Err(CallError::Err(error))) => {
                Poll::Ready(E::from_value(error, &mut store).map(|error| Some(Err(error))))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(trap(error))),
        }
    }
}

impl<E> FromValue for Ended<E>
where
    E: FromValue + Lower + Lift + Send + Sync + 'static,
{
    fn from_value(value: Value, store: &mut Store<'_>) -> wasmtime::Result<Self> {
        let Value::Future(end) = value else { return Err(unexpected("a future", &value)) };
        FutureReader::new(store, End::<E> { end, error: PhantomData })
    }
}
