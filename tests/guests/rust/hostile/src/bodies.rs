//! Bodies that end too early, too late or never.

use crate::http::{Request, Response, text};
use crate::wasi::http::types::{Fields, OutgoingBody, OutgoingResponse, ResponseOutparam};

pub fn endless(out: ResponseOutparam) {
    let response = Response::start(out, 200, &[("content-type", "text/plain")]);
    while response.write(&[b'.'; 1000]) {}
}

/// Sends `body` under a content-length that is not its own.
pub fn declared(out: ResponseOutparam, length: &str, body: &[u8]) {
    let headers = [("content-length".to_owned(), length.as_bytes().to_vec())];
    let fields = Fields::from_list(&headers).expect("the header is valid");
    let response = OutgoingResponse::new(fields);
    let outgoing = response.body().expect("the body is taken once");
    ResponseOutparam::set(out, Ok(response));
    let stream = outgoing.write().expect("the stream is taken once");
    let written = stream.blocking_write_and_flush(body);
    drop(stream);
    let finished = OutgoingBody::finish(outgoing, None);
    eprintln!("written: {written:?}, finished: {finished:?}");
}

/// Drops body and stream without `finish`: the response is not whole.
pub fn unfinished(out: ResponseOutparam) {
    let response = Response::start(out, 200, &[("content-length", "100")]);
    response.write(b"half of it");
}

pub fn half(request: &Request, out: ResponseOutparam) {
    let read = request.body().next().ok().flatten().map_or(0, |bytes| bytes.len());
    text(out, 200, &format!("{read} bytes of it"));
}
