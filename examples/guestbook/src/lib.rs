//! A guestbook: a page, a JSON API, entries in a key-value store.
//!
//! `GET /api/entries` gives the newest entries first; `POST /api/entries` with
//! `{"name": ..., "message": ...}` adds one. Everything else is the page.

wit_bindgen::generate!({ world: "guestbook", path: "wit", generate_all });

mod book;
mod http;

use exports::wasi::http::incoming_handler::Guest;
use http::{Answer, read_body};
use wasi::config::store as config;
use wasi::http::types::{IncomingRequest, Method, ResponseOutparam};

const PAGE: &str = include_str!("../page/index.html");
const STYLE: &str = include_str!("../page/style.css");
const SCRIPT: &str = include_str!("../page/app.js");

struct Guestbook;

impl Guest for Guestbook {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        let path = path.split('?').next().unwrap_or_default();
        let method = request.method();
        let answer = match (path, &method) {
            ("/api/entries", Method::Get | Method::Head) => list(),
            ("/api/entries", Method::Post) => add(&request),
            ("/api/entries", _) => Answer::refused("GET, HEAD, POST"),
            ("/" | "/style.css" | "/app.js", Method::Get | Method::Head) => page(path),
            ("/" | "/style.css" | "/app.js", _) => Answer::refused("GET, HEAD"),
            _ => Answer::error(404, "there is nothing here"),
        };
        answer.send(out, matches!(method, Method::Head));
    }
}

fn list() -> Answer {
    match book::newest() {
        Ok(entries) => Answer::json(200, &entries),
        Err(why) => unavailable(&why),
    }
}

fn add(request: &IncomingRequest) -> Answer {
    let body = match read_body(request, book::MAX_BODY) {
        Ok(body) => body,
        Err(answer) => return answer,
    };
    match book::Draft::parse(&body) {
        Err(problem) => Answer::error(400, problem),
        Ok(draft) => match book::add(draft) {
            Ok(entry) => Answer::json(201, &entry),
            Err(why) => unavailable(&why),
        },
    }
}

fn page(path: &str) -> Answer {
    match path {
        "/style.css" => Answer::new(200, "text/css; charset=utf-8", STYLE.into()),
        "/app.js" => Answer::new(200, "text/javascript; charset=utf-8", SCRIPT.into()),
        _ => {
            let html = PAGE
                .replace("{{title}}", &setting("title", "Guestbook"))
                .replace("{{greeting}}", &setting("greeting", "Leave a line."));
            Answer::new(200, "text/html; charset=utf-8", html.into())
        }
    }
}

/// A value of the application's configuration, safe to stand in HTML.
fn setting(name: &str, otherwise: &str) -> String {
    let value = config::get(name).ok().flatten().unwrap_or_else(|| otherwise.to_owned());
    let mut safe = String::with_capacity(value.len());
    for letter in value.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// The reason goes to the log; the visitor only learns that it did not work.
fn unavailable(why: &str) -> Answer {
    eprintln!("the store did not answer: {why}");
    Answer::error(503, "the guestbook can't be opened just now")
}

export!(Guestbook);
