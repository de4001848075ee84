//! The smallest HTTP guest in Rust: every request gets "hello".

wit_bindgen::generate!({ world: "http-small", path: "../../wit/p2", generate_all });

use exports::wasi::http::incoming_handler::Guest;
use wasi::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

struct Hello;

impl Guest for Hello {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        drop(request);
        let headers = Fields::from_list(&[
            ("content-type".to_owned(), b"text/plain".to_vec()),
            ("content-length".to_owned(), b"5".to_vec()),
        ])
        .expect("the headers are constant");
        let response = OutgoingResponse::new(headers);
        let body = response.body().expect("the body is taken once");
        ResponseOutparam::set(out, Ok(response));
        let stream = body.write().expect("the stream is taken once");
        // The client may be gone: then there is nobody left to tell.
        let _ = stream.blocking_write_and_flush(b"hello");
        drop(stream);
        let _ = OutgoingBody::finish(body, None);
    }
}

export!(Hello);
