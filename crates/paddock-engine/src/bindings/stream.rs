//! Streams that Python produces, read by a guest at its own pace.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures::channel::oneshot;
use futures::future::BoxFuture;
use wasmtime::StoreContextMut;
use wasmtime::component::{
    ComponentNamedList, ComponentType, Destination, FutureReader, Lift, Lower, StreamProducer, StreamReader,
    StreamResult,
};

use super::typed::{Arguments, FromValue, trap, unexpected};
use super::{Binder, outcome};
use crate::hostcall::CallError;
use crate::state::State;
use crate::value::{HostStream, Value};

impl Binder<'_> {
    /// An `async func` with the result `tuple<stream<T>, future<result<_, E>>>`.
    pub(super) fn streaming_func<P, T, E>(&mut self, name: &str) -> wasmtime::Result<()>
    where
        P: ComponentNamedList + Lift + Arguments + Send + Sync + 'static,
        T: FromValue + ComponentType + Lower + Lift + Send + Sync + 'static,
        E: FromValue + ComponentType + Lower + Lift + Send + Sync + 'static,
    {
        let slot = self.slot(name);
        self.instance.func_wrap_concurrent(name, move |accessor, arguments: P| {
            Box::pin(async move {
                let reply = accessor.with(|mut access| {
                    let state: &mut State = access.data_mut();
                    let arguments = arguments.into_values(state)?;
                    state.call(slot, arguments)
                })?;
                let stream = match outcome(reply).await {
                    Ok(Value::Stream(stream)) => Ok(stream),
                    Ok(other) => return Err(unexpected("a stream", &other)),
                    Err(CallError::Err(error)) => Err(error),
                    Err(error) => return Err(trap(error)),
                };
                accessor.with(|mut access| {
                    let (done, end) = oneshot::channel();
                    let producer = Producer::<T>::new(stream, done);
                    let items = StreamReader::new(&mut access, producer)?;
                    let end = FutureReader::new(&mut access, End::<E> { end, converted: std::marker::PhantomData })?;
                    Ok(((items, end),))
                })
            })
                as Pin<
                    Box<
                        dyn Future<Output = wasmtime::Result<((StreamReader<T>, FutureReader<Result<(), E>>),)>>
                            + Send
                            + '_,
                    >,
                >
        })
    }
}

type Done = oneshot::Sender<Result<(), CallError>>;
type Shared = Arc<Mutex<Box<dyn HostStream>>>;
type Waiting = BoxFuture<'static, Result<Option<Value>, CallError>>;

struct Producer<T> {
    source: Option<Shared>,
    waiting: Option<Waiting>,
    done: Option<Done>,
    item: std::marker::PhantomData<fn() -> T>,
}

impl<T> Producer<T> {
    fn new(stream: Result<Box<dyn HostStream>, Value>, done: Done) -> Self {
        let mut producer = Self { source: None, waiting: None, done: Some(done), item: std::marker::PhantomData };
        match stream {
            Ok(stream) => producer.source = Some(Arc::new(Mutex::new(stream))),
            Err(error) => producer.finish(Err(CallError::Err(error))),
        }
        producer
    }

    fn finish(&mut self, result: Result<(), CallError>) {
        self.source = None;
        if let Some(done) = self.done.take() {
            let _ = done.send(result);
        }
    }

    fn ask(source: &Shared) -> Waiting {
        // One item is asked for at a time, so the lock is never contended.
        let source = Arc::clone(source);
        source.lock().unwrap_or_else(PoisonError::into_inner).next()
    }
}

impl<T> StreamProducer<State> for Producer<T>
where
    T: FromValue + Lower + Send + Sync + 'static,
{
    type Item = T;
    type Buffer = Option<T>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut store: StoreContextMut<'a, State>,
        mut destination: Destination<'a, T, Option<T>>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        if destination.remaining(&mut store) == Some(0) && self.source.is_some() {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        let Some(source) = self.source.clone() else {
            return Poll::Ready(Ok(StreamResult::Dropped));
        };
        let waiting = self.waiting.get_or_insert_with(|| Self::ask(&source));
        let item = match waiting.as_mut().poll(cx) {
            Poll::Pending if finish => return Poll::Ready(Ok(StreamResult::Cancelled)),
            Poll::Pending => return Poll::Pending,
            Poll::Ready(item) => item,
        };
        self.waiting = None;
        match item {
            Ok(Some(item)) => {
                destination.set_buffer(Some(T::from_value(item, store.data_mut())?));
                Poll::Ready(Ok(StreamResult::Completed))
            }
            Ok(None) => {
                self.finish(Ok(()));
                Poll::Ready(Ok(StreamResult::Dropped))
            }
            Err(error) => {
                self.finish(Err(error));
                Poll::Ready(Ok(StreamResult::Dropped))
            }
        }
    }
}

struct End<E> {
    end: oneshot::Receiver<Result<(), CallError>>,
    converted: std::marker::PhantomData<fn() -> E>,
}

impl<E> wasmtime::component::FutureProducer<State> for End<E>
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
        match Pin::new(&mut self.end).poll(cx) {
            Poll::Pending if finish => Poll::Ready(Ok(None)),
            Poll::Pending => Poll::Pending,
            // The guest let go of the stream before its end.
            Poll::Ready(Err(_)) | Poll::Ready(Ok(Ok(()))) => Poll::Ready(Ok(Some(Ok(())))),
            Poll::Ready(Ok(Err(CallError::Err(error)))) => {
                Poll::Ready(E::from_value(error, store.data_mut()).map(|error| Some(Err(error))))
            }
            Poll::Ready(Ok(Err(error))) => Poll::Ready(Err(trap(error))),
        }
    }
}
