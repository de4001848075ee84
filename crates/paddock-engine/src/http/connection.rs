//! One connection in one task: which protocol it speaks, then its requests.
//!
//! Timeouts cost a request nothing: a sweep once a second looks at what every
//! connection has done, and gives orders that its task finds when woken.

use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::task::AtomicWaker;
use http::HeaderValue;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::respond::respond;
use super::server::{ServerOptions, Shared};
use super::tls::Tls;

/// Up to so many bytes, the parts of a write cost the kernel less as one piece.
const TOGETHER: usize = 1024;

const GO_ON: u8 = 0;
/// Finish what has begun, then close.
pub(super) const FINISH: u8 = 1;
/// Close at once.
pub(super) const ABORT: u8 = 2;

/// What the rest of the server knows of a connection.
pub(super) struct Connection {
    pub scheme: &'static str,
    /// As a header tells it.
    pub client_text: HeaderValue,
    pub local: SocketAddr,
    active: AtomicUsize,
    served: AtomicU64,
    /// Whether bytes came in since the last request ended.
    stirred: AtomicBool,
    /// Whether a write waits for the client to read.
    blocked: AtomicBool,
    /// Writes that went through.
    written: AtomicU64,
    is_http2: AtomicBool,
    order: AtomicU8,
    waker: AtomicWaker,
}

/// What the sweep remembers of a connection.
#[derive(Clone, Copy, Default)]
pub(super) struct Sighting {
    served: u64,
    /// Sweeps since it was seen at work.
    idle: u32,
    /// Sweeps since a request's head began to arrive.
    reading: u32,
    written: u64,
    /// Sweeps since the client stopped reading what is written.
    stuck: u32,
}

/// A request at work on a connection.
pub struct Busy(Arc<Connection>);

impl Connection {
    pub fn new(scheme: &'static str, client: SocketAddr, local: SocketAddr) -> Arc<Self> {
        let text = HeaderValue::from_str(&client.to_string());
        Arc::new(Self {
            scheme,
            client_text: text.unwrap_or(HeaderValue::from_static("")),
            local,
            active: AtomicUsize::new(0),
            served: AtomicU64::new(0),
            stirred: AtomicBool::new(false),
            blocked: AtomicBool::new(false),
            written: AtomicU64::new(0),
            is_http2: AtomicBool::new(false),
            order: AtomicU8::new(GO_ON),
            waker: AtomicWaker::new(),
        })
    }

    pub fn busy(self: &Arc<Self>) -> Busy {
        self.active.fetch_add(1, Ordering::Relaxed);
        Busy(Arc::clone(self))
    }

    pub fn is_active(&self) -> bool {
        self.active.load(Ordering::Relaxed) > 0
    }

    /// Whether it can be told to end without a race: HTTP/2 can, while an
    /// HTTP/1 client may send its next request just when its connection closes.
    pub fn is_http2(&self) -> bool {
        self.is_http2.load(Ordering::Relaxed)
    }

    /// Orders only get stricter.
    pub fn order(&self, order: u8) {
        if self.order.fetch_max(order, Ordering::SeqCst) < order {
            self.waker.wake();
        }
    }

    /// One look a second at what has happened since the last.
    pub fn sweep(&self, sighting: &mut Sighting, options: &ServerOptions) {
        let over = |sweeps: u32, limit: Duration| u64::from(sweeps) > limit.as_secs().max(1);
        let written = self.written.load(Ordering::Relaxed);
        let waits = self.blocked.load(Ordering::Relaxed) && written == sighting.written;
        let stuck = if waits { sighting.stuck + 1 } else { 0 };
        (sighting.written, sighting.stuck) = (written, stuck);
        // A client that reads nothing would hold its instance for ever: while
        // the socket is full, nobody polls the body and its deadline.
        if over(stuck, options.idle_timeout) {
            return self.order(ABORT);
        }
        let served = self.served.load(Ordering::Relaxed);
        if self.is_active() || served != sighting.served {
            *sighting = Sighting { served, written, stuck, ..Sighting::default() };
            return;
        }
        sighting.idle += 1;
        if self.stirred.load(Ordering::Relaxed) {
            sighting.reading += 1;
        }
        if over(sighting.reading, options.header_timeout) {
            // Of HTTP/2 it may have been frames that belong to no request, as most clients
            // send some after a response: they are told first.
            let told = !self.is_http2() || over(sighting.reading, 2 * options.header_timeout);
            self.order(if told { ABORT } else { FINISH });
        } else if over(sighting.idle, options.idle_timeout) {
            self.order(FINISH);
            // What does not even finish an idle connection is not waited for.
            if over(sighting.idle, options.idle_timeout + options.header_timeout) {
                self.order(ABORT);
            }
        }
    }

    /// Runs until done, or until any order comes.
    async fn unless_ordered<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        std::future::poll_fn(|cx| {
            self.waker.register(cx.waker());
            if self.order.load(Ordering::SeqCst) != GO_ON {
                return Poll::Ready(None);
            }
            work.as_mut().poll(cx).map(Some)
        })
        .await
    }

    /// Drives a protocol's connection and tells it of orders.
    async fn drive<C: Protocol>(&self, protocol: C) {
        let mut protocol = pin!(protocol);
        let mut told = false;
        std::future::poll_fn(|cx| {
            self.waker.register(cx.waker());
            loop {
                // Requests that have arrived are taken before an order is.
                if protocol.as_mut().poll_done(cx).is_ready() {
                    return Poll::Ready(());
                }
                match self.order.load(Ordering::SeqCst) {
                    ABORT => return Poll::Ready(()),
                    FINISH if !told => {
                        told = true;
                        protocol.as_mut().finish();
                    }
                    _ => return Poll::Pending,
                }
            }
        })
        .await;
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.served.fetch_add(1, Ordering::Relaxed);
        self.0.stirred.store(false, Ordering::Relaxed);
        self.0.active.fetch_sub(1, Ordering::Relaxed);
    }
}

trait Protocol {
    fn poll_done(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()>;
    fn finish(self: Pin<&mut Self>);
}

macro_rules! protocol {
    ($type:ty) => {
        impl<I, S, B> Protocol for $type
        where
            Self: Future<Output = hyper::Result<()>>,
            S: hyper::service::HttpService<hyper::body::Incoming, ResBody = B>,
            S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
            I: Read + Write + Unpin + 'static,
            B: http_body::Body + 'static,
            B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
            TokioExecutor: hyper::rt::bounds::Http2ServerConnExec<S::Future, B>,
        {
            fn poll_done(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
                self.poll(cx).map(|_| ())
            }

            fn finish(self: Pin<&mut Self>) {
                self.graceful_shutdown();
            }
        }
    };
}

protocol!(http1::Connection<I, S>);
protocol!(http2::Connection<I, S, TokioExecutor>);

/// Takes note of bytes that come and go.
struct Watched<S> {
    inner: TokioIo<S>,
    connection: Arc<Connection>,
}

impl<S: AsyncRead + Unpin> Read for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, cursor: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.inner).poll_read(cx, cursor);
        if done.is_ready() {
            self.connection.stirred.store(true, Ordering::Relaxed);
        }
        done
    }
}

impl<S> Watched<S> {
    fn wrote(&self, done: &Poll<io::Result<usize>>) {
        self.connection.blocked.store(done.is_pending(), Ordering::Relaxed);
        if done.is_ready() {
            self.connection.written.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl<S: AsyncWrite + Unpin> Write for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.wrote(&done);
        done
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let done = match together(parts, &mut [0; TOGETHER]) {
            Some(bytes) => Pin::new(&mut self.inner).poll_write(cx, bytes),
            None => Pin::new(&mut self.inner).poll_write_vectored(cx, parts),
        };
        self.wrote(&done);
        done
    }
}

/// The parts as one piece, where they fit into `place`.
fn together<'p>(parts: &[io::IoSlice<'_>], place: &'p mut [u8]) -> Option<&'p [u8]> {
    let length = parts.iter().map(|part| part.len()).sum();
    let whole = place.get_mut(..length)?;
    let mut rest = &mut *whole;
    for part in parts {
        let (start, after) = rest.split_at_mut(part.len());
        start.copy_from_slice(part);
        rest = after;
    }
    Some(whole)
}

/// Serves a connection to its end.
pub(super) async fn serve(shared: Arc<Shared>, connection: Arc<Connection>, stream: TcpStream, tls: Option<Arc<Tls>>) {
    let _ = stream.set_nodelay(true);
    let patience = shared.options.header_timeout;
    if let Some(tls) = tls {
        let handshake = tokio::time::timeout(patience, tls.acceptor().accept(stream));
        let Some(Ok(Ok(stream))) = connection.unless_ordered(handshake).await else { return };
        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        speak(shared, connection, stream, http2).await;
    } else {
        // A new connection says nothing for as long as an idle one may.
        let first = tokio::time::timeout(patience, speaks_http2(&stream));
        let Some(Ok(Ok(http2))) = connection.unless_ordered(first).await else { return };
        speak(shared, connection, stream, http2).await;
    }
}

/// Whether the client begins with HTTP/2's preface; nothing is consumed.
async fn speaks_http2(stream: &TcpStream) -> io::Result<bool> {
    let mut start = [0; 4];
    let mut pause = Duration::from_millis(5);
    loop {
        let seen = stream.peek(&mut start).await?;
        let start = start.get(..seen).unwrap_or_default();
        if seen == 4 || !b"PRI ".starts_with(start) || start.is_empty() {
            return Ok(start == b"PRI ");
        }
        // The rest of four bytes comes soon; who keeps it back is looked at ever less often.
        tokio::time::sleep(pause).await;
        pause = (2 * pause).min(Duration::from_secs(1));
    }
}

async fn speak<S>(shared: Arc<Shared>, connection: Arc<Connection>, stream: S, is_http2: bool)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let io = Watched { inner: TokioIo::new(stream), connection: Arc::clone(&connection) };
    let told = Arc::clone(&connection);
    let options = shared.options.clone();
    let service = service_fn(move |request| respond(Arc::clone(&shared), Arc::clone(&told), request));
    if is_http2 {
        connection.is_http2.store(true, Ordering::Relaxed);
        connection.drive(http2_builder(&options).serve_connection(io, service)).await;
    } else {
        let mut builder = http1::Builder::new();
        builder.header_read_timeout(None).max_header_size(options.max_header_bytes).max_headers(options.max_headers);
        connection.drive(builder.serve_connection(io, service)).await;
    }
}

fn http2_builder(options: &ServerOptions) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(options.http2_streams)
        .max_pending_accept_reset_streams(options.http2_resets)
        .max_local_error_reset_streams(options.http2_resets)
        .max_header_list_size(u32::try_from(options.max_header_bytes).unwrap_or(u32::MAX))
        .max_send_buf_size(256 << 10)
        .initial_stream_window_size(256 << 10)
        .initial_connection_window_size(1 << 20)
        .keep_alive_interval(Some(Duration::from_secs(20)))
        .keep_alive_timeout(Duration::from_secs(20));
    builder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_write_become_one_where_there_is_room() {
        let parts = [&b"head"[..], b"", b"body"].map(io::IoSlice::new);
        assert_eq!(together(&parts, &mut [0; 9]), Some(&b"headbody"[..]));
        assert_eq!(together(&parts, &mut [0; 8]), Some(&b"headbody"[..]));
        assert_eq!(together(&parts, &mut [0; 7]), None);
        assert_eq!(together(&[], &mut []), Some(&b""[..]));
    }

    #[test]
    fn an_idle_http2_connection_whose_client_sent_a_frame_is_told_before_it_is_cut_off() {
        let local = SocketAddr::from(([127, 0, 0, 1], 80));
        let options = ServerOptions { header_timeout: Duration::from_secs(2), ..ServerOptions::default() };
        for (is_http2, expected) in [(true, [GO_ON, FINISH, ABORT]), (false, [GO_ON, ABORT, ABORT])] {
            let connection = Connection::new("http", local, local);
            connection.is_http2.store(is_http2, Ordering::Relaxed);
            drop(connection.busy());
            connection.stirred.store(true, Ordering::Relaxed);
            let mut sighting = Sighting::default();
            let mut sweeps = |count: usize| {
                (0..count).for_each(|_| connection.sweep(&mut sighting, &options));
                connection.order.load(Ordering::SeqCst)
            };
            assert_eq!([sweeps(3), sweeps(1), sweeps(2)], expected);
        }
    }
}
