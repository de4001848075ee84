//! `wasi:blobstore@0.2.0-draft`.
//!
//! Containers, `container=` (else `default`): `/create /exists /drop /info
//! /list?page=&skip= /clear`. Objects, `name=`: `/write` (`value=` or the
//! body, streamed on), `/make?size=` (that many bytes, the letters a to z over
//! and over); with `order=late` both tell the container only when the bytes
//! are written. `/read?start=&end=` (at once), `/stream?start=&end=` (the
//! object's stream is the answer), `/sum?start=&end=` (reads the stream:
//! "N bytes, checksum"), `/peek?n=` (reads n bytes and drops the stream),
//! `/has /object-info /delete`, `/delete-many?names=a,b`,
//! `/copy?to=&to-container=`, `/move?to=&to-container=`, `/abandon` (writes
//! but never finishes). Ends are inclusive; without one it is the last byte
//! there can be.

wit_bindgen::generate!({
    world: "paddock:services/blob",
    path: ["../../wit/p2", "../../wit/services"],
    generate_all,
});

#[path = "../../kit/args.rs"]
mod args;
#[path = "../../kit/checksum.rs"]
mod checksum;
#[path = "../../kit/http.rs"]
mod http;

use checksum::{Sum, letters};
use http::{Request, Response, respond, text, write_all};
use wasi::blobstore::blobstore;
use wasi::blobstore::container::Container;
use wasi::blobstore::types::{IncomingValue, ObjectId, OutgoingValue};
use wasi::http::types::{IncomingRequest, ResponseOutparam};
use wasi::io::streams::{InputStream, StreamError};

const PART: usize = 65536;

struct Blob;

impl exports::wasi::http::incoming_handler::Guest for Blob {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let request = Request::new(request);
        if matches!(request.path.as_str(), "/read" | "/stream") {
            return read(&request, out);
        }
        match containers(&request).transpose().or_else(|| objects(&request).transpose()) {
            Some(Ok(body)) => text(out, 200, &body),
            Some(Err(why)) => text(out, 500, &format!("error: {why}\n")),
            None => text(out, 404, &format!("no route {}\n", request.path)),
        }
    }
}

fn container_of(request: &Request) -> &str {
    args::text(&request.query, "container", "default")
}

fn name_of(request: &Request) -> &str {
    args::text(&request.query, "name", "name")
}

fn open(request: &Request) -> Result<Container, String> {
    blobstore::get_container(container_of(request))
}

fn ok(_: ()) -> Option<String> {
    Some("ok\n".to_owned())
}

/// None: it is not a route of containers.
fn containers(request: &Request) -> Result<Option<String>, String> {
    let name = container_of(request);
    match request.path.as_str() {
        "/create" => Ok(Some(format!("{}\n", blobstore::create_container(name)?.name()?))),
        "/exists" => Ok(Some(format!("{}\n", blobstore::container_exists(name)?))),
        "/drop" => blobstore::delete_container(name).map(ok),
        "/clear" => open(request)?.clear().map(ok),
        "/info" => {
            let found = open(request)?.info()?;
            Ok(Some(format!("name {}\ncreated {}\n", found.name, found.created_at)))
        }
        "/list" => list(request).map(Some),
        _ => Ok(None),
    }
}

fn list(request: &Request) -> Result<String, String> {
    let container = open(request)?;
    let names = container.list_objects()?;
    let (mut found, mut ended) = (Vec::new(), false);
    let skip = args::number(&request.query, "skip", 0);
    if skip > 0 {
        ended = names.skip_stream_object_names(skip)?.1;
    }
    while !ended {
        let page = names.read_stream_object_names(args::number(&request.query, "page", 100))?;
        found.extend(page.0);
        ended = page.1;
    }
    found.sort();
    Ok(found.iter().map(|name| format!("{name}\n")).collect())
}

fn objects(request: &Request) -> Result<Option<String>, String> {
    let name = name_of(request);
    match request.path.as_str() {
        "/write" => write(request).map(Some),
        "/make" => make(request).map(Some),
        "/abandon" => abandon(request).map(ok),
        "/sum" => sum(request).map(Some),
        "/peek" => peek(request).map(Some),
        "/has" => Ok(Some(format!("{}\n", open(request)?.has_object(name)?))),
        "/object-info" => {
            let at = open(request)?.object_info(name)?;
            let line = format!("{}/{}\ncreated {}\n", at.container, at.name, at.created_at);
            Ok(Some(format!("{line}size {}\n", at.size)))
        }
        "/delete" => open(request)?.delete_object(name).map(ok),
        "/delete-many" => {
            let names = args::text(&request.query, "names", "").split(',');
            let names: Vec<String> = names.map(str::to_owned).collect();
            open(request)?.delete_objects(&names).map(ok)
        }
        "/copy" | "/move" => {
            let (from, to) = (id(request, "", name), id(request, "to-", name));
            let both = if request.path == "/copy" {
                blobstore::copy_object(&from, &to)
            } else {
                blobstore::move_object(&from, &to)
            };
            both.map(ok)
        }
        _ => Ok(None),
    }
}

fn id(request: &Request, prefix: &str, name: &str) -> ObjectId {
    let container = request.arg(&format!("{prefix}container"));
    let container = container.unwrap_or(container_of(request)).to_owned();
    let object = if prefix.is_empty() { name } else { args::text(&request.query, "to", name) };
    ObjectId { container, object: object.to_owned() }
}

/// Writes what `next` gives until it gives no more, then finishes.
fn put(
    request: &Request,
    mut next: impl FnMut() -> Result<Option<Vec<u8>>, String>,
) -> Result<usize, String> {
    let container = open(request)?;
    let value = OutgoingValue::new_outgoing_value();
    let stream = value.outgoing_value_write_body().map_err(|()| "no stream".to_owned())?;
    let late = request.arg("order") == Some("late");
    if !late {
        container.write_data(name_of(request), &value)?;
    }
    let mut bytes = 0;
    while let Some(part) = next()? {
        write_all(&stream, &part).map_err(broken)?;
        bytes += part.len();
    }
    drop(stream);
    if late {
        container.write_data(name_of(request), &value)?;
    }
    OutgoingValue::finish(value)?;
    Ok(bytes)
}

fn write(request: &Request) -> Result<String, String> {
    let written = match request.arg("value") {
        Some(value) => {
            let mut whole = Some(value.as_bytes().to_vec());
            put(request, || Ok(whole.take()))?
        }
        None => {
            let mut body = request.body();
            put(request, || body.next())?
        }
    };
    Ok(format!("{written} bytes\n"))
}

fn make(request: &Request) -> Result<String, String> {
    let size: usize = args::number(&request.query, "size", 1000);
    let mut made = 0;
    let written = put(request, || {
        let part = letters(made, PART.min(size - made));
        made += part.len();
        Ok((!part.is_empty()).then_some(part))
    })?;
    Ok(format!("{written} bytes\n"))
}

fn abandon(request: &Request) -> Result<(), String> {
    let container = open(request)?;
    let value = OutgoingValue::new_outgoing_value();
    let stream = value.outgoing_value_write_body().map_err(|()| "no stream".to_owned())?;
    container.write_data(name_of(request), &value)?;
    write_all(&stream, b"half of it").map_err(broken)
}

fn data(request: &Request) -> Result<IncomingValue, String> {
    let start = args::number(&request.query, "start", 0);
    let end = args::number(&request.query, "end", u64::MAX);
    open(request)?.get_data(name_of(request), start, end)
}

fn read(request: &Request, out: ResponseOutparam) {
    let outcome = data(request).and_then(|value| {
        let size = value.size();
        if request.path == "/read" {
            return IncomingValue::incoming_value_consume_sync(value).map(|all| (size, Ok(all)));
        }
        let stream = IncomingValue::incoming_value_consume_async(value)?;
        Ok((size, Err(stream)))
    });
    match outcome {
        Ok((_, Ok(whole))) => respond(out, 200, "application/octet-stream", &whole),
        Ok((size, Err(stream))) => {
            let size = size.to_string();
            let response = Response::start(out, 200, &[("x-size", &size)]);
            // The status is sent: an error can only cut the answer off.
            let sent = each(&stream, |part| response.write(part));
            if sent.is_ok() {
                drop(stream);
                response.finish();
            }
        }
        Err(why) => text(out, 500, &format!("error: {why}\n")),
    }
}

fn each(stream: &InputStream, mut take: impl FnMut(&[u8]) -> bool) -> Result<(), String> {
    loop {
        match stream.blocking_read(PART as u64) {
            Ok(part) if take(&part) => {}
            Ok(_) | Err(StreamError::Closed) => return Ok(()),
            Err(error) => return Err(broken(error)),
        }
    }
}

fn sum(request: &Request) -> Result<String, String> {
    let stream = IncomingValue::incoming_value_consume_async(data(request)?)?;
    let mut sum = Sum::default();
    each(&stream, |part| {
        sum.add(part);
        true
    })?;
    Ok(sum.shown())
}

fn peek(request: &Request) -> Result<String, String> {
    let stream = IncomingValue::incoming_value_consume_async(data(request)?)?;
    let wanted = args::number(&request.query, "n", 10);
    let part = stream.blocking_read(wanted).map_err(broken)?;
    Ok(String::from_utf8_lossy(&part).into_owned())
}

fn broken(error: StreamError) -> String {
    match error {
        StreamError::Closed => "closed".to_owned(),
        StreamError::LastOperationFailed(error) => error.to_debug_string(),
    }
}

export!(Blob);
