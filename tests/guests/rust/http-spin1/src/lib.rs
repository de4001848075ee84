//! `fermyon:spin/inbound-http` and `fermyon:spin/http` of Spin 1. By the end of
//! the path: `/echo` (the body), `/request` (method, URI, number of parameters,
//! then the headers, one a line), `/send?url=&method=` (sends the body and the
//! headers `x-…` on), `/status?n=`, `/header?name=&value=`, `/nothing` (neither
//! headers nor body), `/long?n=` (n bytes), `/trap`, `/loop`, `/count` (more than
//! 1 in a reused instance).

wit_bindgen::generate!({
    world: "paddock:triggers/http1",
    path: "../../wit/triggers",
    generate_all,
});

#[path = "../../kit/args.rs"]
mod args;
#[path = "../../kit/query.rs"]
mod query;

use std::sync::atomic::{AtomicUsize, Ordering};

use exports::fermyon::spin::inbound_http::Guest;
use fermyon::spin::http::send_request;
use fermyon::spin::http_types::{Method, Request, Response};
use query::decode;

static COUNT: AtomicUsize = AtomicUsize::new(0);

struct Component;

impl Guest for Component {
    fn handle_request(request: Request) -> Response {
        let (path, query) = request.uri.split_once('?').unwrap_or((&request.uri, ""));
        let pair = |part: &str| part.split_once('=').map(|(name, value)| (decode(name), decode(value)));
        let query: Vec<_> = query.split('&').filter_map(pair).collect();
        match path.to_owned().rsplit('/').next().unwrap_or_default() {
            "echo" => answer(200, request.body.unwrap_or_default()),
            "request" => answer(200, shown(&request).into_bytes()),
            "send" => send(args::text(&query, "url", "/"), args::text(&query, "method", "get"), request),
            "status" => answer(args::number(&query, "n", 200), Vec::new()),
            "header" => {
                let pair = (args::text(&query, "name", "x").into(), args::text(&query, "value", "y").into());
                Response { status: 200, headers: Some(vec![pair]), body: None }
            }
            "nothing" => Response { status: 200, headers: None, body: None },
            "long" => answer(200, vec![b'x'; args::number(&query, "n", 0)]),
            "trap" => panic!("a secret that no client may see"),
            "loop" => loop {
                std::hint::spin_loop();
            },
            "count" => answer(200, (COUNT.fetch_add(1, Ordering::Relaxed) + 1).to_string().into_bytes()),
            other => answer(404, format!("no route {other}").into_bytes()),
        }
    }
}

fn answer(status: u16, body: Vec<u8>) -> Response {
    let headers = vec![("content-type".into(), "text/plain".into()), ("x-guest".into(), "spin1".into())];
    Response { status, headers: Some(headers), body: Some(body) }
}

fn shown(request: &Request) -> String {
    let mut headers = request.headers.clone();
    headers.sort();
    let head = format!("{:?} {} {} parameters\n", request.method, request.uri, request.params.len());
    headers.iter().fold(head, |text, (name, value)| text + &format!("{name}: {value}\n"))
}

fn send(url: &str, method: &str, request: Request) -> Response {
    let method = match method {
        "post" => Method::Post,
        "head" => Method::Head,
        _ => Method::Get,
    };
    let headers = request.headers.into_iter().filter(|(name, _)| name.starts_with("x-")).collect();
    let sent = Request { method, uri: url.into(), headers, params: Vec::new(), body: request.body };
    match send_request(&sent) {
        Ok(response) => {
            let mut lines = format!("{}\n", response.status).into_bytes();
            lines.extend(response.body.unwrap_or_default());
            answer(200, lines)
        }
        Err(error) => answer(502, format!("error: {}", error.name()).into_bytes()),
    }
}

export!(Component);
