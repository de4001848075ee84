//! The server as its clients meet it, over real sockets.

use std::collections::HashMap;
use std::path::Path;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::component::{Component, ComponentSpec};
use crate::engine::Engine;
use crate::events::{Event, Events};
use crate::http::admission::{AdmissionLimits, Admissions};
use crate::http::dispatch::Handler;
use crate::http::generation::{
    ApplicationSpec, ComponentEntry, GenerationSpec, RouteSpec, RouteTarget, Slots, StaticResponse,
};
use crate::http::observer::Finished;
use crate::options::EngineOptions;
use crate::outbound::{Connector, HostPattern, OutboundGrant, OutboundGrants};

struct Print;

impl Events for Print {
    fn emit(&self, event: Event) {
        eprintln!("{event:?}");
    }
}

fn fixed(route: &str, methods: &[&str], body: &str) -> RouteSpec {
    RouteSpec {
        application: "app".into(),
        trigger: route.into(),
        target: RouteTarget::Static(StaticResponse {
            status: 200,
            headers: vec![("content-type".into(), "text/plain".into())],
            body: Bytes::copy_from_slice(body.as_bytes()),
        }),
        route: Some(route.into()),
        methods: methods.iter().map(|name| (*name).to_owned()).collect(),
        host: None,
    }
}

fn generation(number: u64, routes: Vec<RouteSpec>, components: Vec<ComponentEntry>) -> Result<Arc<Generation>> {
    generation_limited(number, routes, components, AdmissionLimits::default())
}

fn generation_limited(
    number: u64,
    routes: Vec<RouteSpec>,
    components: Vec<ComponentEntry>,
    limits: AdmissionLimits,
) -> Result<Arc<Generation>> {
    let slots = Slots { admission: Admissions::default().of("app"), limits };
    Generation::new(GenerationSpec {
        number,
        applications: vec![ApplicationSpec { id: "app".into(), slots, components }],
        routes,
        spin_headers: true,
        connector: Connector::new(),
    })
}

fn plain() -> Arc<Generation> {
    generation(
        1,
        vec![fixed("/", &[], "root"), fixed("/get", &["GET"], "got"), fixed("/pub/...", &[], "below")],
        vec![],
    )
    .unwrap()
}

fn start(options: ServerOptions, generation: Arc<Generation>) -> (Server, SocketAddr) {
    let server = Server::new(Handle::current(), options, generation, None);
    let address = server.listen(TcpListener::bind("127.0.0.1:0").unwrap(), None).unwrap();
    (server, address)
}

/// Sends bytes on a new connection and reads until the server closes it.
async fn talk(address: SocketAddr, text: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

async fn once(address: SocketAddr, head: &str) -> String {
    talk(address, &format!("{head}\r\nConnection: close\r\n\r\n")).await
}

/// One response on a connection that stays.
async fn exchange(stream: &mut TcpStream, head: &str) -> String {
    stream.write_all(format!("{head}\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = vec![0; 65536];
    let mut length = 0;
    loop {
        let read = stream.read(&mut answer[length..]).await.unwrap();
        length += read;
        let text = String::from_utf8_lossy(&answer[..length]).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let wanted = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if body.len() >= wanted.parse().unwrap() {
                return text;
            }
        }
        assert!(read > 0, "closed after {text:?}");
    }
}

#[tokio::test]
async fn requests_are_answered_as_a_production_server_does() {
    let (_server, address) = start(ServerOptions::default(), plain());
    let long = "x".repeat(70 << 10);
    for (head, status, end) in [
        ("GET / HTTP/1.1\r\nHost: a".to_owned(), "200 OK", "\r\n\r\nroot"),
        ("GET /?q=1 HTTP/1.1\r\nHost: a:80".to_owned(), "200 OK", "root"),
        ("HEAD /get HTTP/1.1\r\nHost: a".to_owned(), "200 OK", "\r\n\r\n"),
        ("GET http://b/get HTTP/1.1\r\nHost: a".to_owned(), "200 OK", "got"),
        ("GET / HTTP/1.0".to_owned(), "200 OK", "root"),
        ("GET / HTTP/1.1".to_owned(), "400 Bad Request", "\r\n\r\n"),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b".to_owned(), "400 Bad Request", "\r\n\r\n"),
        ("GET / HTTP/1.1\r\nHost: a b".to_owned(), "400 Bad Request", "\r\n\r\n"),
        ("GET /pub/../x HTTP/1.1\r\nHost: a".to_owned(), "400 Bad Request", "\r\n\r\n"),
        ("GET /pub/%2e%2e/x HTTP/1.1\r\nHost: a".to_owned(), "400 Bad Request", "\r\n\r\n"),
        ("GET /none HTTP/1.1\r\nHost: a".to_owned(), "404 Not Found", "\r\n\r\n"),
        ("POST /get HTTP/1.1\r\nHost: a".to_owned(), "405 Method Not Allowed", "\r\n\r\n"),
        ("CONNECT a:80 HTTP/1.1\r\nHost: a".to_owned(), "400 Bad Request", "\r\n\r\n"),
        ("GET /.well-known/spin/health HTTP/1.1\r\nHost: a".to_owned(), "200 OK", "OK"),
        (format!("GET / HTTP/1.1\r\nHost: a\r\nX: {long}"), "431 Request Header Fields Too Large", ""),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999".to_owned(), "413 Payload Too Large", "\r\n\r\n"),
    ] {
        let answer = once(address, &head).await;
        let head: String = head.chars().take(60).collect();
        assert!(answer.split_once(' ').unwrap().1.starts_with(status), "{head}: {answer}");
        assert!(answer.ends_with(end), "{head}: {answer}");
        assert!(!answer.contains("\r\nserver:"), "{head}: {answer}");
    }
    let refused = once(address, "PUT /get HTTP/1.1\r\nHost: a").await;
    assert!(refused.contains("\r\nallow: GET, HEAD\r\n") && refused.contains("content-length: 0\r\n"), "{refused}");
    let head = once(address, "HEAD /get HTTP/1.1\r\nHost: a").await;
    assert!(head.contains("content-length: 3\r\n") && head.contains("\r\ndate: "), "{head}");
}

#[tokio::test]
async fn connections_are_kept_and_pipelined_requests_answered_in_order() {
    let (server, address) = start(ServerOptions::default(), plain());
    let both = "GET /get HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answer = talk(address, both).await;
    assert!(answer.find("got").unwrap() < answer.find("root").unwrap(), "{answer}");
    let mut stream = TcpStream::connect(address).await.unwrap();
    for _ in 0..3 {
        assert!(exchange(&mut stream, "GET / HTTP/1.1\r\nHost: a").await.ends_with("root"));
    }
    assert_eq!(server.connections(), (1, 0));
}

#[tokio::test]
async fn http2_is_spoken_to_those_who_begin_with_it() {
    let (_server, address) = start(ServerOptions::default(), plain());
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    for (method, path, status, body) in
        [("GET", "/", 200, "root"), ("HEAD", "/", 200, ""), ("GET", "/none", 404, ""), ("PUT", "/get", 405, "")]
    {
        let request = Request::builder().method(method).uri(format!("http://a{path}"));
        let response = sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["content-length"], if status == 200 { "4" } else { "0" });
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), body);
    }
}

fn tls() -> Arc<Tls> {
    Tls::new(include_bytes!("testdata/certificate.pem"), include_bytes!("testdata/key.pem")).unwrap()
}

#[tokio::test]
async fn tls_offers_both_protocols_and_a_slow_handshake_holds_up_nobody() {
    use rustls_pki_types::pem::PemObject;
    let server = Server::new(Handle::current(), ServerOptions::default(), plain(), None);
    let tls = tls();
    let address = server.listen(TcpListener::bind("127.0.0.1:0").unwrap(), Some(Arc::clone(&tls))).unwrap();
    let _silent = TcpStream::connect(address).await.unwrap();
    let mut roots = rustls::RootCertStore::empty();
    let certificate = rustls_pki_types::CertificateDer::from_pem_slice(include_bytes!("testdata/certificate.pem"));
    roots.add(certificate.unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut client = client.with_root_certificates(roots).with_no_client_auth();
    for (offered, chosen) in [("h2", Some(&b"h2"[..])), ("http/1.1", Some(b"http/1.1")), ("", None)] {
        client.alpn_protocols = if offered.is_empty() { vec![] } else { vec![offered.into()] };
        let connector = tokio_rustls::TlsConnector::from(Arc::new(client.clone()));
        let stream = TcpStream::connect(address).await.unwrap();
        let mut stream = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), chosen);
        if offered != "h2" {
            stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
            let mut answer = String::new();
            let _ = stream.read_to_string(&mut answer).await;
            assert!(answer.ends_with("root"), "{answer}");
        }
    }
    assert!(tls.reload(b"nothing", b"nothing").is_err());
}

#[tokio::test]
async fn slow_heads_and_idle_connections_are_ended() {
    let options = ServerOptions {
        header_timeout: Duration::from_secs(1),
        idle_timeout: Duration::from_secs(1),
        ..ServerOptions::default()
    };
    let (_server, address) = start(options, plain());
    for beginning in ["", "GET / HT", "P", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"] {
        let begun = std::time::Instant::now();
        let answer = talk(address, beginning).await;
        assert!(begun.elapsed() < Duration::from_secs(5), "{beginning:?}");
        assert_eq!(answer.ends_with("root"), beginning.ends_with("\r\n\r\n"), "{beginning:?}: {answer}");
    }
}

#[tokio::test]
async fn a_lame_server_tells_its_clients_and_a_drained_one_closes() {
    let (server, address) = start(ServerOptions::default(), plain());
    let mut stream = TcpStream::connect(address).await.unwrap();
    assert!(!exchange(&mut stream, "GET / HTTP/1.1\r\nHost: a").await.contains("connection: close"));
    let mut idle = TcpStream::connect(address).await.unwrap();
    exchange(&mut idle, "GET / HTTP/1.1\r\nHost: a").await;
    server.pause();
    server.lame_duck(true);
    assert!(exchange(&mut stream, "GET / HTTP/1.1\r\nHost: a").await.contains("\r\nconnection: close\r\n"));
    assert_eq!(stream.read(&mut [0; 9]).await.unwrap(), 0);
    let drained = server.drain(Duration::from_secs(5), Duration::ZERO).await;
    assert_eq!((drained.aborted, drained.unfinished), (0, 0));
    assert_eq!(idle.read(&mut [0; 9]).await.unwrap(), 0);
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_paused_server_leaves_clients_in_the_queue_until_it_resumes() {
    let (server, address) = start(ServerOptions::default(), plain());
    server.pause();
    tokio::task::yield_now().await;
    let request = tokio::spawn(once(address, "GET / HTTP/1.1\r\nHost: a"));
    tokio::task::yield_now().await;
    server.resume();
    assert!(request.await.unwrap().ends_with("root"));
}

#[test]
fn routes_that_answer_the_same_requests_are_refused_with_both_names() {
    let error = generation(1, vec![fixed("/a/:b", &[], ""), fixed("/a/:c/", &["GET"], "")], vec![]).err().unwrap();
    assert!(error.message.contains("\"/a/:b\"") && error.message.contains("\"/a/:c/\""), "{error}");
    let away = RouteSpec { target: RouteTarget::Component("gone".into()), ..fixed("/x", &[], "") };
    assert!(generation(1, vec![away], vec![]).err().unwrap().message.contains("component \"gone\""));
}

fn guest(id: &str, grants: &[&str]) -> ComponentEntry {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/guests/rust/routes/routes.wasm");
    let engine = Engine::new(EngineOptions { instances: 50, ..EngineOptions::default() }).unwrap();
    let artifact = engine.load(&std::fs::read(file).unwrap()).unwrap();
    let grant = |host: &&str| OutboundGrant { scheme: None, host: HostPattern::parse(host), ports: (0, 65535) };
    let outbound = OutboundGrants { grants: grants.iter().map(grant).collect(), blocked: Vec::new() };
    let spec = ComponentSpec { application: "app".into(), id: id.into(), outbound, ..ComponentSpec::default() };
    let component = Component::new(&engine, artifact, spec, &HashMap::new(), Arc::new(Print), None).unwrap();
    ComponentEntry { id: id.into(), handler: Arc::new(Handler::new(component)), slots: None }
}

fn leads_to(component: &str, route: &str) -> RouteSpec {
    RouteSpec { target: RouteTarget::Component(component.into()), ..fixed(route, &[], "") }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn components_are_served_called_by_each_other_and_told_where_they_are() {
    let components = vec![guest("a", &["b.spin.internal", "self", "a.spin.internal"]), guest("b", &[])];
    let routes = vec![leads_to("a", "/..."), fixed("/fixed", &[], "fixed")];
    let (server, address) = start(ServerOptions::default(), generation(1, routes, components).unwrap());
    let headers = once(address, "GET /headers HTTP/1.1\r\nHost: h\r\nSpin-Forged: 1").await;
    assert!(headers.contains("spin-path-info: /headers"), "{headers}");
    assert!(headers.contains("spin-full-url: http://h/headers"), "{headers}");
    assert!(!headers.to_lowercase().contains("forged"), "{headers}");
    let chained = once(address, "GET /chain?to=b&path=/request HTTP/1.1\r\nHost: h").await;
    assert!(chained.contains("200 OK") && chained.contains("b.spin.internal"), "{chained}");
    let echoed = talk(
        address,
        "POST /chain?to=b&path=/echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nConnection: close\r\n\r\nbytes",
    )
    .await;
    assert!(echoed.contains("bytes"), "{echoed}");
    let denied = once(address, "GET /chain?to=c HTTP/1.1\r\nHost: h").await;
    assert!(denied.contains("502 Bad Gateway"), "{denied}");
    let itself = once(address, "GET /outbound?url=/fixed HTTP/1.1\r\nHost: h").await;
    assert!(itself.contains("fixed"), "{itself}");
    let retiring = server.commit(generation(2, vec![fixed("/", &[], "new")], vec![]).unwrap());
    assert_eq!(retiring.wait(Duration::from_secs(5)).await, 0);
    assert!(once(address, "GET / HTTP/1.1\r\nHost: h").await.ends_with("new"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_stays_on_its_generation_and_what_exceeds_the_limit_is_told_to_come_back() {
    let limits = AdmissionLimits { instances: 1, queue: 0, ..AdmissionLimits::default() };
    let routes = vec![leads_to("a", "/...")];
    let (server, address) =
        start(ServerOptions::default(), generation_limited(1, routes, vec![guest("a", &[])], limits).unwrap());
    let slow = tokio::spawn(once(address, "GET /sleep?ms=500 HTTP/1.1\r\nHost: h"));
    while server.connections().1 == 0 {
        tokio::task::yield_now().await;
    }
    let refused = once(address, "GET /hello HTTP/1.1\r\nHost: h").await;
    assert!(refused.contains("503 Service Unavailable") && refused.contains("\r\nretry-after: 1\r\n"), "{refused}");
    let retiring = server.commit(plain());
    assert_eq!(retiring.wait(Duration::ZERO).await, 1);
    assert!(once(address, "GET / HTTP/1.1\r\nHost: h").await.ends_with("root"));
    assert!(slow.await.unwrap().ends_with("slept 500 ms"));
    assert_eq!(retiring.wait(Duration::from_secs(5)).await, 0);
}

#[derive(Default)]
struct Log(Mutex<Vec<(String, StatusCode, u64, bool)>>);

impl RequestObserver for Log {
    fn finished(&self, request: &Finished<'_>) {
        let line = format!("{} {} {} {}", request.method, request.path, request.application, request.route);
        self.0.lock().unwrap().push((line, request.status, request.sent, request.complete));
    }
}

#[tokio::test]
async fn the_observer_sees_each_request_when_it_has_ended() {
    let log = Arc::new(Log::default());
    let server = Server::new(Handle::current(), ServerOptions::default(), plain(), Some(Arc::clone(&log) as _));
    let address = server.listen(TcpListener::bind("127.0.0.1:0").unwrap(), None).unwrap();
    once(address, "GET /pub/x HTTP/1.1\r\nHost: h").await;
    once(address, "GET /none HTTP/1.1\r\nHost: h").await;
    let seen = std::mem::take(&mut *log.0.lock().unwrap());
    assert_eq!(seen[0], ("GET /pub/x app /pub/...".into(), StatusCode::OK, 5, true));
    assert_eq!(seen[1], ("GET /none  ".into(), StatusCode::NOT_FOUND, 0, true));
}
