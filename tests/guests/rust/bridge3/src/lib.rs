//! Calls async functions of a user's own interface (`paddock:test-async`).
//!
//! `/values` one of each; `/errors` results; `/many?n=` n calls under way at
//! once, each of which waits 20 ms in the host; `/worker` a resource with async
//! methods; `/calls?n=` n calls one after the other.

wit_bindgen::generate!({ world: "bridge", path: "../../wit/bridge3", generate_all });

#[path = "../../kit/http3.rs"]
mod http;

use exports::wasi::http::handler::Guest;
use http::{split, text};
use paddock::test_async::work::{self, Job, Worker};
use wasi::http::types::{ErrorCode, Request, Response};
use wit_bindgen::rt::async_support::spawn_local;

struct Bridge;

impl Guest for Bridge {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let (path, query) = split(&request.get_path_with_query().unwrap_or_default());
        let count = query.iter().find(|(name, _)| name == "n");
        let count = count.and_then(|(_, value)| value.parse().ok()).unwrap_or(10);
        Ok(match path.as_str() {
            "/values" => text(200, &format!("double {}\n", work::double(21).await)),
            "/errors" => text(200, &errors().await),
            "/many" => text(200, &many(count).await),
            "/worker" => text(200, &worker().await),
            "/calls" => text(200, &calls(count).await),
            other => text(404, &format!("no route {other}\n")),
        })
    }
}

fn job(id: u32, name: &str) -> Job {
    Job { id, name: name.to_owned() }
}

async fn errors() -> String {
    let mut lines = String::new();
    for name in ["good", "refused", "gone"] {
        lines.push_str(&format!("{name} {:?}\n", work::finish(job(1, name)).await));
    }
    lines
}

async fn many(count: u32) -> String {
    let under_way: Vec<_> = (0..count).map(|_| spawn_local(work::wait(20))).collect();
    let mut sum = 0;
    for one in under_way {
        sum += one.await.unwrap_or_default();
    }
    format!("{count} at once, sum {sum}")
}

async fn worker() -> String {
    let made = Worker::new("made");
    let started = Worker::start("started".to_owned()).await;
    let unknown = Worker::start("unknown".to_owned()).await.err();
    let done = made.run(vec![job(1, "a"), job(2, "b")]).await;
    let started = started.map(|worker| worker.name());
    format!("made {:?}\nran {done:?}\nstarted {started:?}\nunknown {unknown:?}\n", made.name())
}

async fn calls(count: u32) -> String {
    let mut sum = 0;
    for number in 0..count {
        sum += work::double(u64::from(number)).await;
    }
    format!("{count} calls, sum {sum}")
}

export!(Bridge);
