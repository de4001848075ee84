//! Requests and responses of WASI 0.3 over the bindings of the crate that
//! includes this file, as `http.rs` does for 0.2.
#![allow(dead_code)]

#[path = "query.rs"]
mod query;

use query::decode;
use wit_bindgen::rt::async_support::{FutureReader, StreamReader};

use crate::wasi::http::types::{ErrorCode, Fields, Request, Response, Trailers};
use crate::{wit_future, wit_stream};

pub type TrailersFuture = FutureReader<Result<Option<Trailers>, ErrorCode>>;

pub fn no_trailers() -> TrailersFuture {
    // Dropping the writing end sends what the closure gives.
    wit_future::new(|| Ok(None)).1
}

/// A response whose body is a stream.
pub fn streamed(status: u16, body: StreamReader<u8>, trailers: TrailersFuture) -> Response {
    let headers = Fields::new();
    headers.append("content-type", b"text/plain; charset=utf-8").expect("the header is valid");
    with_fields(status, headers, Some(body), trailers)
}

pub fn with_fields(
    status: u16,
    headers: Fields,
    body: Option<StreamReader<u8>>,
    trailers: TrailersFuture,
) -> Response {
    let (response, _sent) = Response::new(headers, body, trailers);
    response.set_status_code(status).expect("the status is valid");
    response
}

/// A whole response with a content-length.
pub fn text(status: u16, body: &str) -> Response {
    let headers = Fields::new();
    let length = body.len().to_string();
    headers.append("content-type", b"text/plain; charset=utf-8").expect("the header is valid");
    headers.append("content-length", length.as_bytes()).expect("the header is valid");
    let bytes = body.as_bytes().to_vec();
    let (mut writer, reader) = wit_stream::new();
    wit_bindgen::rt::async_support::spawn_local(async move {
        // What is left over is what the client did not want to read.
        writer.write_all(bytes).await;
    });
    with_fields(status, headers, Some(reader), no_trailers())
}

pub fn split(path_with_query: &str) -> (String, Vec<(String, String)>) {
    let (path, query) = path_with_query.split_once('?').unwrap_or((path_with_query, ""));
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    (path.to_owned(), pairs.map(|(name, value)| (decode(name), decode(value))).collect())
}

pub fn consume(request: Request) -> (StreamReader<u8>, TrailersFuture) {
    Request::consume_body(request, wit_future::new(|| Ok(())).1)
}
