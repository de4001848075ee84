//! An HTTP component that imports `paddock:parts` from components plugged into it:
//! `/shout?text=`, `/reach?what=`, `/count?from=`; `/own` is its own environment.

wit_bindgen::generate!({
    world: "paddock:parts/socket",
    path: ["../../wit/p2", "../../wit/parts"],
    generate_all,
});

#[path = "../../kit/http.rs"]
mod http;

use http::{Request, text};
use paddock::parts::counter::Count;
use paddock::parts::{reach, shout};
use wasi::http::types::{IncomingRequest, ResponseOutparam};

struct Parts;

impl exports::wasi::http::incoming_handler::Guest for Parts {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let request = Request::new(request);
        let arg = |name: &str| request.arg(name).unwrap_or_default();
        match request.path.as_str() {
            "/shout" => text(out, 200, &shout::shout(arg("text"))),
            "/reach" => text(out, 200, &reach::reach(arg("what"))),
            "/count" => {
                let count = Count::new(request.number("from", 0).try_into().unwrap_or(0));
                count.up();
                text(out, 200, &count.up().to_string());
            }
            "/own" => text(out, 200, &std::env::var("WHERE").unwrap_or_default()),
            other => text(out, 404, &format!("no route {other}\n")),
        }
    }
}

export!(Parts);
