//! Load for the benchmarks: keep-alive connections, one request at a time on
//! each, for a fixed time; prints one line of JSON.
//! `load URL [--connections N] [--seconds S]`, then rate, errors and latencies.
//!
//! Small and our own, so that `make bench` has nothing to install. It is a
//! closed loop: a slow answer delays the next request, so latencies are those
//! at saturation and not at a given rate. It never sleeps: waking a sleeping
//! client costs the server some microseconds of its own CPU time for each
//! answer (an interrupt to another core, dear in virtual machines), and would
//! be measured as the server's.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Buckets for each power of two of nanoseconds: latencies are exact to 2 %.
const STEPS: u64 = 64;

struct Counted {
    buckets: Vec<u64>,
    requests: u64,
    /// Connections refused or lost, and answers cut short.
    errors: u64,
    /// Answers with another status than 2xx.
    refused: u64,
    bytes: u64,
    longest: Duration,
}

impl Counted {
    fn new() -> Self {
        Self {
            buckets: vec![0; 64 * STEPS as usize],
            requests: 0,
            errors: 0,
            refused: 0,
            bytes: 0,
            longest: Duration::ZERO,
        }
    }

    fn answer(&mut self, took: Duration, ok: bool, bytes: usize) {
        self.requests += 1;
        self.refused += u64::from(!ok);
        self.bytes += bytes as u64;
        self.longest = self.longest.max(took);
        self.buckets[bucket(took.as_nanos() as u64)] += 1;
    }

    /// Microseconds below which this share of the answers came.
    fn quantile(&self, share: f64) -> f64 {
        let wanted = (self.requests as f64 * share).ceil() as u64;
        let mut seen = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= wanted && *count > 0 {
                return upper(index as u64) / 1e3;
            }
        }
        0.0
    }
}

fn bucket(nanos: u64) -> usize {
    let nanos = nanos.max(STEPS);
    let power = u64::from(nanos.ilog2()) - u64::from(STEPS.ilog2());
    (power * STEPS + ((nanos >> power) - STEPS)) as usize
}

fn upper(bucket: u64) -> f64 {
    ((bucket % STEPS + STEPS + 1) as f64) * f64::from(1u32 << (bucket / STEPS).min(31) as u32)
}

struct Options {
    uri: Uri,
    authority: String,
    connections: usize,
    seconds: f64,
}

fn options() -> Options {
    let mut args = std::env::args().skip(1);
    let uri: Uri = args.next().expect("load URL [--connections N] [--seconds S]").parse().expect("a URL");
    let authority = uri.authority().expect("a URL with a host").to_string();
    let mut options = Options { uri, authority, connections: 50, seconds: 3.0 };
    while let Some(name) = args.next() {
        let value = args.next().expect("a value for every option");
        match name.as_str() {
            "--connections" => options.connections = value.parse().expect("a number"),
            "--seconds" => options.seconds = value.parse().expect("a number"),
            other => panic!("unknown option {other}"),
        }
    }
    options
}

async fn connect(authority: &str) -> Option<SendRequest<Empty<Bytes>>> {
    let stream = TcpStream::connect(authority).await.ok()?;
    stream.set_nodelay(true).ok()?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    tokio::task::spawn_local(connection);
    Some(sender)
}

/// One request; None when the connection is of no more use.
async fn ask(sender: &mut SendRequest<Empty<Bytes>>, options: &Options) -> Option<(bool, usize)> {
    sender.ready().await.ok()?;
    let path = options.uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::get(path).header("host", options.authority.as_str()).body(Empty::new()).ok()?;
    let response = sender.send_request(request).await.ok()?;
    let ok = response.status().is_success();
    let mut body = response.into_body();
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        bytes += frame.ok()?.data_ref().map_or(0, Bytes::len);
    }
    Some((ok, bytes))
}

async fn client(options: Rc<Options>, counted: Rc<RefCell<Counted>>, end: Instant) {
    let mut sender = None;
    while Instant::now() < end {
        if sender.is_none() {
            sender = connect(&options.authority).await;
        }
        let Some(open) = &mut sender else {
            counted.borrow_mut().errors += 1;
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let start = Instant::now();
        match ask(open, &options).await {
            Some((ok, bytes)) => counted.borrow_mut().answer(start.elapsed(), ok, bytes),
            None => {
                counted.borrow_mut().errors += 1;
                sender = None;
            }
        }
    }
}

async fn run(options: Options) -> (Counted, Duration) {
    let counted = Rc::new(RefCell::new(Counted::new()));
    let options = Rc::new(options);
    let start = Instant::now();
    let end = start + Duration::from_secs_f64(options.seconds);
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..options.connections {
        clients.spawn_local(client(Rc::clone(&options), Rc::clone(&counted), end));
    }
    let awake = tokio::task::spawn_local(async {
        loop {
            tokio::task::yield_now().await;
        }
    });
    while clients.join_next().await.is_some() {}
    awake.abort();
    (counted.replace(Counted::new()), start.elapsed())
}

fn main() {
    let options = options();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (counted, took) = tokio::task::LocalSet::new().block_on(&runtime, run(options));
    let report = serde_json::json!({
        "seconds": took.as_secs_f64(),
        "requests": counted.requests,
        "errors": counted.errors,
        "refused": counted.refused,
        "bytes": counted.bytes,
        "p50_us": counted.quantile(0.50),
        "p90_us": counted.quantile(0.90),
        "p99_us": counted.quantile(0.99),
        "max_us": counted.longest.as_secs_f64() * 1e6,
    });
    println!("{report}");
}
