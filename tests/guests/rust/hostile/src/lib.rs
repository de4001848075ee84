//! One HTTP guest with a route for each way of behaving badly. What cannot be
//! said in Rust (tables, several memories) is in `../../hostile` as text.

wit_bindgen::generate!({ world: "http", path: "../../wit/p2", generate_all });

mod bodies;
mod headers;
#[path = "../../kit/http.rs"]
mod http;
mod paths;

use exports::wasi::http::incoming_handler::Guest;
use http::{Request, Response, text};
use wasi::clocks::monotonic_clock;
use wasi::http::types::{ErrorCode, IncomingRequest, ResponseOutparam};
use wasi::io::poll;

const ROUTES: &str = "\
/loop               endless loop
/loop-after-headers endless loop once the response has begun
/memory             allocates and touches until it may not
/recurse            recursion without end
/calls?n=           n small host calls (a million)
/poll?n=            polls n pollables at once
/endless            a response that never ends
/close-early        fewer bytes than content-length says
/too-many           more bytes than content-length says
/no-finish          leaves the body without finishing it
/bytes-in-headers   header values that are not UTF-8
/injection          CR and LF in header names and values
/forbidden          headers that belong to the host
/huge-headers?n=    n headers of 1,000 bytes
/bad-requests       malformed methods, paths and authorities going out
/traversal          paths that lead out of the preopened directories
/trap  /panic       ends at once
/trap-after-headers ends when half the body is sent
/silent             returns without a response
/error              answers with an internal error and a secret text
/sleep?ms=          sleeps in a host call (an hour)
/flood?n=           n lines to stdout and stderr
/exit?code=         ends through wasi:cli/exit
/ignore-body        answers without reading the request
/half-body          reads one piece of the request, then answers
";

struct Hostile;

impl Guest for Hostile {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let request = Request::new(request);
        match request.path.clone().as_str() {
            "/" => text(out, 200, ROUTES),
            "/loop" => spin(),
            "/loop-after-headers" => {
                let response = Response::start(out, 200, &[]);
                response.write(b"here it ends");
                spin();
            }
            "/memory" => memory(),
            "/recurse" => text(out, 200, &recurse(0).to_string()),
            "/calls" => calls(&request, out),
            "/poll" => poll_many(&request, out),
            "/endless" => bodies::endless(out),
            "/close-early" => bodies::declared(out, "100", b"ten bytes."),
            "/too-many" => bodies::declared(out, "5", b"more than five"),
            "/no-finish" => bodies::unfinished(out),
            "/ignore-body" => text(out, 200, "not read"),
            "/half-body" => bodies::half(&request, out),
            "/bytes-in-headers" => headers::bytes(out),
            "/injection" => headers::injection(out),
            "/forbidden" => headers::forbidden(out),
            "/huge-headers" => headers::huge(&request, out),
            "/bad-requests" => paths::requests(out),
            "/traversal" => paths::traversal(out),
            "/trap" => std::arch::wasm32::unreachable(),
            "/panic" => panic!("a secret that no client may see"),
            "/trap-after-headers" => {
                let response = Response::start(out, 200, &[("content-length", "100")]);
                response.write(b"half");
                std::arch::wasm32::unreachable()
            }
            "/silent" => {}
            "/error" => {
                let secret = "a secret that no client may see".to_owned();
                ResponseOutparam::set(out, Err(ErrorCode::InternalError(Some(secret))));
            }
            "/sleep" => sleep(&request, out),
            "/flood" => flood(&request, out),
            "/exit" => std::process::exit(i32::try_from(request.number("code", 1)).unwrap_or(1)),
            other => text(out, 404, &format!("no route {other}\n")),
        }
    }
}

fn spin() {
    loop {
        std::hint::black_box(());
    }
}

fn memory() {
    let mut kept = Vec::new();
    loop {
        kept.push(std::hint::black_box(vec![1_u8; 1 << 20]));
    }
}

#[inline(never)]
fn recurse(depth: u64) -> u64 {
    let here = std::hint::black_box([depth; 32]);
    if std::hint::black_box(true) { recurse(depth + 1) + here[3] } else { depth }
}

fn calls(request: &Request, out: ResponseOutparam) {
    let count = request.number("n", 1_000_000);
    let last = (0..count).fold(0, |_, _| monotonic_clock::now());
    text(out, 200, &format!("{count} calls, {}", last > 0));
}

fn poll_many(request: &Request, out: ResponseOutparam) {
    let count = request.number("n", 10_000);
    let all: Vec<_> =
        (0..count).map(|n| monotonic_clock::subscribe_duration(1_000_000 + n)).collect();
    let ready = poll::poll(&all.iter().collect::<Vec<_>>());
    text(out, 200, &format!("{} of {count}", ready.len()));
}

fn sleep(request: &Request, out: ResponseOutparam) {
    let milliseconds = request.number("ms", 3_600_000);
    monotonic_clock::subscribe_duration(milliseconds * 1_000_000).block();
    text(out, 200, "awake");
}

fn flood(request: &Request, out: ResponseOutparam) {
    let count = request.number("n", 100_000);
    for number in 0..count {
        println!("{number} \u{1b}[2J\u{7}not a new\rline");
        eprintln!("{number}");
    }
    text(out, 200, &format!("{count} lines"));
}

export!(Hostile);
