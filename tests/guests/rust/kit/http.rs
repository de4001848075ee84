//! Requests and responses over the bindings of the crate that includes this
//! file (`#[path = "../../kit/http.rs"] mod http;`); each guest generates its
//! own bindings, so a library crate could not name their types.
#![allow(dead_code)]

#[path = "query.rs"]
mod query;

use query::decode;

use crate::wasi::http::types::{
    Fields, IncomingBody, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use crate::wasi::io::streams::{InputStream, OutputStream, StreamError};

pub struct Request {
    pub method: String,
    /// The path alone, as it came (not decoded).
    pub path: String,
    /// Names and values of the query, decoded.
    pub query: Vec<(String, String)>,
    pub inner: IncomingRequest,
}

impl Request {
    pub fn new(inner: IncomingRequest) -> Self {
        let full = inner.path_with_query().unwrap_or_default();
        let (path, query) = full.split_once('?').unwrap_or((&full, ""));
        let query = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decode(name), decode(value))
            })
            .collect();
        Self { method: method_name(inner.method()), path: path.to_owned(), query, inner }
    }

    pub fn arg(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(given, _)| given == name);
        found.map(|(_, value)| value.as_str())
    }

    pub fn number(&self, name: &str, otherwise: u64) -> u64 {
        self.arg(name).and_then(|text| text.parse().ok()).unwrap_or(otherwise)
    }

    pub fn headers(&self) -> Vec<(String, Vec<u8>)> {
        self.inner.headers().entries()
    }

    pub fn body(&self) -> Body {
        let body = self.inner.consume().expect("the body is taken once");
        Body { stream: Some(body.stream().expect("the stream is taken once")), body: Some(body) }
    }
}

/// A request's or a response's body, read to its end.
pub struct Body {
    stream: Option<InputStream>,
    body: Option<IncomingBody>,
}

impl Body {
    pub fn of(body: IncomingBody) -> Self {
        Self { stream: Some(body.stream().expect("the stream is taken once")), body: Some(body) }
    }

    /// The next bytes, or None at the end; an error ends it too.
    pub fn next(&mut self) -> Result<Option<Vec<u8>>, String> {
        let Some(stream) = &self.stream else { return Ok(None) };
        match stream.blocking_read(65536) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(StreamError::Closed) => Ok(None),
            Err(StreamError::LastOperationFailed(error)) => Err(error.to_debug_string()),
        }
    }

    pub fn all(&mut self) -> Result<Vec<u8>, String> {
        let mut whole = Vec::new();
        while let Some(bytes) = self.next()? {
            whole.extend(bytes);
        }
        Ok(whole)
    }

    /// The trailers that came after the body, once it has been read.
    pub fn trailers(mut self) -> Vec<(String, Vec<u8>)> {
        drop(self.stream.take());
        let Some(body) = self.body.take() else { return Vec::new() };
        let future = IncomingBody::finish(body);
        future.subscribe().block();
        match future.get() {
            Some(Ok(Ok(Some(fields)))) => fields.entries(),
            _ => Vec::new(),
        }
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        // A child resource has to go before its parent.
        drop(self.stream.take());
    }
}

/// A response whose body is being written.
pub struct Response {
    stream: Option<OutputStream>,
    body: Option<OutgoingBody>,
}

impl Response {
    pub fn start(out: ResponseOutparam, status: u16, headers: &[(&str, &str)]) -> Self {
        let entries: Vec<_> =
            headers.iter().map(|(n, v)| (n.to_string(), v.as_bytes().to_vec())).collect();
        let fields = Fields::from_list(&entries).expect("the headers are valid");
        Self::with_fields(out, status, fields)
    }

    pub fn with_fields(out: ResponseOutparam, status: u16, fields: Fields) -> Self {
        let response = OutgoingResponse::new(fields);
        response.set_status_code(status).expect("the status is valid");
        let body = response.body().expect("the body is taken once");
        let stream = body.write().expect("the stream is taken once");
        ResponseOutparam::set(out, Ok(response));
        Self { stream: Some(stream), body: Some(body) }
    }

    /// Writes and flushes; false when nobody reads any more.
    pub fn write(&self, bytes: &[u8]) -> bool {
        self.stream.as_ref().is_some_and(|stream| write_all(stream, bytes).is_ok())
    }

    pub fn finish(self) {
        self.finish_with(&[]);
    }

    pub fn finish_with(mut self, trailers: &[(String, Vec<u8>)]) {
        drop(self.stream.take());
        let fields = (!trailers.is_empty())
            .then(|| Fields::from_list(trailers).expect("the trailers are valid"));
        if let Some(body) = self.body.take() {
            // The client may be gone: then there is nobody left to tell.
            let _ = OutgoingBody::finish(body, fields);
        }
    }
}

impl Drop for Response {
    fn drop(&mut self) {
        drop(self.stream.take());
    }
}

pub fn write_all(stream: &OutputStream, mut bytes: &[u8]) -> Result<(), StreamError> {
    while !bytes.is_empty() {
        let room = usize::try_from(stream.check_write()?).unwrap_or(usize::MAX);
        if room == 0 {
            stream.subscribe().block();
            continue;
        }
        let (now, later) = bytes.split_at(room.min(bytes.len()));
        stream.write(now)?;
        bytes = later;
    }
    stream.blocking_flush()
}

/// A whole response with a content-length.
pub fn respond(out: ResponseOutparam, status: u16, content_type: &str, body: &[u8]) {
    let length = body.len().to_string();
    let headers = [("content-type", content_type), ("content-length", length.as_str())];
    let response = Response::start(out, status, &headers);
    response.write(body);
    response.finish();
}

pub fn text(out: ResponseOutparam, status: u16, body: &str) {
    respond(out, status, "text/plain; charset=utf-8", body.as_bytes());
}

pub fn method_name(method: Method) -> String {
    match method {
        Method::Get => "GET".to_owned(),
        Method::Head => "HEAD".to_owned(),
        Method::Post => "POST".to_owned(),
        Method::Put => "PUT".to_owned(),
        Method::Delete => "DELETE".to_owned(),
        Method::Connect => "CONNECT".to_owned(),
        Method::Options => "OPTIONS".to_owned(),
        Method::Trace => "TRACE".to_owned(),
        Method::Patch => "PATCH".to_owned(),
        Method::Other(name) => name,
    }
}

pub fn method_of(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "CONNECT" => Method::Connect,
        "OPTIONS" => Method::Options,
        "TRACE" => Method::Trace,
        "PATCH" => Method::Patch,
        other => Method::Other(other.to_owned()),
    }
}
