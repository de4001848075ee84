//! `wasi:config/store` and `wasi:logging`: `/config?key=`, `/all`,
//! `/log?level=&context=&msg=`. The two drafts of the configuration are the
//! same but for their name: `draft=rc1` asks the other one.

wit_bindgen::generate!({ world: "config", path: "../../wit/p2", generate_all });

#[path = "../../kit/http.rs"]
mod http;

use http::{Request, text};
use wasi::config0_2_0_draft_2024_09_27::store;
use wasi::config0_2_0_rc_1::store as store_rc1;
use wasi::http::types::{IncomingRequest, ResponseOutparam};
use wasi::logging0_1_0_draft::logging::{Level, log};

struct Guest;

impl exports::wasi::http::incoming_handler::Guest for Guest {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let request = Request::new(request);
        match request.path.as_str() {
            "/config" => config(&request, out),
            "/all" => all(&request, out),
            "/log" => write(&request, out),
            other => text(out, 404, &format!("no route {other}\n")),
        }
    }
}

fn config(request: &Request, out: ResponseOutparam) {
    let key = request.arg("key").unwrap_or("key");
    let found = if request.arg("draft") == Some("rc1") {
        store_rc1::get(key).map_err(|error| error.to_string())
    } else {
        store::get(key).map_err(|error| error.to_string())
    };
    match found {
        Ok(Some(value)) => text(out, 200, &value),
        Ok(None) => text(out, 404, "none\n"),
        Err(error) => text(out, 500, &format!("error: {error}\n")),
    }
}

fn all(request: &Request, out: ResponseOutparam) {
    let found = if request.arg("draft") == Some("rc1") {
        store_rc1::get_all().map_err(|error| error.to_string())
    } else {
        store::get_all().map_err(|error| error.to_string())
    };
    match found {
        Ok(mut pairs) => {
            pairs.sort();
            let lines = pairs.iter().map(|(key, value)| format!("{key}={value}\n"));
            text(out, 200, &lines.collect::<String>());
        }
        Err(error) => text(out, 500, &format!("error: {error}\n")),
    }
}

fn write(request: &Request, out: ResponseOutparam) {
    let level = match request.arg("level") {
        Some("trace") => Level::Trace,
        Some("debug") => Level::Debug,
        Some("warn") => Level::Warn,
        Some("error") => Level::Error,
        Some("critical") => Level::Critical,
        _ => Level::Info,
    };
    let context = request.arg("context").unwrap_or("guest");
    log(level, context, request.arg("msg").unwrap_or("hello"));
    text(out, 200, "logged");
}

export!(Guest);
