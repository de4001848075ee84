//! A program's stdout as chunks for the response; a full one makes it wait.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::future::BoxFuture;
use tokio::io::AsyncWrite;
use tokio::sync::mpsc;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

/// Chunks under way, and the bytes that one may have.
const CHUNKS: usize = 4;
const CHUNK: usize = 64 << 10;

#[derive(Clone)]
pub struct Pipe {
    sender: mpsc::Sender<Bytes>,
    /// A write of the asynchronous kind that waits for room.
    waiting: Arc<Mutex<Option<Reserving>>>,
}

type Reserving = BoxFuture<'static, Result<mpsc::OwnedPermit<Bytes>, mpsc::error::SendError<()>>>;

impl Pipe {
    pub fn new() -> (Self, mpsc::Receiver<Bytes>) {
        let (sender, receiver) = mpsc::channel(CHUNKS);
        (Self { sender, waiting: Arc::default() }, receiver)
    }
}

impl IsTerminal for Pipe {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Pipe {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Pipe {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        if bytes.len() > CHUNK {
            return Err(StreamError::trap("more was written than check-write permitted"));
        }
        self.sender.try_send(bytes).map_err(|error| match error {
            mpsc::error::TrySendError::Closed(_) => StreamError::Closed,
            mpsc::error::TrySendError::Full(_) => StreamError::trap("a write without permission"),
        })
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        if self.sender.is_closed() {
            return Err(StreamError::Closed);
        }
        Ok(if self.sender.capacity() > 0 { CHUNK } else { 0 })
    }
}

#[async_trait]
impl Pollable for Pipe {
    async fn ready(&mut self) {
        // Room, or nobody who reads: either ends the waiting.
        drop(self.sender.reserve().await);
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let reserving = waiting.get_or_insert_with(|| Box::pin(self.sender.clone().reserve_owned()));
        let reserved = std::task::ready!(reserving.as_mut().poll(cx));
        *waiting = None;
        let permit = reserved.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        let length = bytes.len().min(CHUNK);
        permit.send(Bytes::copy_from_slice(bytes.get(..length).unwrap_or(bytes)));
        Poll::Ready(Ok(length))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_taken_than_was_permitted() {
        let (mut pipe, _receiver) = Pipe::new();
        assert!(matches!(pipe.write(Bytes::from(vec![0; CHUNK + 1])), Err(StreamError::Trap(_))));
        assert!(pipe.write(Bytes::from(vec![0; CHUNK])).is_ok());
    }
}
