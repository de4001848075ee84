//! `wasmcloud:secrets@2.1.0` and `wasi:config/store@0.2.0-rc.1`.
//!
//! `/reveal?key=` the value, `string:…` or `bytes:` in hexadecimal; `/has?key=`
//! asks for the secret and doesn't reveal it; `/twice?key=` reveals one handle
//! two times; `/config?key=`, `/all` (`key=value`, sorted). Errors: 404
//! `error: not-found`, 500 `error: upstream(words)`, `error: io(words)`.

wit_bindgen::generate!({
    world: "paddock:services/secrets",
    path: [
        "../../wit/p3",
        "../../wit/p2/deps/wasi-config-rc1.wit",
        "../../wit/p2/deps/wasi-keyvalue-draft2.wit",
        "../../wit/services3",
    ],
    generate_all,
});

#[path = "../../kit/args.rs"]
mod args;
#[path = "../../kit/http3.rs"]
mod http;
#[path = "../../kit/shown.rs"]
mod shown;

use exports::wasi::http::handler::Guest;
use http::{split, text};
use shown::hex;
use wasi::config::store as config;
use wasi::http::types::{ErrorCode, Request, Response};
use wasmcloud::secrets::reveal::reveal;
use wasmcloud::secrets::store::{self, Secret, SecretValue, SecretsError};

struct Secrets;

impl Guest for Secrets {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let (path, query) = split(&request.get_path_with_query().unwrap_or_default());
        let key = args::text(&query, "key", "key");
        Ok(match path.as_str() {
            "/reveal" | "/has" | "/twice" => match store::get(key.to_owned()).await {
                Ok(secret) => text(200, &secret_shown(&path, &secret).await),
                Err(SecretsError::NotFound) => text(404, "error: not-found\n"),
                Err(SecretsError::Upstream(why)) => text(500, &format!("error: upstream({why})\n")),
                Err(SecretsError::Io(why)) => text(500, &format!("error: io({why})\n")),
            },
            "/config" => match config::get(key) {
                Ok(Some(value)) => text(200, &value),
                Ok(None) => text(404, "none\n"),
                Err(error) => text(500, &format!("error: {}\n", why(error))),
            },
            "/all" => match config::get_all() {
                Ok(mut pairs) => {
                    pairs.sort();
                    let lines = pairs.iter().map(|(key, value)| format!("{key}={value}\n"));
                    text(200, &lines.collect::<String>())
                }
                Err(error) => text(500, &format!("error: {}\n", why(error))),
            },
            other => text(404, &format!("no route {other}\n")),
        })
    }
}

fn why(error: config::Error) -> String {
    match error {
        config::Error::Upstream(why) => format!("upstream({why})"),
        config::Error::Io(why) => format!("io({why})"),
    }
}

async fn secret_shown(path: &str, secret: &Secret) -> String {
    let times = match path {
        "/reveal" => 1,
        "/twice" => 2,
        _ => return "there\n".to_owned(),
    };
    let mut lines = String::new();
    for _ in 0..times {
        match reveal(secret).await {
            SecretValue::String(words) => lines.push_str(&format!("string:{words}\n")),
            SecretValue::Bytes(bytes) => lines.push_str(&format!("bytes:{}\n", hex(&bytes))),
        }
    }
    lines
}

export!(Secrets);
