//! Routes over `spin:key-value@3.0.0` and `spin:variables@3.0.0`, whose
//! functions are async: `/get /set /delete /exists /keys`, each with `store=`
//! and `key=`, and `/variable?name=`.

wit_bindgen::generate!({ world: "kv", path: "../../wit/p3", generate_all });

#[path = "../../kit/http3.rs"]
mod http;

use exports::wasi::http::handler::Guest;
use http::{split, text};
use spin::key_value::key_value::{Error, Store};
use spin::variables::variables;
use wasi::http::types::{ErrorCode, Request, Response};

struct Kv3;

impl Guest for Kv3 {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let (path, query) = split(&request.get_path_with_query().unwrap_or_default());
        let arg = |name: &str, otherwise: &str| {
            let found = query.iter().find(|(given, _)| given == name);
            found.map_or(otherwise.to_owned(), |(_, value)| value.clone())
        };
        if path == "/variable" {
            return Ok(match variables::get(arg("name", "name")).await {
                Ok(value) => text(200, &value),
                Err(error) => text(404, &format!("error: {error}\n")),
            });
        }
        let (key, value) = (arg("key", "key"), arg("value", ""));
        let answer = match Store::open(arg("store", "default")).await {
            Ok(store) => route(&store, &path, key, value).await,
            Err(error) => Err(error),
        };
        Ok(match answer {
            Ok(Some(body)) => text(200, &body),
            Ok(None) => text(404, "none\n"),
            Err(Error::AccessDenied) => text(403, "error: access-denied\n"),
            Err(Error::NoSuchStore) => text(404, "error: no-such-store\n"),
            Err(error) => text(500, &format!("error: {error}\n")),
        })
    }
}

async fn route(
    store: &Store,
    path: &str,
    key: String,
    value: String,
) -> Result<Option<String>, Error> {
    match path {
        "/get" => {
            let found = store.get(key).await?;
            Ok(found.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
        }
        "/set" => store.set(key, value.into_bytes()).await.map(|()| Some("ok".to_owned())),
        "/delete" => store.delete(key).await.map(|()| Some("ok".to_owned())),
        "/exists" => Ok(Some(store.exists(key).await?.to_string())),
        "/keys" => {
            let (names, end) = store.get_keys().await;
            let mut keys = names.collect().await;
            end.await?;
            keys.sort();
            Ok(Some(keys.iter().map(|key| format!("{key}\n")).collect()))
        }
        other => Err(Error::Other(format!("no route {other}"))),
    }
}

export!(Kv3);
