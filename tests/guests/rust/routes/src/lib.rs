//! One HTTP guest with a route for each thing that a host does for a guest.

wit_bindgen::generate!({ world: "http", path: "../../wit/p2", generate_all });

mod files;
#[path = "../../kit/http.rs"]
mod http;
mod outbound;

use exports::wasi::http::incoming_handler::Guest;
use http::{Request, Response, text};
use wasi::clocks::{monotonic_clock, wall_clock};
use wasi::http::types::{Fields, IncomingRequest, ResponseOutparam};

const ROUTES: &str = "\
/hello                     hello
/echo                      the body, streamed back
/headers                   the request's headers, one a line
/request                   method, scheme, authority and path
/env  /args                the environment, the arguments
/file?path=&preopen=       a file below a preopened directory
/files?path=&preopen=      the names in a directory
/write-file?path=          writes the body to a file
/preopens                  the preopened directories
/outbound?url=&method=     calls out and streams the answer back
/chain?to=ID&path=&domain= calls another component
/sleep?ms=                 waits in the host
/spin?ms=                  burns CPU
/status/N                  answers with that status
/stdout?msg=               prints to stdout and stderr
/trailers                  answers with trailers
/random?n=  /clock         random bytes, the clocks
/stream?n=&size=&ms=       n chunks
/upload?ms=                counts the body's bytes
/cookies                   two set-cookie headers
/count                     1, or more in a reused instance
";

struct Routes;

impl Guest for Routes {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let request = Request::new(request);
        match request.path.clone().as_str() {
            "/" => text(out, 200, ROUTES),
            "/hello" => text(out, 200, "hello"),
            "/echo" => echo(&request, out),
            "/headers" => text(out, 200, &lines(&request.headers())),
            "/request" => text(out, 200, &describe(&request)),
            "/env" => text(out, 200, &environment()),
            "/args" => text(out, 200, &wasi::cli::environment::get_arguments().join("\n")),
            "/file" => files::read(&request, out),
            "/files" => files::list(&request, out),
            "/write-file" => files::write(&request, out),
            "/preopens" => files::preopens(out),
            "/outbound" => outbound::call(&request, out),
            "/chain" => outbound::chain(&request, out),
            "/sleep" => sleep(&request, out),
            "/spin" => spin(&request, out),
            "/stdout" => print(&request, out),
            "/trailers" => trailers(&request, out),
            "/random" => random(&request, out),
            "/clock" => clock(out),
            "/stream" => stream(&request, out),
            "/upload" => upload(&request, out),
            "/cookies" => cookies(out),
            "/count" => count(out),
            other => status(other, out),
        }
    }
}

fn lines(headers: &[(String, Vec<u8>)]) -> String {
    let line =
        |(name, value): &(String, Vec<u8>)| format!("{name}: {}\n", String::from_utf8_lossy(value));
    headers.iter().map(line).collect()
}

fn describe(request: &Request) -> String {
    let inner = &request.inner;
    format!(
        "method: {}\nscheme: {:?}\nauthority: {}\npath: {}\n",
        request.method,
        inner.scheme(),
        inner.authority().unwrap_or_default(),
        inner.path_with_query().unwrap_or_default(),
    )
}

fn environment() -> String {
    let mut pairs = wasi::cli::environment::get_environment();
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}={value}\n")).collect()
}

fn echo(request: &Request, out: ResponseOutparam) {
    let sent = request.inner.headers().get("content-type");
    let content_type = sent.first().and_then(|value| std::str::from_utf8(value).ok());
    let headers = [("content-type", content_type.unwrap_or("application/octet-stream"))];
    let response = Response::start(out, 200, &headers);
    let mut body = request.body();
    while let Ok(Some(bytes)) = body.next() {
        if !response.write(&bytes) {
            break;
        }
    }
    response.finish();
}

fn pause(milliseconds: u64) {
    monotonic_clock::subscribe_duration(milliseconds * 1_000_000).block();
}

fn sleep(request: &Request, out: ResponseOutparam) {
    let milliseconds = request.number("ms", 100);
    pause(milliseconds);
    text(out, 200, &format!("slept {milliseconds} ms"));
}

fn spin(request: &Request, out: ResponseOutparam) {
    let milliseconds = request.number("ms", 100);
    let until = monotonic_clock::now() + milliseconds * 1_000_000;
    let mut turns = 0_u64;
    while monotonic_clock::now() < until {
        turns = (0..10_000).fold(turns, |sum, n| std::hint::black_box(sum + (n & 1)));
    }
    text(out, 200, &format!("{turns} turns"));
}

fn status(path: &str, out: ResponseOutparam) {
    let code = path.strip_prefix("/status/").and_then(|code| code.parse::<u16>().ok());
    match code {
        // These may not have a body.
        Some(code @ (204 | 304)) => Response::start(out, code, &[]).finish(),
        Some(code) if (200..600).contains(&code) => text(out, code, &format!("status {code}")),
        _ => text(out, 404, &format!("no route {path}\n")),
    }
}

fn print(request: &Request, out: ResponseOutparam) {
    let message = request.arg("msg").unwrap_or("hello");
    println!("stdout: {message}");
    eprintln!("stderr: {message}");
    text(out, 200, "printed");
}

fn trailers(request: &Request, out: ResponseOutparam) {
    let mut body = request.body();
    let bytes = body.all().map(|bytes| bytes.len()).unwrap_or_default();
    let mut trailers = vec![("x-body-bytes".to_owned(), bytes.to_string().into_bytes())];
    trailers.extend(body.trailers());
    let names: Vec<_> = trailers.iter().map(|(name, _)| name.as_str()).collect();
    let headers = [("content-type", "text/plain"), ("trailer", &names.join(", "))];
    let response = Response::start(out, 200, &headers);
    response.write(b"trailers follow\n");
    response.finish_with(&trailers);
}

fn random(request: &Request, out: ResponseOutparam) {
    let bytes = wasi::random::random::get_random_bytes(request.number("n", 16));
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    text(out, 200, &hex);
}

fn clock(out: ResponseOutparam) {
    let now = wall_clock::now();
    let monotonic = monotonic_clock::now();
    text(
        out,
        200,
        &format!("wall: {}.{:09}\nmonotonic: {monotonic}\n", now.seconds, now.nanoseconds),
    );
}

fn stream(request: &Request, out: ResponseOutparam) {
    let size = usize::try_from(request.number("size", 8)).unwrap_or(8);
    let gap = request.number("ms", 0);
    let response = Response::start(out, 200, &[("content-type", "text/plain")]);
    for number in 0..request.number("n", 10) {
        let mut chunk = format!("chunk {number}").into_bytes();
        chunk.resize(size.max(chunk.len()), b'.');
        chunk.push(b'\n');
        if !response.write(&chunk) {
            return;
        }
        if gap > 0 {
            pause(gap);
        }
    }
    response.finish();
}

fn upload(request: &Request, out: ResponseOutparam) {
    let gap = request.number("ms", 0);
    let mut body = request.body();
    let mut bytes = 0;
    loop {
        match body.next() {
            Ok(Some(part)) => bytes += part.len(),
            Ok(None) => break text(out, 200, &format!("{bytes} bytes")),
            Err(error) => break text(out, 400, &format!("after {bytes} bytes: {error}")),
        }
        if gap > 0 {
            pause(gap);
        }
    }
}

fn cookies(out: ResponseOutparam) {
    let fields = Fields::new();
    for cookie in ["a=1", "b=2; HttpOnly"] {
        fields.append("set-cookie", cookie.as_bytes()).expect("the header is valid");
    }
    Response::with_fields(out, 200, fields).finish();
}

fn count(out: ResponseOutparam) {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed) + 1;
    text(out, 200, &count.to_string());
}

export!(Routes);
