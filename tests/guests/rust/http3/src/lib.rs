//! An HTTP guest of WASI 0.3: its handler is an async function, bodies are
//! streams.
//!
//! `/hello`, `/echo` (hands the request's stream on), `/copy` (reads and writes
//! it), `/headers`, `/trailers`, `/stream?n=&ms=`, `/sleep?ms=`, `/upload`,
//! `/outbound?url=`, `/count`, `/status/N`, `/trap`, `/error`, `/loop`.

wit_bindgen::generate!({ world: "http", path: "../../wit/p3", generate_all });

#[path = "../../kit/http3.rs"]
mod http;

use exports::wasi::http::handler::Guest;
use http::{consume, no_trailers, split, streamed, text, with_fields};
use wasi::clocks::monotonic_clock;
use wasi::http::client;
use wasi::http::types::{ErrorCode, Fields, Method, Request, Response, Scheme};
use wit_bindgen::rt::async_support::{StreamResult, spawn_local};

struct Http3;

impl Guest for Http3 {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let (path, query) = split(&request.get_path_with_query().unwrap_or_default());
        let arg = |name: &str| query.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        let number = |name: &str, otherwise: u64| {
            arg(name).and_then(|text| text.parse().ok()).unwrap_or(otherwise)
        };
        match path.as_str() {
            "/" | "/hello" => Ok(text(200, "hello")),
            "/echo" => {
                let (body, trailers) = consume(request);
                Ok(streamed(200, body, trailers))
            }
            "/copy" => Ok(copy(request)),
            "/headers" => Ok(headers(&request)),
            "/trailers" => Ok(trailers(request).await),
            "/stream" => Ok(stream(number("n", 10), number("ms", 0))),
            "/sleep" => {
                monotonic_clock::wait_for(number("ms", 100) * 1_000_000).await;
                Ok(text(200, "slept"))
            }
            "/upload" => Ok(upload(request).await),
            "/outbound" => outbound(arg("url").unwrap_or_default()).await,
            "/count" => Ok(count()),
            "/trap" => std::arch::wasm32::unreachable(),
            "/loop" => loop {
                std::hint::black_box(());
            },
            "/error" => Err(ErrorCode::InternalError(Some("a secret".to_owned()))),
            other => Ok(status(other)),
        }
    }
}

fn copy(request: Request) -> Response {
    let (mut body, trailers) = consume(request);
    let (mut writer, reader) = wit_stream::new();
    spawn_local(async move {
        loop {
            let (result, bytes) = body.read(Vec::with_capacity(65536)).await;
            let left = writer.write_all(bytes).await;
            if !left.is_empty() || !matches!(result, StreamResult::Complete(_)) {
                break;
            }
        }
    });
    streamed(200, reader, trailers)
}

fn headers(request: &Request) -> Response {
    let line =
        |(name, value): &(String, Vec<u8>)| format!("{name}: {}\n", String::from_utf8_lossy(value));
    let all = request.get_headers().copy_all();
    text(200, &all.iter().map(line).collect::<String>())
}

async fn trailers(request: Request) -> Response {
    let (body, sent) = consume(request);
    let bytes = body.collect().await.len();
    let fields = Fields::new();
    fields.append("x-body-bytes", bytes.to_string().as_bytes()).expect("the header is valid");
    if let Ok(Some(sent)) = sent.await {
        for (name, value) in sent.copy_all() {
            fields.append(&name, &value).expect("the header came over the wire");
        }
    }
    let (writer, reader) = wit_future::new(|| Ok(None));
    let (mut body, stream) = wit_stream::new();
    spawn_local(async move {
        body.write_all(b"trailers follow\n".to_vec()).await;
        drop(body);
        // An error says that nobody waits for them.
        let _ = writer.write(Ok(Some(fields))).await;
    });
    streamed(200, stream, reader)
}

fn stream(count: u64, gap: u64) -> Response {
    let (mut writer, reader) = wit_stream::new();
    spawn_local(async move {
        for number in 0..count {
            if !writer.write_all(format!("chunk {number}\n").into_bytes()).await.is_empty() {
                return;
            }
            if gap > 0 {
                monotonic_clock::wait_for(gap * 1_000_000).await;
            }
        }
    });
    streamed(200, reader, no_trailers())
}

async fn upload(request: Request) -> Response {
    let (mut body, trailers) = consume(request);
    let mut bytes = 0;
    loop {
        let (result, part) = body.read(Vec::with_capacity(65536)).await;
        bytes += part.len();
        if !matches!(result, StreamResult::Complete(_)) {
            break;
        }
    }
    match trailers.await {
        Ok(_) => text(200, &format!("{bytes} bytes")),
        Err(error) => text(400, &format!("after {bytes} bytes: {error:?}")),
    }
}

/// `url=http://host/path`
async fn outbound(url: &str) -> Result<Response, ErrorCode> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (request, _sent) = Request::new(Fields::new(), None, no_trailers(), None);
    let scheme = if scheme == "https" { Scheme::Https } else { Scheme::Http };
    let bad = |()| ErrorCode::HttpRequestUriInvalid;
    request.set_method(&Method::Get).map_err(bad)?;
    request.set_scheme(Some(&scheme)).map_err(bad)?;
    request.set_authority(Some(authority)).map_err(bad)?;
    request.set_path_with_query(Some(if path.is_empty() { "/" } else { path })).map_err(bad)?;
    match client::send(request).await {
        Ok(answer) => {
            let status = answer.get_status_code();
            let fields = Fields::new();
            fields.append("x-from", authority.as_bytes()).map_err(|_| bad(()))?;
            let (body, trailers) = Response::consume_body(answer, wit_future::new(|| Ok(())).1);
            Ok(with_fields(status, fields, Some(body), trailers))
        }
        Err(error) => Ok(text(502, &format!("error: {error:?}\n"))),
    }
}

fn count() -> Response {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    text(200, &(COUNT.fetch_add(1, Ordering::Relaxed) + 1).to_string())
}

fn status(path: &str) -> Response {
    let code = path.strip_prefix("/status/").and_then(|code| code.parse::<u16>().ok());
    match code {
        Some(code) if (200..600).contains(&code) => text(code, &format!("status {code}")),
        _ => text(404, &format!("no route {path}\n")),
    }
}

export!(Http3);
