//! Middleware of WASI 0.2: a request with `x-key` is handed on, one without gets 401.

wit_bindgen::generate!({ world: "middle", path: "../../wit/p2", generate_all });

use exports::wasi::http::incoming_handler::Guest;
use wasi::http::incoming_handler;
use wasi::http::types::{Fields, IncomingRequest, OutgoingResponse, ResponseOutparam};

struct Middle;

impl Guest for Middle {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        if request.headers().has("x-key") {
            return incoming_handler::handle(request, out);
        }
        let response = OutgoingResponse::new(Fields::new());
        response.set_status_code(401).expect("the status is valid");
        ResponseOutparam::set(out, Ok(response));
    }
}

export!(Middle);
