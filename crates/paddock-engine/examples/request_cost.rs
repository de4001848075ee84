//! Microseconds that one HTTP request costs in process, without a socket:
//! `cargo run --release -p paddock-engine --example request_cost FILE [N] [reuse]`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Empty};
use paddock_engine::component::{Component, ComponentSpec, Reuse};
use paddock_engine::engine::Engine;
use paddock_engine::events::{Event, Events};
use paddock_engine::http::dispatch::{Arrival, Handler};
use paddock_engine::options::EngineOptions;
use paddock_engine::outbound::Hooks;

struct Print;

impl Events for Print {
    fn emit(&self, event: Event) {
        eprintln!("{event:?}");
    }
}

fn main() {
    let mut args = std::env::args().skip(1);
    let bytes = std::fs::read(args.next().expect("a file")).unwrap();
    let count: u32 = args.next().map_or(20_000, |n| n.parse().unwrap());
    let reuse = args.next().map(|_| Reuse { requests: 1_000_000, concurrency: 1, idle: Duration::from_secs(30) });
    let engine = Engine::new(EngineOptions::default()).unwrap();
    let artifact = engine.load(&bytes).unwrap();
    let spec = ComponentSpec { application: "bench".into(), id: "guest".into(), reuse, ..ComponentSpec::default() };
    let component = Component::new(&engine, artifact, spec, &HashMap::new(), Arc::new(Print), None).unwrap();
    let handler = Handler::new(component);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let took = runtime.block_on(async {
        for _ in 0..500 {
            request(&handler).await;
        }
        let start = Instant::now();
        for _ in 0..count {
            request(&handler).await;
        }
        start.elapsed()
    });
    println!("{:.2} us a request", took.as_secs_f64() * 1e6 / f64::from(count));
}

async fn request(handler: &Handler) {
    let body = Empty::new().map_err(|never| match never {}).boxed_unsync();
    let request = http::Request::get("http://localhost/").header("host", "localhost").body(body).unwrap();
    let arrival = Arrival { generation: 1, trace: None, hooks: Hooks::default(), guard: None, cut: Arc::default() };
    let response = handler.handle(request, arrival).await.unwrap();
    assert_eq!(response.status(), 200);
    let _ = response.into_body().collect().await.unwrap();
}
