//! A guest's output as log lines.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use crate::events::{Event, EventKind, Events, Output};

/// A line longer than this is cut into several.
const LONGEST: usize = 8 << 10;

/// Collects bytes into lines and emits each with the component's name.
#[derive(Clone)]
pub struct LineLog(Arc<Inner>);

struct Inner {
    events: Arc<dyn Events>,
    application: Arc<str>,
    component: Arc<str>,
    instance: u64,
    output: Output,
    partial: Mutex<Vec<u8>>,
}

impl LineLog {
    pub fn new(
        events: Arc<dyn Events>,
        application: Arc<str>,
        component: Arc<str>,
        instance: u64,
        output: Output,
    ) -> Self {
        Self(Arc::new(Inner { events, application, component, instance, output, partial: Mutex::default() }))
    }
}

impl Inner {
    fn push(&self, bytes: &[u8]) {
        let mut partial = self.partial.lock().unwrap_or_else(PoisonError::into_inner);
        for piece in bytes.split_inclusive(|&b| b == b'\n') {
            partial.extend_from_slice(piece);
            if piece.ends_with(b"\n") || partial.len() >= LONGEST {
                self.emit(&partial);
                partial.clear();
            }
        }
    }

    fn emit(&self, line: &[u8]) {
        self.events.emit(Event {
            application: self.application.to_string(),
            component: self.component.to_string(),
            instance: self.instance,
            kind: EventKind::Line {
                output: self.output,
                text: String::from_utf8_lossy(line).trim_end_matches(['\n', '\r']).to_string(),
            },
        });
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let partial = std::mem::take(self.partial.get_mut().unwrap_or_else(PoisonError::into_inner));
        if !partial.is_empty() {
            self.emit(&partial);
        }
    }
}

impl IsTerminal for LineLog {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LineLog {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for LineLog {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.0.push(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 << 10)
    }
}

#[async_trait]
impl Pollable for LineLog {
    async fn ready(&mut self) {}
}

impl AsyncWrite for LineLog {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.push(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
