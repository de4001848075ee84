//! Bodies between the wire and a guest, both ways as streams.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http::header::{CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TE, TRANSFER_ENCODING, UPGRADE};
use http::{Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper::body::Incoming;
use wasmtime_wasi_http::{Error, WasiBody};

use super::connection::Busy;
use super::respond::Ending;

const HOPS: [HeaderName; 6] = [
    CONNECTION,
    TRANSFER_ENCODING,
    UPGRADE,
    TE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// Removes what concerns one connection only and so is the server's to say.
pub fn without_hops(headers: &mut HeaderMap) {
    for name in &HOPS {
        headers.remove(name);
    }
}

pub fn empty() -> WasiBody {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// An answer of the host's own, without content.
pub fn refusal(status: StatusCode) -> Response<WasiBody> {
    let mut response = Response::new(empty());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    response
}

/// A streamed answer, read by a task of its own.
///
/// An HTTP/2 stream whose client gives no more window is not polled, and with
/// it neither the guest nor its deadline; the task goes on, and after
/// `patience` without a taker it lets go of the guest.
pub fn relayed(mut body: WasiBody, patience: Duration) -> WasiBody {
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let cut = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&cut);
    tokio::spawn(async move {
        loop {
            let frame = tokio::select! {
                () = sender.closed() => return,
                frame = body.frame() => frame,
            };
            let Some(frame) = frame else { return };
            if !matches!(tokio::time::timeout(patience, sender.send(frame)).await, Ok(Ok(()))) {
                told.store(true, Ordering::Relaxed);
                return;
            }
        }
    });
    let frames = futures::stream::unfold(Some((receiver, cut)), |state| async move {
        let (mut receiver, cut) = state?;
        match receiver.recv().await {
            Some(frame) => Some((frame, Some((receiver, cut)))),
            None if cut.load(Ordering::Relaxed) => Some((Err(Error::HttpResponseIncomplete), None)),
            None => None,
        }
    });
    StreamBody::new(frames).boxed_unsync()
}

/// A client's body, not longer than allowed.
struct Limited {
    inner: Incoming,
    left: u64,
    limit: u64,
    over: Arc<AtomicBool>,
}

/// A request's body for a guest, and whether it turned out too long.
pub fn incoming(body: Incoming, limit: u64) -> (WasiBody, Option<Arc<AtomicBool>>) {
    if body.is_end_stream() {
        return (empty(), None);
    }
    if body.size_hint().exact().is_some() {
        // Its length was checked already.
        return (body.map_err(wire).boxed_unsync(), None);
    }
    let over = Arc::new(AtomicBool::new(false));
    let limited = Limited { inner: body, left: limit, limit, over: Arc::clone(&over) };
    (limited.boxed_unsync(), Some(over))
}

fn wire(error: hyper::Error) -> Error {
    if error.is_timeout() { Error::ConnectionReadTimeout } else { Error::ConnectionTerminated }
}

impl Body for Limited {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = Pin::new(&mut self.inner).poll_frame(cx).map_err(wire);
        if let Poll::Ready(Some(Ok(frame))) = &frame
            && let Some(data) = frame.data_ref()
        {
            let length = data.remaining() as u64;
            if length > self.left {
                self.over.store(true, Ordering::Relaxed);
                return Poll::Ready(Some(Err(Error::HttpRequestBodySize(Some(self.limit)))));
            }
            self.left -= length;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// A response's body on its way to the client.
pub struct Outgoing {
    kind: Kind,
    pub(super) ending: Option<Box<Ending>>,
    _busy: Busy,
}

enum Kind {
    Bytes(Bytes),
    Guest(WasiBody),
}

impl Outgoing {
    pub fn bytes(bytes: Bytes, busy: Busy) -> Self {
        Self { kind: Kind::Bytes(bytes), ending: None, _busy: busy }
    }

    pub fn guest(body: WasiBody, busy: Busy) -> Self {
        Self { kind: Kind::Guest(body), ending: None, _busy: busy }
    }

    /// Drops the content: a HEAD request is answered by its headers alone.
    pub fn silence(&mut self) {
        self.kind = Kind::Bytes(Bytes::new());
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = match &mut self.kind {
            Kind::Bytes(bytes) if bytes.is_empty() => Poll::Ready(None),
            Kind::Bytes(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Kind::Guest(body) => Pin::new(body).poll_frame(cx),
        };
        if let Some(ending) = &mut self.ending {
            match &frame {
                Poll::Ready(Some(Ok(frame))) => {
                    ending.sent += frame.data_ref().map_or(0, |data| data.len() as u64);
                    // Where the length is known, nobody asks for the end.
                    ending.complete = ending.expected == Some(ending.sent);
                }
                Poll::Ready(None) => ending.complete = true,
                _ => {}
            }
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Bytes(bytes) => bytes.is_empty(),
            Kind::Guest(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Bytes(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Guest(body) => body.size_hint(),
        }
    }
}
