//! A page on each thing that wasmCloud's own crate offers, as its examples use
//! it: WASI 0.2, `wasi:keyvalue` and `wasi:blobstore` at `0.2.0-draft`,
//! `wasmcloud:messaging@0.2.0`, `wasi:logging@0.1.0-draft`.
//!
//! `/count?key=` (increments), `/kv?key=&value=` (sets, then gets), `/keys`,
//! `/many` (three pairs at once), `/blob?name=` (the body, or `value=`, is
//! stored; answers what is then there), `/blobs`, `/publish?subject=&body=`,
//! `/request?subject=&body=`, `/log?msg=`.

#[path = "../../rust/kit/query.rs"]
mod query;

use std::io::{Read as _, Write as _};

use query::decode;
use wasmcloud_component::http::{self, ErrorCode, Response};
use wasmcloud_component::wasi::blobstore::blobstore;
use wasmcloud_component::wasi::blobstore::types::{IncomingValue, OutgoingValue};
use wasmcloud_component::wasi::keyvalue::{atomics, batch, store};
use wasmcloud_component::wasi::logging::logging::{Level, log};
use wasmcloud_component::wasmcloud::messaging::consumer;
use wasmcloud_component::wasmcloud::messaging::types::BrokerMessage;

struct Component;

http::export!(Component);

impl http::Server for Component {
    fn handle(
        request: http::IncomingRequest,
    ) -> http::Result<Response<impl http::OutgoingBody>, ErrorCode> {
        let (parts, mut body) = request.into_parts();
        let query = Query::of(parts.uri.query().unwrap_or_default());
        let outcome = match parts.uri.path() {
            "/count" => count(&query),
            "/kv" => kv(&query),
            "/keys" => keys(&query),
            "/many" => many(&query),
            "/blob" => {
                let mut bytes = query.get("value").as_bytes().to_vec();
                if parts.method == http::Method::POST {
                    bytes.clear();
                    let _ = body.read_to_end(&mut bytes);
                }
                blob(&query, &bytes)
            }
            "/blobs" => blobs(&query),
            "/publish" => publish(&query),
            "/request" => ask(&query),
            "/log" => {
                log(Level::Info, "guest", query.get("msg"));
                Ok("logged\n".to_owned())
            }
            other => Err(format!("no route {other}")),
        };
        let (status, text) = match outcome {
            Ok(text) => (200, text),
            Err(why) => (500, format!("error: {why}\n")),
        };
        Ok(Response::builder().status(status).body(text).expect("the status is valid"))
    }
}

struct Query(Vec<(String, String)>);

impl Query {
    fn of(text: &str) -> Self {
        let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
        Self(pairs.map(|(name, value)| (decode(name), decode(value))).collect())
    }

    fn find(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(given, _)| given == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Without a value it is its name.
    fn get<'a>(&'a self, name: &'a str) -> &'a str {
        self.find(name).unwrap_or(name)
    }
}

fn why(error: store::Error) -> String {
    match error {
        store::Error::NoSuchStore => "no-such-store".to_owned(),
        store::Error::AccessDenied => "access-denied".to_owned(),
        store::Error::Other(why) => why,
    }
}

fn bucket(query: &Query) -> Result<store::Bucket, String> {
    store::open(query.find("store").unwrap_or("default")).map_err(why)
}

fn count(query: &Query) -> Result<String, String> {
    let sum = atomics::increment(&bucket(query)?, query.get("key"), 1).map_err(why)?;
    Ok(format!("{sum}\n"))
}

fn kv(query: &Query) -> Result<String, String> {
    let bucket = bucket(query)?;
    if let Some(value) = query.find("value") {
        bucket.set(query.get("key"), value.as_bytes()).map_err(why)?;
    }
    let value = bucket.get(query.get("key")).map_err(why)?.ok_or("none")?;
    Ok(String::from_utf8_lossy(&value).into_owned())
}

fn keys(query: &Query) -> Result<String, String> {
    let mut keys = bucket(query)?.list_keys(None).map_err(why)?.keys;
    keys.sort();
    Ok(keys.join("\n"))
}

fn many(query: &Query) -> Result<String, String> {
    let bucket = bucket(query)?;
    let pair = |name: &str| (name.to_owned(), name.to_uppercase().into_bytes());
    batch::set_many(&bucket, &[pair("one"), pair("two"), pair("three")]).map_err(why)?;
    let names = ["one", "two", "four"].map(str::to_owned);
    let found = batch::get_many(&bucket, &names).map_err(why)?;
    let line = |pair: &Option<(String, Vec<u8>)>| match pair {
        Some((name, value)) => format!("{name}={}\n", String::from_utf8_lossy(value)),
        None => "none\n".to_owned(),
    };
    Ok(found.iter().map(line).collect())
}

fn container(query: &Query) -> Result<blobstore::Container, String> {
    let name = query.find("container").unwrap_or("default").to_owned();
    match blobstore::container_exists(&name)? {
        true => blobstore::get_container(&name),
        false => blobstore::create_container(&name),
    }
}

fn blob(query: &Query, bytes: &[u8]) -> Result<String, String> {
    let container = container(query)?;
    let name = query.get("name").to_owned();
    let value = OutgoingValue::new_outgoing_value();
    let mut stream = value.outgoing_value_write_body().map_err(|()| "no stream")?;
    container.write_data(&name, &value)?;
    stream.write_all(bytes).map_err(|error| error.to_string())?;
    drop(stream);
    OutgoingValue::finish(value)?;
    let size = container.object_info(&name)?.size;
    let stored = container.get_data(&name, 0, size)?;
    let mut stream = IncomingValue::incoming_value_consume_async(stored)?;
    let mut found = Vec::new();
    stream.read_to_end(&mut found).map_err(|error| error.to_string())?;
    Ok(format!("{size} {}", String::from_utf8_lossy(&found)))
}

fn blobs(query: &Query) -> Result<String, String> {
    let mut names = container(query)?.list_objects()?.read_stream_object_names(100)?.0;
    names.sort();
    Ok(names.join("\n"))
}

fn publish(query: &Query) -> Result<String, String> {
    let (subject, body) = (query.get("subject").to_owned(), query.get("body").into());
    consumer::publish(&BrokerMessage { subject, body, reply_to: None })?;
    Ok("ok\n".to_owned())
}

fn ask(query: &Query) -> Result<String, String> {
    let reply = consumer::request(query.get("subject"), query.get("body").as_bytes(), 2000)?;
    Ok(String::from_utf8_lossy(&reply.body).into_owned())
}
