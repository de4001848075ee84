//! Sockets of WASI 0.2 in an HTTP guest: `/tcp?address=&port=&text=` (the answer of the
//! other side), `/udp` (one datagram each way), `/listen?address=&port=`, `/resolve?name=`.
//! Errors: 403 `error: access-denied`, 502 any other by its name.

wit_bindgen::generate!({ world: "net", path: "../../wit/p2", generate_all });

#[path = "../../kit/http.rs"]
mod http;
#[path = "../../kit/sockets.rs"]
mod sockets;

use http::{Request, text};
use wasi::http::types::{IncomingRequest, ResponseOutparam};
use wasi::sockets::network::ErrorCode;

struct Guest;

impl exports::wasi::http::incoming_handler::Guest for Guest {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let request = Request::new(request);
        let argument = |name| request.arg(name).unwrap_or_default();
        let address = || sockets::parse(argument("address"), argument("port"));
        let outcome = match request.path.as_str() {
            "/tcp" => sockets::tcp(address(), argument("text")),
            "/udp" => sockets::udp(address(), argument("text")),
            "/listen" => sockets::listen(address()),
            "/resolve" => sockets::resolve(argument("name")),
            other => return text(out, 404, &format!("no route {other}\n")),
        };
        match outcome {
            Ok(answer) => text(out, 200, &answer),
            Err(ErrorCode::AccessDenied) => text(out, 403, "error: access-denied\n"),
            Err(error) => text(out, 502, &format!("error: {}\n", error.name())),
        }
    }
}

export!(Guest);
