//! Requests to elsewhere: other hosts, other components, ourselves.

use crate::http::{Body, Request, Response, method_of, text, write_all};
use crate::wasi::http::outgoing_handler;
use crate::wasi::http::types::{
    ErrorCode, Fields, IncomingResponse, OutgoingBody, OutgoingRequest, RequestOptions,
    ResponseOutparam, Scheme,
};

/// `url=http://host/path`; a `url` that begins with `/` goes to the application
/// itself. The body of the request is sent on, `timeout` (ms) limits the wait
/// for the first byte.
pub fn call(request: &Request, out: ResponseOutparam) {
    match request.arg("url") {
        Some(url) => forward(request, url, out),
        None => text(out, 400, "url is missing"),
    }
}

pub fn chain(request: &Request, out: ResponseOutparam) {
    let to = request.arg("to").unwrap_or("hello");
    let domain = request.arg("domain").unwrap_or("spin.internal");
    let path = request.arg("path").unwrap_or("/");
    forward(request, &format!("http://{to}.{domain}{path}"), out);
}

fn forward(request: &Request, url: &str, out: ResponseOutparam) {
    match send(request, url) {
        Ok(answer) => relay(&answer, out),
        Err(problem) => text(out, 502, &format!("error: {problem}\n")),
    }
}

fn send(request: &Request, url: &str) -> Result<IncomingResponse, String> {
    let outgoing = build(request, url)?;
    let body = outgoing.body().map_err(|()| "no body")?;
    let options = RequestOptions::new();
    if let Some(limit) = request.arg("timeout").and_then(|text| text.parse::<u64>().ok()) {
        let limit = Some(limit * 1_000_000);
        options.set_first_byte_timeout(limit).map_err(|()| "timeout refused")?;
        options.set_connect_timeout(limit).map_err(|()| "timeout refused")?;
    }
    let future = outgoing_handler::handle(outgoing, Some(options)).map_err(show)?;
    let stream = body.write().map_err(|()| "no stream")?;
    let mut source = request.body();
    while let Some(bytes) = source.next()? {
        if write_all(&stream, &bytes).is_err() {
            break;
        }
    }
    drop(stream);
    OutgoingBody::finish(body, None).map_err(show)?;
    future.subscribe().block();
    match future.get() {
        Some(Ok(Ok(answer))) => Ok(answer),
        Some(Ok(Err(code))) => Err(show(code)),
        _ => Err("no answer".to_owned()),
    }
}

fn build(request: &Request, url: &str) -> Result<OutgoingRequest, String> {
    let fields = Fields::new();
    for (name, value) in request.headers() {
        if name.starts_with("x-") || name == "content-type" {
            fields.append(&name, &value).map_err(|error| error.to_string())?;
        }
    }
    let outgoing = OutgoingRequest::new(fields);
    let method = request.arg("method").unwrap_or(&request.method);
    outgoing.set_method(&method_of(method)).map_err(|()| "method refused")?;
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let scheme = match scheme {
        "" => None,
        "http" => Some(Scheme::Http),
        "https" => Some(Scheme::Https),
        other => Some(Scheme::Other(other.to_owned())),
    };
    outgoing.set_scheme(scheme.as_ref()).map_err(|()| "scheme refused")?;
    let authority = (!authority.is_empty()).then_some(authority);
    outgoing.set_authority(authority).map_err(|()| "authority refused")?;
    let path = if path.is_empty() { "/" } else { path };
    outgoing.set_path_with_query(Some(path)).map_err(|()| "path refused")?;
    Ok(outgoing)
}

fn relay(answer: &IncomingResponse, out: ResponseOutparam) {
    let fields = Fields::new();
    for (name, value) in answer.headers().entries() {
        if name.starts_with("x-") || name == "content-type" {
            fields.append(&name, &value).expect("the header came over the wire");
        }
    }
    let body = answer.consume().expect("the body is taken once");
    let mut body = Body::of(body);
    let response = Response::with_fields(out, answer.status(), fields);
    loop {
        match body.next() {
            Ok(Some(bytes)) if response.write(&bytes) => {}
            Ok(None) => return response.finish(),
            // Without `finish` the host tells the client that the body is cut.
            Ok(Some(_)) | Err(_) => return,
        }
    }
}

fn show(code: ErrorCode) -> String {
    format!("{code:?}")
}
