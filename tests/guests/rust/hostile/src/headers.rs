//! Headers that break the rules of HTTP, or would if the host let them.

use crate::http::{Request, Response, text};
use crate::wasi::http::types::{Fields, ResponseOutparam};

/// Valid in HTTP (RFC 9110, obs-text), though not UTF-8.
pub fn bytes(out: ResponseOutparam) {
    let fields = Fields::new();
    let outcome = fields.append("x-bytes", &[b'a', 0xff, 0xfe, b'z']);
    let body = format!("x-bytes: {}\n", shown(outcome.map(|()| "accepted")));
    let response = Response::with_fields(out, 200, fields);
    response.write(body.as_bytes());
    response.finish();
}

/// What the host says to each attempt; all that it takes are then really sent.
pub fn injection(out: ResponseOutparam) {
    let attempts: [(&str, &[u8]); 9] = [
        ("x-crlf", b"a\r\nx-injected: yes"),
        ("x-lf", b"a\nx-injected: yes"),
        ("x-cr", b"a\rx-injected: yes"),
        ("x-split", b"a\r\n\r\n<html>injected</html>"),
        ("x-zero", b"a\0b"),
        ("x-name\r\nx-injected", b"yes"),
        ("x name", b"yes"),
        ("x-name:", b"yes"),
        ("", b"yes"),
    ];
    attempt(&attempts, out);
}

/// Headers by which a guest would speak for the host (RFC 9110, 7.6.1).
pub fn forbidden(out: ResponseOutparam) {
    let attempts: [(&str, &[u8]); 7] = [
        ("connection", b"close"),
        ("keep-alive", b"timeout=1"),
        ("transfer-encoding", b"chunked"),
        ("upgrade", b"h2c"),
        ("proxy-connection", b"close"),
        ("host", b"elsewhere.example"),
        ("http2-settings", b"AAMAAABkAAQAAP__"),
    ];
    attempt(&attempts, out);
}

pub fn huge(request: &Request, out: ResponseOutparam) {
    let fields = Fields::new();
    let value = [b'x'; 1000];
    let count = request.number("n", 100_000);
    let taken = (0..count)
        .take_while(|number| fields.append(&format!("x-{number}"), &value).is_ok())
        .count();
    eprintln!("{taken} of {count} headers were taken");
    Response::with_fields(out, 200, fields).finish();
}

fn attempt(attempts: &[(&str, &[u8])], out: ResponseOutparam) {
    let fields = Fields::new();
    let mut body = String::new();
    for (name, value) in attempts {
        let outcome = fields.append(name, value).map(|()| "accepted");
        body.push_str(&format!("{name:?}: {}\n", shown(outcome)));
    }
    let accepted = body.contains("accepted");
    if !accepted {
        return text(out, 200, &body);
    }
    let response = Response::with_fields(out, 200, fields);
    response.write(body.as_bytes());
    response.finish();
}

fn shown<E: std::fmt::Debug>(outcome: Result<&str, E>) -> String {
    match outcome {
        Ok(text) => text.to_owned(),
        Err(error) => format!("refused, {error:?}"),
    }
}
