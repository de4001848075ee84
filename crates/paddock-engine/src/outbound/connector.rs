//! Outgoing HTTP: pooled connections, made only to addresses that are granted.
//!
//! The address which is really connected to is checked, not the name: a name
//! may resolve to anything, and to something else the next time.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, timeout};
use tokio_rustls::TlsConnector;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

use crate::component::Component;

type Answer = Result<http::Response<WasiBody>, Error>;

/// Requests under way at once, over all applications.
const CONCURRENT: usize = 4096;
/// Idle connections kept for one destination, and for how long.
const KEPT: usize = 32;
const KEEP: Duration = Duration::from_secs(60);
const CONNECT: Duration = Duration::from_secs(30);
/// A guest's own time limit usually ends a wait sooner.
const ANSWER: Duration = Duration::from_secs(600);

static TLS: LazyLock<Arc<rustls::ClientConfig>> = LazyLock::new(|| Arc::new(client_config()));

fn client_config() -> rustls::ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in rustls_native_certs::load_native_certs().certs {
        // A store may hold certificates that can't be used; the others still can.
        let _ = roots.add(certificate);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider);
    let mut config = match builder.with_safe_default_protocol_versions() {
        Ok(builder) => builder.with_root_certificates(roots).with_no_client_auth(),
        // The provider is built with both versions, so this arm is never taken.
        Err(_) => rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

/// Connections are not shared between applications: one could learn of
/// another's traffic from whether a connection is there.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Destination {
    application: Arc<str>,
    tls: bool,
    host: String,
    port: u16,
}

#[derive(Default)]
struct Pool {
    one: Vec<(Instant, SocketAddr, http1::SendRequest<WasiBody>)>,
    two: Option<(SocketAddr, http2::SendRequest<WasiBody>)>,
}

/// Sends requests for all guests of a host.
pub struct Connector {
    pools: Mutex<HashMap<Destination, Pool>>,
    slots: Arc<Semaphore>,
    /// Whether connections are kept for the next request.
    pooling: AtomicBool,
    /// A place for each connection of the host, where they are limited.
    places: Mutex<Option<(usize, Arc<Semaphore>)>>,
    /// How many requests wait for a place.
    waiting: AtomicUsize,
}

/// Held by a connection as long as it is open.
type Place = Option<OwnedSemaphorePermit>;

enum Sender {
    One(http1::SendRequest<WasiBody>),
    Two(http2::SendRequest<WasiBody>),
}

impl Connector {
    #[allow(clippy::new_without_default)]
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            pools: Mutex::default(),
            slots: Arc::new(Semaphore::new(CONCURRENT)),
            pooling: AtomicBool::new(true),
            places: Mutex::default(),
            waiting: AtomicUsize::new(0),
        })
    }

    /// Whether connections are kept, and how many may be open at once; those
    /// that are open stay.
    pub fn configure(&self, pooling: bool, connections: Option<usize>) {
        self.pooling.store(pooling, Ordering::Relaxed);
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if places.as_ref().map(|(most, _)| *most) != connections {
            *places = connections.map(|most| (most, Arc::new(Semaphore::new(most))));
        }
    }

    /// A place for a new connection; where all are taken, an idle one ends.
    async fn place(&self) -> Result<Place, Error> {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some((_, places)) = places else { return Ok(None) };
        if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
            return Ok(Some(place));
        }
        let _waiting = Waiting::new(&self.waiting);
        drop(self.idle());
        places.acquire_owned().await.map(Some).map_err(|_| Error::ConnectionLimitReached)
    }

    /// A connection that nobody uses, out of any pool; HTTP/2 ones may be in use,
    /// and end when they no longer are.
    fn idle(&self) -> Option<Sender> {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        let one = pools.values_mut().find_map(|pool| pool.one.pop());
        if let Some((.., sender)) = one {
            return Some(Sender::One(sender));
        }
        pools.values_mut().find_map(|pool| pool.two.take()).map(|(_, sender)| Sender::Two(sender))
    }

    /// Sends one request whose host has been granted to the component.
    pub async fn send(
        self: Arc<Self>,
        component: &Arc<Component>,
        mut request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
    ) -> Answer {
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| Error::ConnectionLimitReached)?;
        let destination = destination(component, request.uri())?;
        let connect = options.as_ref().and_then(|o| o.connect_timeout).unwrap_or(CONNECT);
        let answer = options.as_ref().and_then(|o| o.first_byte_timeout).unwrap_or(ANSWER);
        let between = options.as_ref().and_then(|o| o.between_bytes_timeout).unwrap_or(ANSWER);
        let absolute = request.uri().clone();
        *request.uri_mut() = origin_form(&absolute);
        while let Some((address, sender)) = self.pooled(&destination).await {
            // A grant may have gone since the connection was made, or be another
            // component's. A shared connection stays in the pool and would be
            // found again and again: connecting says what is not allowed.
            if !allowed(component, &destination, address) {
                match sender {
                    Sender::One(_) => continue,
                    Sender::Two(_) => break,
                }
            }
            match self.exchange(&destination, address, sender, request, &absolute, answer, between).await {
                Ok(response) => return response.map(|response| held(response, slot)),
                // The server closed the idle connection; nothing was sent.
                Err(back) => request = back,
            }
        }
        let (address, sender) =
            timeout(connect, self.connect(component, &destination)).await.map_err(|_| Error::ConnectionTimeout)??;
        match self.exchange(&destination, address, sender, request, &absolute, answer, between).await {
            Ok(response) => response.map(|response| held(response, slot)),
            Err(_) => Err(Error::ConnectionTerminated),
        }
    }

    async fn pooled(&self, destination: &Destination) -> Option<(SocketAddr, Sender)> {
        loop {
            let (address, mut sender) = {
                let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
                let pool = pools.get_mut(destination)?;
                if let Some((address, sender)) = &pool.two {
                    if !sender.is_closed() {
                        return Some((*address, Sender::Two(sender.clone())));
                    }
                    pool.two = None;
                }
                let (since, address, sender) = pool.one.pop()?;
                if since.elapsed() > KEEP || sender.is_closed() {
                    continue;
                }
                (address, sender)
            };
            if matches!(timeout(Duration::from_millis(50), sender.ready()).await, Ok(Ok(()))) {
                return Some((address, Sender::One(sender)));
            }
        }
    }

    /// Err gives the request back: it was not sent and may be tried again.
    #[allow(clippy::too_many_arguments)]
    async fn exchange(
        self: &Arc<Self>,
        destination: &Destination,
        address: SocketAddr,
        sender: Sender,
        mut request: http::Request<WasiBody>,
        absolute: &http::Uri,
        answer: Duration,
        between: Duration,
    ) -> Result<Answer, http::Request<WasiBody>> {
        let (result, again) = match sender {
            Sender::One(mut sender) => match timeout(answer, sender.try_send_request(request)).await {
                Ok(result) => (result, Some(sender)),
                Err(_) => return Ok(Err(Error::ConnectionReadTimeout)),
            },
            Sender::Two(mut sender) => {
                *request.uri_mut() = absolute.clone();
                request.headers_mut().remove(http::header::HOST);
                match timeout(answer, sender.try_send_request(request)).await {
                    Ok(result) => (result, None),
                    Err(_) => return Ok(Err(Error::ConnectionReadTimeout)),
                }
            }
        };
        let response = match result {
            Ok(response) => response,
            Err(mut error) => {
                return match error.take_message() {
                    Some(mut request) => {
                        *request.uri_mut() = origin_form(absolute);
                        Err(request)
                    }
                    None => Ok(Err(Error::Hyper(error.into_error()))),
                };
            }
        };
        let back = again.map(|sender| (Arc::clone(self), destination.clone(), address, sender));
        Ok(Ok(response.map(|inner| Incoming { inner, between, timer: None, back }.boxed_unsync())))
    }

    async fn connect(
        self: &Arc<Self>,
        component: &Arc<Component>,
        destination: &Destination,
    ) -> Result<(SocketAddr, Sender), Error> {
        let place = self.place().await?;
        let (address, stream) = dial(component, destination).await?;
        let _ = stream.set_nodelay(true);
        if !destination.tls {
            return Ok((address, Sender::One(handshake_one(stream, place).await?)));
        }
        let name = ServerName::try_from(destination.host.clone())
            .map_err(|_| Error::DnsError { rcode: Some("invalid dns name".into()), info_code: None })?;
        let stream = TlsConnector::from(Arc::clone(&TLS)).connect(name, stream).await.map_err(Error::Tls)?;
        if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
            return Ok((address, Sender::One(handshake_one(stream, place).await?)));
        }
        let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        tokio::spawn(open(connection, place));
        if !self.pooling.load(Ordering::Relaxed) {
            return Ok((address, Sender::Two(sender)));
        }
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        pools.entry(destination.clone()).or_default().two = Some((address, sender.clone()));
        Ok((address, Sender::Two(sender)))
    }

    fn keep(&self, destination: Destination, address: SocketAddr, sender: http1::SendRequest<WasiBody>) {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever waits for a place may want another destination. Looked at under
        // the lock, so that it either sees this connection or is seen here.
        if !self.pooling.load(Ordering::Relaxed) || self.waiting.load(Ordering::Relaxed) > 0 {
            return;
        }
        if pools.len() > 1024 {
            pools.retain(|_, pool| pool.two.is_some() || pool.one.iter().any(|(since, ..)| since.elapsed() < KEEP));
        }
        let pool = pools.entry(destination).or_default();
        pool.one.retain(|(since, _, sender)| since.elapsed() < KEEP && !sender.is_closed());
        if pool.one.len() < KEPT {
            pool.one.push((Instant::now(), address, sender));
        }
    }
}

/// Counts one that waits, until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Runs a connection to its end, and keeps its place until then.
async fn open<E>(connection: impl Future<Output = Result<(), E>>, place: Place) {
    let _ = connection.await;
    drop(place);
}

async fn handshake_one<S>(stream: S, place: Place) -> Result<http1::SendRequest<WasiBody>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(open(connection, place));
    Ok(sender)
}

async fn dial(component: &Arc<Component>, destination: &Destination) -> Result<(SocketAddr, TcpStream), Error> {
    let host = destination.host.as_str();
    let found = tokio::net::lookup_host((host, destination.port))
        .await
        .map_err(|error| Error::DnsError { rcode: Some(error.to_string()), info_code: None })?;
    let mut last = None;
    let mut prohibited = None;
    for address in found {
        if !allowed(component, destination, address) {
            prohibited = Some(address);
            continue;
        }
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok((address, stream)),
            Err(error) => last = Some(error),
        }
    }
    match (last, prohibited) {
        (Some(error), _) => Err(Error::Connect(error)),
        (None, Some(address)) => {
            if component.spec.outbound.blocks(address.ip()) {
                component.deny_blocked(host);
                return Err(Error::DestinationIpProhibited);
            }
            let scheme = scheme(destination);
            let what = format!("connecting to {host}, which is the private address {}", address.ip());
            component.deny(&what, &format!("{scheme}://{}", SocketAddr::new(address.ip(), destination.port)));
            Err(Error::DestinationIpProhibited)
        }
        (None, None) => Err(Error::Connect(io::Error::from(io::ErrorKind::AddrNotAvailable))),
    }
}

fn scheme(destination: &Destination) -> &'static str {
    if destination.tls { "https" } else { "http" }
}

fn allowed(component: &Component, destination: &Destination, address: SocketAddr) -> bool {
    component.spec.outbound.allows_address(scheme(destination), &destination.host, address)
}

fn destination(component: &Component, uri: &http::Uri) -> Result<Destination, Error> {
    let tls = match uri.scheme_str() {
        Some("https") => true,
        Some("http") | None => false,
        Some(_) => return Err(Error::HttpProtocolError),
    };
    let host = uri.host().ok_or(Error::HttpRequestUriInvalid)?;
    Ok(Destination {
        application: Arc::clone(&component.application),
        tls,
        host: host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase(),
        port: uri.port_u16().unwrap_or(if tls { 443 } else { 80 }),
    })
}

/// The path as a request line has it: never empty (RFC 9112, 3.2.1).
fn origin_form(uri: &http::Uri) -> http::Uri {
    match uri.path_and_query() {
        // An empty path shows itself as "/" and would be sent as nothing.
        Some(path) if path.as_str().len() > 1 && path.as_str().starts_with('/') => http::Uri::from(path.clone()),
        Some(path) if path.as_str().starts_with('?') => format!("/{path}").parse().unwrap_or_default(),
        _ => http::Uri::from_static("/"),
    }
}

/// Keeps a slot until the response is read or dropped.
fn held(response: http::Response<WasiBody>, slot: tokio::sync::OwnedSemaphorePermit) -> http::Response<WasiBody> {
    response.map(|body| {
        body.map_frame(move |frame| {
            let _ = &slot;
            frame
        })
        .boxed_unsync()
    })
}

type Back = (Arc<Connector>, Destination, SocketAddr, http1::SendRequest<WasiBody>);

/// A response's body; its connection goes back to the pool at the end.
struct Incoming {
    inner: hyper::body::Incoming,
    between: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    back: Option<Back>,
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match Pin::new(&mut self.inner).poll_frame(cx) {
            Poll::Ready(Some(frame)) => {
                self.timer = None;
                Poll::Ready(Some(frame.map_err(Error::from)))
            }
            Poll::Ready(None) => {
                if let Some((connector, destination, address, sender)) = self.back.take() {
                    connector.keep(destination, address, sender);
                }
                Poll::Ready(None)
            }
            Poll::Pending => {
                let between = self.between;
                let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(between)));
                timer.as_mut().poll(cx).map(|()| Some(Err(Error::ConnectionReadTimeout)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
