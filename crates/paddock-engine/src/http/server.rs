//! Listening sockets and what is behind them, from accepting to draining.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::runtime::Handle;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};

use super::connection::{ABORT, Connection, FINISH, Sighting, serve};
use super::generation::{Generation, Retiring};
use super::observer::RequestObserver;
use super::tls::Tls;
use crate::error::{EngineError, ErrorKind, Result};

/// What a server allows its clients.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// For a request's head to arrive whole, for a TLS handshake, and for a new
    /// connection's first bytes.
    pub header_timeout: Duration,
    /// For the next request on a connection.
    pub idle_timeout: Duration,
    /// Of a request's head; more is answered 431.
    pub max_header_bytes: usize,
    pub max_headers: usize,
    /// Of a request's body; more is answered 413.
    pub max_body_bytes: u64,
    /// Beyond it, clients wait in the system's backlog.
    pub max_connections: usize,
    pub http2_streams: u32,
    /// Streams that a client may reset before they are answered.
    pub http2_resets: usize,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(75),
            max_header_bytes: 64 << 10,
            max_headers: 100,
            max_body_bytes: 1 << 30,
            max_connections: 10_000,
            http2_streams: 200,
            http2_resets: 100,
        }
    }
}

pub(super) struct Shared {
    pub generation: ArcSwap<Generation>,
    pub options: ServerOptions,
    pub observer: Option<Arc<dyn RequestObserver>>,
    /// HTTP/1 clients are told to connect anew for their next request.
    pub closing: AtomicBool,
    connections: Mutex<HashMap<u64, Arc<Connection>>>,
    next: AtomicU64,
    fewer: Notify,
    slots: Arc<Semaphore>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Accepting,
    Paused,
    Stopped,
}

/// How a drain ended, in connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Were open when it began.
    pub open: usize,
    /// Had to be cut off at its end.
    pub aborted: usize,
    /// Of those, had a request under way.
    pub unfinished: usize,
}

/// An HTTP server: any number of sockets, one generation at a time.
pub struct Server {
    shared: Arc<Shared>,
    mode: watch::Sender<Mode>,
    runtime: Handle,
}

impl Server {
    /// A server without sockets yet; `first` is committed.
    pub fn new(
        runtime: Handle,
        options: ServerOptions,
        first: Arc<Generation>,
        observer: Option<Arc<dyn RequestObserver>>,
    ) -> Self {
        first.activate();
        let shared = Arc::new(Shared {
            slots: Arc::new(Semaphore::new(options.max_connections.min(Semaphore::MAX_PERMITS))),
            generation: ArcSwap::new(first),
            options,
            observer,
            closing: AtomicBool::new(false),
            connections: Mutex::default(),
            next: AtomicU64::new(0),
            fewer: Notify::new(),
        });
        runtime.spawn(sweep(Arc::downgrade(&shared)));
        Self { shared, mode: watch::Sender::new(Mode::Accepting), runtime }
    }

    /// Serves a socket that listens already; where it listens.
    ///
    /// # Errors
    /// `Host`, when the socket can't be used.
    pub fn listen(&self, listener: TcpListener, tls: Option<Arc<Tls>>) -> Result<SocketAddr> {
        let host = |error: io::Error| EngineError::new(ErrorKind::Host, format!("can't serve the socket: {error}"));
        listener.set_nonblocking(true).map_err(host)?;
        let address = listener.local_addr().map_err(host)?;
        let _entered = self.runtime.enter();
        let listener = tokio::net::TcpListener::from_std(listener).map_err(host)?;
        self.runtime.spawn(accept(Arc::clone(&self.shared), listener, tls, self.mode.subscribe()));
        Ok(address)
    }

    pub fn generation(&self) -> Arc<Generation> {
        self.shared.generation.load_full()
    }

    /// Exchanges what is served, for every request that begins from now on.
    pub fn commit(&self, next: Arc<Generation>) -> Retiring {
        next.activate();
        Retiring::new(self.shared.generation.swap(next))
    }

    /// Accepts no more, for now; sockets stay open, so that clients queue at
    /// them until this or another process accepts.
    pub fn pause(&self) {
        self.mode.send_if_modified(|mode| std::mem::replace(mode, Mode::Paused) != Mode::Paused);
    }

    pub fn resume(&self) {
        self.mode.send_replace(Mode::Accepting);
    }

    /// While set, every connection ends with the request that it carries next,
    /// and none is closed between two: clients connect anew, wherever that
    /// leads. HTTP/2 connections take no new requests at once, and for good.
    pub fn lame_duck(&self, lame: bool) {
        self.shared.closing.store(lame, Ordering::SeqCst);
        if lame {
            self.shared.known().values().filter(|known| known.is_http2()).for_each(|known| known.order(FINISH));
        }
    }

    /// Open connections, and those of them with a request under way.
    pub fn connections(&self) -> (usize, usize) {
        let known = self.shared.known();
        (known.len(), known.values().filter(|connection| connection.is_active()).count())
    }

    /// Closes the sockets and lets what has begun finish.
    ///
    /// Connections between two requests close after `grace`; until then a
    /// request on one is answered and told to close, so that no client sees its
    /// request fail because it crossed with the end. After `time` the rest is
    /// cut off.
    pub async fn drain(&self, time: Duration, grace: Duration) -> Drained {
        let shared = &self.shared;
        self.lame_duck(true);
        self.mode.send_replace(Mode::Stopped);
        let mut drained = Drained { open: shared.known().len(), ..Drained::default() };
        let finished = tokio::time::timeout(time, async {
            let _ = tokio::time::timeout(grace, shared.closed()).await;
            shared.order(FINISH);
            shared.closed().await;
        });
        if finished.await.is_err() {
            let known: Vec<_> = shared.known().values().cloned().collect();
            drained.aborted = known.len();
            drained.unfinished = known.iter().filter(|connection| connection.is_active()).count();
            shared.order(ABORT);
            let _ = tokio::time::timeout(Duration::from_secs(1), shared.closed()).await;
        }
        drained
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.mode.send_replace(Mode::Stopped);
        self.shared.order(ABORT);
    }
}

impl Shared {
    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Arc<Connection>>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn order(&self, order: u8) {
        self.known().values().for_each(|connection| connection.order(order));
    }

    /// Waits until no connection is open.
    async fn closed(&self) {
        loop {
            let changed = self.fewer.notified();
            if self.known().is_empty() {
                return;
            }
            changed.await;
        }
    }
}

/// Forgets a connection however its task ends.
struct Membership {
    shared: Arc<Shared>,
    number: u64,
    _slot: OwnedSemaphorePermit,
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.shared.known().remove(&self.number);
        self.shared.fewer.notify_waiters();
    }
}

async fn accept(
    shared: Arc<Shared>,
    listener: tokio::net::TcpListener,
    tls: Option<Arc<Tls>>,
    mut mode: watch::Receiver<Mode>,
) {
    loop {
        let now = *mode.borrow_and_update();
        let taken = async {
            let slot = Arc::clone(&shared.slots).acquire_owned().await.map_err(io::Error::other)?;
            listener.accept().await.map(|(stream, client)| (stream, client, slot))
        };
        let accepted = tokio::select! {
            changed = mode.changed() => match changed { Ok(()) => continue, Err(_) => return },
            accepted = taken, if now == Mode::Accepting => accepted,
            () = std::future::ready(()), if now == Mode::Stopped => return,
        };
        match accepted {
            Ok((stream, client, slot)) => welcome(&shared, stream, client, slot, tls.clone()),
            // Out of file descriptors, most likely: others will be closed.
            Err(error) if !is_about_one(&error) => tokio::time::sleep(Duration::from_millis(100)).await,
            Err(_) => {}
        }
    }
}

/// Whether only the connection that would have been accepted is concerned.
fn is_about_one(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

fn welcome(
    shared: &Arc<Shared>,
    stream: tokio::net::TcpStream,
    client: SocketAddr,
    slot: OwnedSemaphorePermit,
    tls: Option<Arc<Tls>>,
) {
    let local = stream.local_addr().unwrap_or(client);
    let connection = Connection::new(if tls.is_some() { "https" } else { "http" }, client, local);
    let number = shared.next.fetch_add(1, Ordering::Relaxed);
    shared.known().insert(number, Arc::clone(&connection));
    let membership = Membership { shared: Arc::clone(shared), number, _slot: slot };
    tokio::spawn(async move {
        serve(Arc::clone(&membership.shared), connection, stream, tls).await;
        drop(membership);
    });
}

/// Looks after slow and idle connections, once a second.
async fn sweep(shared: Weak<Shared>) {
    let mut sightings: HashMap<u64, Sighting> = HashMap::new();
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let Some(shared) = shared.upgrade() else { return };
        let known: Vec<_> = shared.known().iter().map(|(number, known)| (*number, Arc::clone(known))).collect();
        let mut seen = HashMap::with_capacity(known.len());
        for (number, connection) in known {
            let mut sighting = sightings.get(&number).copied().unwrap_or_default();
            connection.sweep(&mut sighting, &shared.options);
            seen.insert(number, sighting);
        }
        sightings = seen;
    }
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
