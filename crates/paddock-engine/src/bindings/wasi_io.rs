//! `wasi:io` streams of which the other end is the host side's: bytes that it
//! makes for an `input-stream`, and a sink for an `output-stream`.
//!
//! Neither blocks a thread: a guest that has to wait does so in `ready`.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use wasmtime::component::Resource;
use wasmtime_wasi_io::async_trait;
use wasmtime_wasi_io::poll::Pollable;
use wasmtime_wasi_io::streams::{
    DynInputStream, DynOutputStream, InputStream, OutputStream, StreamError, StreamResult,
};

use super::typed::{FromValue, Store, unexpected};
use crate::hostcall::{CallError, Reply};
use crate::value::{HostSink, HostStream, Value};

/// Bytes that lie between a guest and the host side at most, unless the host
/// side makes larger pieces.
pub const CHUNK: usize = 64 << 10;

/// What a guest may see of a failure: the interface's own text, or none.
fn failure(error: CallError) -> wasmtime::Error {
    match error {
        CallError::Err(Value::Text(text)) => wasmtime::Error::msg(text),
        CallError::Err(_) => wasmtime::Error::msg("the operation failed"),
        CallError::Trap(text) => wasmtime::Error::msg(text),
    }
}

/// What a guest reads.
#[derive(Default)]
struct Reader {
    source: Option<Box<dyn HostStream>>,
    ready: VecDeque<Bytes>,
    failed: Option<wasmtime::Error>,
}

impl Reader {
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.ready.is_empty() {
            let Some(source) = &mut self.source else { return Poll::Ready(()) };
            match source.poll_next(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(items)) if items.is_empty() => self.source = None,
                Poll::Ready(Ok(items)) => items.into_iter().for_each(|item| self.take(item)),
                Poll::Ready(Err(error)) => self.fail(failure(error)),
            }
        }
        Poll::Ready(())
    }

    fn take(&mut self, item: Value) {
        match item {
            Value::Bytes(bytes) if bytes.is_empty() => {}
            Value::Bytes(bytes) => self.ready.push_back(bytes.into()),
            other => self.fail(unexpected("bytes", &other)),
        }
    }

    fn fail(&mut self, error: wasmtime::Error) {
        self.failed.get_or_insert(error);
        self.source = None;
    }
}

#[async_trait]
impl Pollable for Reader {
    async fn ready(&mut self) {
        std::future::poll_fn(|cx| self.poll_fill(cx)).await;
    }
}

#[async_trait]
impl InputStream for Reader {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        // Whoever waits registers anew in `ready`.
        let _ = self.poll_fill(&mut Context::from_waker(Waker::noop()));
        let Some(chunk) = self.ready.front_mut() else {
            return match (self.failed.take(), &self.source) {
                (Some(error), _) => Err(StreamError::LastOperationFailed(error)),
                (None, None) => Err(StreamError::Closed),
                (None, Some(_)) => Ok(Bytes::new()),
            };
        };
        let bytes = chunk.split_to(size.min(chunk.len()));
        if chunk.is_empty() {
            self.ready.pop_front();
        }
        Ok(bytes)
    }
}

type Running = BoxFuture<'static, Result<Value, CallError>>;

/// What a guest writes to. One call of the sink is under way at a time; what is
/// written meanwhile is the next.
struct Writer {
    sink: Arc<dyn HostSink>,
    waiting: BytesMut,
    running: Option<Running>,
    /// The guest has flushed: it may go on when all is written.
    flushing: bool,
    failed: Option<wasmtime::Error>,
    /// No more writes: one failed.
    broken: bool,
    closed: bool,
}

impl Writer {
    fn new(sink: Arc<dyn HostSink>) -> Self {
        Self {
            sink,
            waiting: BytesMut::new(),
            running: None,
            flushing: false,
            failed: None,
            broken: false,
            closed: false,
        }
    }

    fn done(&mut self, outcome: Result<Value, CallError>) {
        if let Err(error) = outcome {
            self.failed = Some(failure(error));
            self.broken = true;
            self.waiting.clear();
        }
    }

    /// Ready when all that was written has reached the sink, or has failed.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if let Some(running) = &mut self.running {
                let Poll::Ready(outcome) = running.as_mut().poll(cx) else { return Poll::Pending };
                self.running = None;
                self.done(outcome);
            }
            if self.waiting.is_empty() {
                self.flushing = false;
                return Poll::Ready(());
            }
            match self.sink.write(self.waiting.split().into()) {
                Reply::Ready(outcome) => self.done(outcome),
                Reply::Later(running) => self.running = Some(running),
            }
        }
    }

    /// Goes on as far as it can without waiting.
    fn advance(&mut self) {
        let _ = self.poll_drain(&mut Context::from_waker(Waker::noop()));
    }

    fn check(&mut self) -> StreamResult<()> {
        match self.failed.take() {
            Some(error) => Err(StreamError::LastOperationFailed(error)),
            None if self.broken => Err(StreamError::Closed),
            None => Ok(()),
        }
    }

    fn room(&self) -> usize {
        if self.flushing { 0 } else { CHUNK.saturating_sub(self.waiting.len()) }
    }
}

#[async_trait]
impl Pollable for Writer {
    async fn ready(&mut self) {
        std::future::poll_fn(|cx| match self.poll_drain(cx) {
            Poll::Pending if self.room() == 0 => Poll::Pending,
            _ => Poll::Ready(()),
        })
        .await;
    }
}

#[async_trait]
impl OutputStream for Writer {
    fn check_write(&mut self) -> StreamResult<usize> {
        self.advance();
        self.check()?;
        Ok(self.room())
    }

    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.check()?;
        if bytes.len() > self.room() {
            return Err(StreamError::trap("more was written than check-write permitted"));
        }
        self.waiting.extend_from_slice(&bytes);
        self.advance();
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.check()?;
        self.flushing = true;
        self.advance();
        Ok(())
    }

    /// The guest lets go: it waits until the sink has everything and is closed,
    /// so that what it does next finds the whole.
    async fn cancel(&mut self) {
        std::future::poll_fn(|cx| self.poll_drain(cx)).await;
        if self.broken {
            return;
        }
        self.closed = true;
        if let Reply::Later(closing) = self.sink.close() {
            // Nobody is left to be told; the host's log has it.
            let _ = closing.await;
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.closed {
            self.sink.dropped();
        }
    }
}

impl FromValue for Resource<DynInputStream> {
    fn from_value(value: Value, store: &mut Store<'_>) -> wasmtime::Result<Self> {
        let mut reader = Reader::default();
        match value {
            Value::Stream(stream) => reader.source = Some(stream.items),
            Value::Bytes(_) => reader.take(value),
            other => return Err(unexpected("a stream of bytes", &other)),
        }
        Ok(store.data_mut().table.push(Box::new(reader) as DynInputStream)?)
    }
}

impl FromValue for Resource<DynOutputStream> {
    fn from_value(value: Value, store: &mut Store<'_>) -> wasmtime::Result<Self> {
        let sink = match &value {
            Value::Object(object) => object.sink(),
            _ => None,
        };
        let Some(sink) = sink else { return Err(unexpected("a sink (write and close)", &value)) };
        Ok(store.data_mut().table.push(Box::new(Writer::new(sink)) as DynOutputStream)?)
    }
}
