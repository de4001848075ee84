//! Microseconds that an instance costs in process: `instance_cost FILE [N]`
//! prints JSON. An instance is a store with its WASI context and limits,
//! instantiated and dropped again; nothing in the guest is called. A request
//! is that and the guest's answer, in a fresh and in a reused instance.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

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
use paddock_engine::state::State;

/// Turns of which the median is taken.
const TURNS: u32 = 9;

struct Print;

impl Events for Print {
    fn emit(&self, event: Event) {
        eprintln!("{event:?}");
    }
}

fn component(engine: &Arc<Engine>, bytes: &[u8], reuse: Option<Reuse>) -> Arc<Component> {
    let artifact = engine.load(bytes).unwrap();
    let spec = ComponentSpec { application: "bench".into(), id: "guest".into(), reuse, ..ComponentSpec::default() };
    Component::new(engine, artifact, spec, &HashMap::new(), Arc::new(Print), None).unwrap()
}

async fn instance(component: &Arc<Component>) {
    let mut store = State::store(component, Hooks::default(), 1, None).unwrap();
    component.linked.pre.instantiate_async(&mut store).await.unwrap();
}

async fn request(handler: &Handler) {
    let body = Empty::new().map_err(|never| match never {}).boxed_unsync();
    let request = http::Request::get("http://localhost/").header("host", "localhost").body(body).unwrap();
    let arrival = Arrival { generation: 1, trace: None, hooks: Hooks::default(), guard: None, cut: Arc::default() };
    let response = handler.handle(request, arrival).await.unwrap();
    assert_eq!(response.status(), 200);
    let _ = response.into_body().collect().await.unwrap();
}

/// The median over turns of the time that one `work` takes.
async fn measured(count: u32, mut work: impl AsyncFnMut()) -> f64 {
    for _ in 0..500 {
        work().await;
    }
    let mut turns = Vec::new();
    for _ in 0..TURNS {
        let start = Instant::now();
        for _ in 0..count / TURNS {
            work().await;
        }
        turns.push(start.elapsed().as_secs_f64() * 1e6 / f64::from(count / TURNS));
    }
    turns.sort_by(f64::total_cmp);
    turns[turns.len() / 2]
}

fn main() {
    let mut args = std::env::args().skip(1);
    let bytes = std::fs::read(args.next().expect("instance_cost FILE [N]")).unwrap();
    let count: u32 = args.next().map_or(20_000, |n| n.parse().unwrap());
    let engine = Engine::new(EngineOptions::default()).unwrap();
    let plain = component(&engine, &bytes, None);
    let reuse = Reuse { requests: usize::MAX, concurrency: 1, idle: Duration::from_secs(30) };
    let reused = Handler::new(component(&engine, &bytes, Some(reuse)));
    let fresh = Handler::new(Arc::clone(&plain));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let report = runtime.block_on(async {
        serde_json::json!({
            "instance_us": measured(count, async || instance(&plain).await).await,
            "fresh_request_us": measured(count, async || request(&fresh).await).await,
            "reused_request_us": measured(count, async || request(&reused).await).await,
        })
    });
    println!("{report}");
}
