//! Routes over a key-value store, the same for every interface there is.
//!
//! `/get /set /delete /exists /keys /incr /cas /get-many /set-many
//! /delete-many`, each with `store=` (default: `default`) and `key=`; a value
//! comes as `value=` or as the body. Errors answer 403, 404 or 500 with the
//! interface's own name of the error.
#![allow(dead_code)]

use crate::http::{Request, respond, text};
use crate::wasi::http::types::ResponseOutparam;

pub enum Failure {
    NoSuchStore,
    AccessDenied,
    Other(String),
}

pub type Outcome<T> = Result<T, Failure>;

/// What a guest's own interface has to offer; the rest answers 501.
pub trait Store: Sized {
    fn open(name: &str) -> Outcome<Self>;
    fn get(&self, key: &str) -> Outcome<Option<Vec<u8>>>;
    fn set(&self, key: &str, value: &[u8]) -> Outcome<()>;
    fn delete(&self, key: &str) -> Outcome<()>;
    fn exists(&self, key: &str) -> Outcome<bool>;
    fn keys(&self) -> Outcome<Vec<String>>;

    fn increment(&self, _key: &str, _by: i64) -> Outcome<i64> {
        Err(Failure::Other("not in this interface".to_owned()))
    }

    /// `meanwhile` is written between reading and swapping, to make it fail.
    fn swap(&self, _key: &str, _value: &[u8], _meanwhile: Option<&str>) -> Outcome<String> {
        Err(Failure::Other("not in this interface".to_owned()))
    }

    fn get_many(&self, _keys: &[String]) -> Outcome<Vec<(String, Option<Vec<u8>>)>> {
        Err(Failure::Other("not in this interface".to_owned()))
    }

    fn set_many(&self, _pairs: &[(String, Vec<u8>)]) -> Outcome<()> {
        Err(Failure::Other("not in this interface".to_owned()))
    }

    fn delete_many(&self, _keys: &[String]) -> Outcome<()> {
        Err(Failure::Other("not in this interface".to_owned()))
    }
}

/// Answers one of the routes above; false when the path is none of them.
pub fn answer<S: Store>(request: &Request, out: ResponseOutparam) {
    let key = request.arg("key").unwrap_or("key");
    let outcome = S::open(request.arg("store").unwrap_or("default"))
        .and_then(|store| route(&store, request, key));
    match outcome {
        Ok(Some(body)) => respond(out, 200, "text/plain", &body),
        Ok(None) => text(out, 404, "none\n"),
        Err(Failure::AccessDenied) => text(out, 403, "error: access-denied\n"),
        Err(Failure::NoSuchStore) => text(out, 404, "error: no-such-store\n"),
        Err(Failure::Other(why)) => text(out, 500, &format!("error: {why}\n")),
    }
}

fn route<S: Store>(store: &S, request: &Request, key: &str) -> Outcome<Option<Vec<u8>>> {
    let done = |()| Some(b"ok".to_vec());
    match request.path.as_str() {
        "/get" => store.get(key),
        "/set" => store.set(key, &value(request)).map(done),
        "/delete" => store.delete(key).map(done),
        "/exists" => store.exists(key).map(|there| Some(there.to_string().into_bytes())),
        "/keys" => store.keys().map(|keys| Some(sorted(keys))),
        "/incr" => {
            let by = request.arg("by").and_then(|by| by.parse().ok()).unwrap_or(1);
            store.increment(key, by).map(|sum| Some(sum.to_string().into_bytes()))
        }
        "/cas" => {
            let outcome = store.swap(key, &value(request), request.arg("meanwhile"));
            outcome.map(|text| Some(text.into_bytes()))
        }
        "/get-many" => store.get_many(&names(request)).map(|found| Some(shown(&found))),
        "/set-many" => store.set_many(&pairs(request)).map(done),
        "/delete-many" => store.delete_many(&names(request)).map(done),
        other => Err(Failure::Other(format!("no route {other}"))),
    }
}

fn value(request: &Request) -> Vec<u8> {
    match request.arg("value") {
        Some(value) => value.as_bytes().to_vec(),
        None => request.body().all().unwrap_or_default(),
    }
}

/// `keys=a,b,c`
fn names(request: &Request) -> Vec<String> {
    let keys = request.arg("keys").unwrap_or_default();
    keys.split(',').filter(|key| !key.is_empty()).map(str::to_owned).collect()
}

/// `pairs=a:1,b:2`
fn pairs(request: &Request) -> Vec<(String, Vec<u8>)> {
    let pairs = request.arg("pairs").unwrap_or_default().split(',');
    pairs
        .filter_map(|pair| pair.split_once(':'))
        .map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec()))
        .collect()
}

fn sorted(mut keys: Vec<String>) -> Vec<u8> {
    keys.sort();
    keys.iter().map(|key| format!("{key}\n")).collect::<String>().into_bytes()
}

fn shown(found: &[(String, Option<Vec<u8>>)]) -> Vec<u8> {
    let line = |(key, value): &(String, Option<Vec<u8>>)| match value {
        Some(value) => format!("{key}={}\n", String::from_utf8_lossy(value)),
        None => format!("{key} none\n"),
    };
    found.iter().map(line).collect::<String>().into_bytes()
}
