//! Whole answers, and bodies of a bounded size.

use serde::Serialize;

use crate::wasi::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use crate::wasi::io::streams::StreamError;

pub struct Answer {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Answer {
    pub fn new(status: u16, content_type: &str, body: Vec<u8>) -> Self {
        let headers = [
            ("content-type", content_type),
            ("content-length", &body.len().to_string()),
            ("cache-control", "no-store"),
            // The page loads nothing but its own two files and the API.
            ("content-security-policy", "default-src 'self'; base-uri 'none'; form-action 'self'"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
        ];
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.as_bytes().to_vec());
        Self { status, headers: headers.map(owned).to_vec(), body }
    }

    pub fn json<T: Serialize>(status: u16, value: &T) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => Self::new(status, "application/json", body),
            Err(_) => Self::new(500, "application/json", b"{}".to_vec()),
        }
    }

    pub fn error(status: u16, message: &str) -> Self {
        Self::json(status, &serde_json::json!({ "error": message }))
    }

    /// 405: the path is known, the method is not one of `allowed`.
    pub fn refused(allowed: &str) -> Self {
        let mut answer = Self::error(405, "this method is not for this path");
        answer.headers.push(("allow".to_owned(), allowed.as_bytes().to_vec()));
        answer
    }

    pub fn send(self, out: ResponseOutparam, without_body: bool) {
        let fields = Fields::from_list(&self.headers).expect("the headers are our own");
        let response = OutgoingResponse::new(fields);
        response.set_status_code(self.status).expect("the status is our own");
        let outgoing = response.body().expect("the body is taken once");
        ResponseOutparam::set(out, Ok(response));
        if !without_body {
            let stream = outgoing.write().expect("the stream is taken once");
            // One call takes 4,096 bytes at most. An error means that the
            // visitor has left: then nobody is there to be told.
            for part in self.body.chunks(4096) {
                if stream.blocking_write_and_flush(part).is_err() {
                    break;
                }
            }
        }
        let _ = OutgoingBody::finish(outgoing, None);
    }
}

/// The request's body, or the answer to give when it is too long or broken.
pub fn read_body(request: &IncomingRequest, limit: usize) -> Result<Vec<u8>, Answer> {
    let broken = |_| Answer::error(400, "the request's body did not arrive");
    let incoming = request.consume().map_err(broken)?;
    let stream = incoming.stream().map_err(broken)?;
    let mut body = Vec::new();
    loop {
        match stream.blocking_read(8192) {
            Ok(part) => body.extend(part),
            Err(StreamError::Closed) => return Ok(body),
            Err(StreamError::LastOperationFailed(_)) => return Err(broken(())),
        }
        if body.len() > limit {
            return Err(Answer::error(413, "that is too long for a guestbook"));
        }
    }
}
