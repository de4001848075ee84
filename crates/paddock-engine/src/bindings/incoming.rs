//! Bytes that a guest writes into a `stream<u8>`, read by the host side.
//!
//! A bounded buffer lies between the two: a reader that is slow makes the guest
//! wait with its next write.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use wasmtime::StoreContextMut;
use wasmtime::component::{Source, StreamConsumer, StreamReader, StreamResult};

use super::typed::{Store, ToValue};
use super::wasi_io::CHUNK;
use crate::state::State;
use crate::value::Value;

#[derive(Default)]
struct Pipe {
    buffer: Vec<u8>,
    /// The guest writes no more.
    ended: bool,
    /// Nobody reads any more.
    left: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

type Shared = Arc<Mutex<Pipe>>;

fn lock(shared: &Shared) -> MutexGuard<'_, Pipe> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// The reading end, for one reader.
pub struct Incoming(Shared);

impl Incoming {
    /// The next bytes, at most 64 KiB; None when the guest has closed the stream.
    pub fn next(&self) -> impl Future<Output = Option<Vec<u8>>> + Send + use<> {
        let shared = Arc::clone(&self.0);
        std::future::poll_fn(move |cx| {
            let mut pipe = lock(&shared);
            if pipe.buffer.is_empty() {
                if pipe.ended {
                    return Poll::Ready(None);
                }
                pipe.reader = Some(cx.waker().clone());
                return Poll::Pending;
            }
            let bytes = std::mem::take(&mut pipe.buffer);
            let writer = pipe.writer.take();
            drop(pipe);
            wake(writer);
            Poll::Ready(Some(bytes))
        })
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        let writer = {
            let mut pipe = lock(&self.0);
            pipe.left = true;
            pipe.writer.take()
        };
        wake(writer);
    }
}

/// The end that the runtime feeds; it is dropped when the guest closes its own.
struct Consumer(Shared);

impl Drop for Consumer {
    fn drop(&mut self) {
        let reader = {
            let mut pipe = lock(&self.0);
            pipe.ended = true;
            pipe.reader.take()
        };
        wake(reader);
    }
}

impl StreamConsumer<State> for Consumer {
    type Item = u8;

    fn poll_consume(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        store: StoreContextMut<State>,
        source: Source<'_, u8>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let mut pipe = lock(&self.0);
        if pipe.left {
            return Poll::Ready(Ok(StreamResult::Dropped));
        }
        let room = CHUNK.saturating_sub(pipe.buffer.len());
        if room == 0 {
            if finish {
                return Poll::Ready(Ok(StreamResult::Cancelled));
            }
            pipe.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let mut source = source.as_direct(store);
        let bytes = source.remaining();
        let taken = bytes.get(..room).unwrap_or(bytes);
        pipe.buffer.extend_from_slice(taken);
        let (count, reader) = (taken.len(), pipe.reader.take());
        drop(pipe);
        source.mark_read(count);
        wake(reader);
        Poll::Ready(Ok(StreamResult::Completed))
    }
}

impl ToValue for StreamReader<u8> {
    fn to_value(self, store: &mut Store<'_>) -> wasmtime::Result<Value> {
        let shared = Shared::default();
        self.pipe(store, Consumer(Arc::clone(&shared)))?;
        Ok(Value::Incoming(Incoming(shared)))
    }
}
