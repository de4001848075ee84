//! A POST whose answer is the answer.

use crate::wasi::http::outgoing_handler;
use crate::wasi::http::types::{
    ErrorCode, Fields, IncomingRequest, Method, OutgoingBody, OutgoingRequest, Scheme,
};
use crate::wasi::io::streams::StreamError;
use crate::{Outcome, ensure, header};

pub fn check(request: &IncomingRequest) -> Outcome {
    let url = header(request, "url")?;
    let authority = url.strip_prefix("http://").ok_or("no http URL")?;
    let headers = Fields::from_list(&[("Content-Length".to_owned(), b"13".to_vec())])
        .map_err(|e| e.to_string())?;
    let sent = OutgoingRequest::new(headers);
    let fits = sent.set_method(&Method::Post).is_ok()
        && sent.set_scheme(Some(&Scheme::Http)).is_ok()
        && sent.set_authority(Some(authority)).is_ok()
        && sent.set_path_with_query(Some("/")).is_ok();
    ensure(fits, "a request that can be sent")?;
    let body = sent.body().map_err(|()| "no body")?;
    let answer = outgoing_handler::handle(sent, None).map_err(|error| error_name(&error))?;
    // Where the answer is an error, nobody reads the body.
    let _ = written(body);
    answer.subscribe().block();
    let response = match answer.get() {
        Some(Ok(Ok(response))) => response,
        // A refusal has to come with the call, where SDKs look for it.
        Some(Ok(Err(error))) => return Err(format!("late: {error}")),
        _ => return Err("no answer".to_owned()),
    };
    ensure(response.status() == 200, "status 200")?;
    let body = response.consume().map_err(|()| "no body")?;
    let stream = body.stream().map_err(|()| "no stream")?;
    let mut whole = Vec::new();
    loop {
        match stream.blocking_read(4096) {
            Ok(bytes) => whole.extend(bytes),
            Err(StreamError::Closed) => return Ok(whole),
            Err(error) => return Err(error.to_string()),
        }
    }
}

fn written(body: OutgoingBody) -> Result<(), String> {
    let stream = body.write().map_err(|()| "no stream")?;
    stream.blocking_write_and_flush(b"Hello, world!").map_err(|error| error.to_string())?;
    drop(stream);
    OutgoingBody::finish(body, None).map_err(|error| error_name(&error))
}

/// As the binding generators of Rust print it: `ErrorCode::HttpRequestDenied`.
fn error_name(error: &ErrorCode) -> String {
    error.to_string()
}
