//! `wasmcloud:keyvalue@0.2.0`: store, atomics, cas and batch.
//!
//! The routes of the key-value guests (`store=`, `key=`, `value=`), with
//! `/set?ttl=MILLISECONDS&new` (`new`: only if there is none), `/keys?prefix=`,
//! `/incr?by=`, `/cas?value=&meanwhile=&by=version|value|nothing`.

wit_bindgen::generate!({
    world: "paddock:services/kv-wasmcloud",
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

use args::Query;
use exports::wasi::http::handler::Guest;
use http::{split, text};
use wasi::http::types::{ErrorCode, Request, Response};
use wasmcloud::keyvalue::cas::{self, CasOptions, CasResult, Entry};
use wasmcloud::keyvalue::types::{Bucket, Error, SetOptions};
use wasmcloud::keyvalue::{atomics, batch, store};

struct Kv;

impl Guest for Kv {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let (path, query) = split(&request.get_path_with_query().unwrap_or_default());
        let answer = match store::open(args::text(&query, "store", "default").to_owned()).await {
            Ok(bucket) => route(&bucket, &path, &query).await,
            Err(error) => Err(error),
        };
        Ok(match answer {
            Ok(Some(body)) => text(200, &body),
            Ok(None) => text(404, "none\n"),
            Err(error) => failed(error),
        })
    }
}

fn failed(error: Error) -> Response {
    let (status, name) = match &error {
        Error::NoSuchStore => (404, "no-such-store"),
        Error::AccessDenied => (403, "access-denied"),
        Error::InvalidArgument => (400, "invalid-argument"),
        Error::PreconditionFailed => (412, "precondition-failed"),
        Error::Timeout => (504, "timeout"),
        Error::StoreUnavailable => (503, "store-unavailable"),
        Error::QuotaExceeded => (507, "quota-exceeded"),
        Error::Other(why) => (500, why.as_str()),
    };
    text(status, &format!("error: {name}\n"))
}

async fn route(bucket: &Bucket, path: &str, query: &Query) -> Result<Option<String>, Error> {
    let key = args::text(query, "key", "key").to_owned();
    let value = args::text(query, "value", "").as_bytes().to_vec();
    let ok = |()| Some("ok".to_owned());
    match path {
        "/get" => Ok(bucket.get(key).await?.map(|value| shown(&value))),
        "/set" => bucket.set(key, value, options(query)).await.map(ok),
        "/delete" => bucket.delete(key).await.map(ok),
        "/exists" => bucket.exists(key).await.map(|there| Some(there.to_string())),
        "/keys" => keys(bucket, args::one(query, "prefix")).await.map(Some),
        "/incr" => {
            let sum = atomics::increment(bucket, key, args::number(query, "by", 1)).await?;
            Ok(Some(sum.to_string()))
        }
        "/cas" => swap(bucket, key, value, query).await.map(Some),
        "/get-many" => {
            let wanted = names(query);
            let found = batch::get_many(bucket, wanted.clone()).await?;
            let lines = wanted.iter().zip(found).map(|(key, pair)| match pair {
                Some((key, value)) => format!("{key}={}\n", shown(&value)),
                None => format!("{key} none\n"),
            });
            Ok(Some(lines.collect()))
        }
        "/set-many" => batch::set_many(bucket, pairs(query)).await.map(ok),
        "/delete-many" => batch::delete_many(bucket, names(query)).await.map(ok),
        other => Err(Error::Other(format!("no route {other}"))),
    }
}

fn shown(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}

/// None when the request names none of them.
fn options(query: &Query) -> Option<SetOptions> {
    let ttl_ms = args::one(query, "ttl").and_then(|ms| ms.parse().ok());
    let if_not_exists = args::one(query, "new").is_some();
    (ttl_ms.is_some() || if_not_exists).then_some(SetOptions { ttl_ms, if_not_exists })
}

async fn keys(bucket: &Bucket, prefix: Option<&str>) -> Result<String, Error> {
    let prefix = prefix.map(str::to_owned);
    let mut page = bucket.list_keys(prefix.clone(), None).await?;
    let mut keys = page.keys;
    while let Some(cursor) = page.cursor {
        page = bucket.list_keys(prefix.clone(), Some(cursor)).await?;
        keys.append(&mut page.keys);
    }
    keys.sort();
    Ok(keys.iter().map(|key| format!("{key}\n")).collect())
}

async fn swap(
    bucket: &Bucket,
    key: String,
    value: Vec<u8>,
    query: &Query,
) -> Result<String, Error> {
    let before = cas::current(bucket, key.clone()).await?;
    if let Some(meanwhile) = args::one(query, "meanwhile") {
        bucket.set(key.clone(), meanwhile.as_bytes().to_vec(), None).await?;
    }
    let entry_shown = |entry: Option<&Entry>| match entry {
        Some(entry) => shown(&entry.value),
        None => "none".to_owned(),
    };
    let by = args::text(query, "by", "version");
    let require_version = before.as_ref().filter(|_| by == "version");
    let require_value = before.as_ref().filter(|_| by == "value");
    let options = CasOptions {
        require_version: require_version.map(|entry| entry.version.clone()),
        require_value: require_value.map(|entry| entry.value.clone()),
    };
    Ok(match cas::swap(bucket, key, value, options).await? {
        CasResult::Swapped => format!("swapped, before: {}", entry_shown(before.as_ref())),
        CasResult::Stale(entry) => format!("failed, now: {}", entry_shown(entry.as_ref())),
    })
}

/// `keys=a,b,c`
fn names(query: &Query) -> Vec<String> {
    let keys = args::text(query, "keys", "").split(',');
    keys.filter(|key| !key.is_empty()).map(str::to_owned).collect()
}

/// `pairs=a:1,b:2`
fn pairs(query: &Query) -> Vec<(String, Vec<u8>)> {
    let pairs = args::text(query, "pairs", "").split(',');
    pairs
        .filter_map(|pair| pair.split_once(':'))
        .map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec()))
        .collect()
}

export!(Kv);
