//! `wasmcloud:blobstore@0.1.0`: bodies and lists are streams. The routes of
//! `blob`, but `/list?take=` (reads that many names and drops the stream) in
//! place of pages, no `order=`, and `/abandon` traps half-way.

wit_bindgen::generate!({
    world: "paddock:services/blob-wasmcloud",
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
#[path = "../../kit/checksum.rs"]
mod checksum;
#[path = "../../kit/http3.rs"]
mod http;

use args::Query;
use checksum::{Sum, letters};
use exports::wasi::http::handler::Guest;
use http::{consume, no_trailers, split, streamed, text};
use wasi::http::types::{ErrorCode, Request, Response};
use wasmcloud::blobstore::blobstore;
use wasmcloud::blobstore::container::Container;
use wasmcloud::blobstore::types::{Error, ObjectId};
use wit_bindgen::rt::async_support::{StreamReader, StreamResult, spawn_local};

const PART: usize = 65536;

struct Blob;

impl Guest for Blob {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let (path, query) = split(&request.get_path_with_query().unwrap_or_default());
        let mut outcome = containers(&path, &query).await;
        if matches!(outcome, Ok(None)) {
            outcome = objects(&path, &query).await;
        }
        if matches!(outcome, Ok(None)) {
            outcome = match path.as_str() {
                "/write" => write(&query, request).await.map(Some),
                "/read" | "/stream" => match data(&query).await {
                    Ok(stream) => return Ok(read(&path, stream).await),
                    Err(error) => Err(error),
                },
                _ => Ok(None),
            };
        }
        Ok(match outcome {
            Ok(Some(body)) => text(200, &body),
            Ok(None) => text(404, &format!("no route {path}\n")),
            Err(error) => failed(error),
        })
    }
}

fn failed(error: Error) -> Response {
    let (status, name) = match error {
        Error::NoSuchContainer => (404, "no-such-container".to_owned()),
        Error::ContainerAlreadyExists => (409, "container-already-exists".to_owned()),
        Error::NoSuchObject => (404, "no-such-object".to_owned()),
        Error::AccessDenied => (403, "access-denied".to_owned()),
        Error::Timeout => (504, "timeout".to_owned()),
        Error::StoreUnavailable => (503, "store-unavailable".to_owned()),
        Error::QuotaExceeded => (507, "quota-exceeded".to_owned()),
        Error::Other(why) => (500, format!("other({why})")),
    };
    text(status, &format!("error: {name}\n"))
}

fn arg(query: &Query, name: &str, otherwise: &str) -> String {
    args::text(query, name, otherwise).to_owned()
}

fn name_of(query: &Query) -> String {
    arg(query, "name", "name")
}

async fn open(query: &Query) -> Result<Container, Error> {
    blobstore::get_container(arg(query, "container", "default")).await
}

fn ok(_: ()) -> Option<String> {
    Some("ok\n".to_owned())
}

/// None: it is not a route of containers.
async fn containers(path: &str, query: &Query) -> Result<Option<String>, Error> {
    let name = arg(query, "container", "default");
    match path {
        "/create" => {
            let name = blobstore::create_container(name).await?.name().await?;
            Ok(Some(format!("{name}\n")))
        }
        "/exists" => Ok(Some(format!("{}\n", blobstore::container_exists(name).await?))),
        "/drop" => blobstore::delete_container(name).await.map(ok),
        "/clear" => open(query).await?.clear().await.map(ok),
        "/info" => {
            let found = open(query).await?.info().await?;
            Ok(Some(format!("name {}\ncreated {}\n", found.name, found.created_at)))
        }
        "/list" => list(query).await.map(Some),
        _ => Ok(None),
    }
}

async fn list(query: &Query) -> Result<String, Error> {
    let container = open(query).await?;
    let mut names = container.list_objects().await?;
    let mut found = Vec::new();
    for _ in 0..args::number(query, "take", u64::MAX) {
        let Some(name) = names.next().await else { break };
        found.push(name);
    }
    found.sort();
    Ok(found.iter().map(|name| format!("{name}\n")).collect())
}

async fn objects(path: &str, query: &Query) -> Result<Option<String>, Error> {
    let name = name_of(query);
    match path {
        "/make" => make(query).await.map(Some),
        "/abandon" => abandon(query).await.map(ok),
        "/sum" => sum(query).await.map(Some),
        "/peek" => peek(query).await.map(Some),
        "/has" => Ok(Some(format!("{}\n", open(query).await?.has_object(name).await?))),
        "/object-info" => {
            let at = open(query).await?.object_info(name).await?;
            let line = format!("{}/{}\ncreated {}\n", at.container, at.name, at.created_at);
            Ok(Some(format!("{line}size {}\n", at.size)))
        }
        "/delete" => open(query).await?.delete_object(name).await.map(ok),
        "/delete-many" => {
            let names = arg(query, "names", "").split(',').map(str::to_owned).collect();
            open(query).await?.delete_objects(names).await.map(ok)
        }
        "/copy" | "/move" => {
            let container = arg(query, "container", "default");
            let from = ObjectId { container: container.clone(), object: name.clone() };
            let container = arg(query, "to-container", &container);
            let to = ObjectId { container, object: arg(query, "to", &name) };
            match path {
                "/copy" => blobstore::copy_object(from, to).await.map(ok),
                _ => blobstore::move_object(from, to).await.map(ok),
            }
        }
        _ => Ok(None),
    }
}

async fn write(query: &Query, request: Request) -> Result<String, Error> {
    let container = open(query).await?;
    if let Some(value) = args::one(query, "value") {
        let (mut writer, reader) = wit_stream::new();
        let bytes = value.as_bytes().to_vec();
        spawn_local(async move {
            writer.write_all(bytes).await;
        });
        container.write_data(name_of(query), reader).await?;
        return Ok(format!("{} bytes\n", value.len()));
    }
    // The request's own stream is handed on.
    let (body, _trailers) = consume(request);
    container.write_data(name_of(query), body).await?;
    Ok(format!("{} bytes\n", container.object_info(name_of(query)).await?.size))
}

async fn make(query: &Query) -> Result<String, Error> {
    let size: usize = args::number(query, "size", 1000);
    let (mut writer, reader) = wit_stream::new();
    spawn_local(async move {
        let mut made = 0;
        while made < size {
            let part = letters(made, PART.min(size - made));
            made += part.len();
            if !writer.write_all(part).await.is_empty() {
                return;
            }
        }
    });
    open(query).await?.write_data(name_of(query), reader).await?;
    Ok(format!("{size} bytes\n"))
}

async fn abandon(query: &Query) -> Result<(), Error> {
    let (mut writer, reader) = wit_stream::new();
    spawn_local(async move {
        writer.write_all(b"half of it".to_vec()).await;
        // A stream that is only dropped has come to its end.
        std::arch::wasm32::unreachable();
    });
    open(query).await?.write_data(name_of(query), reader).await
}

async fn data(query: &Query) -> Result<StreamReader<u8>, Error> {
    let start = args::number(query, "start", 0);
    let end = args::number(query, "end", u64::MAX);
    open(query).await?.get_data(name_of(query), start, end).await
}

async fn read(path: &str, stream: StreamReader<u8>) -> Response {
    if path == "/stream" {
        return streamed(200, stream, no_trailers());
    }
    text(200, &String::from_utf8_lossy(&stream.collect().await))
}

async fn sum(query: &Query) -> Result<String, Error> {
    let mut stream = data(query).await?;
    let mut sum = Sum::default();
    loop {
        let (result, part) = stream.read(Vec::with_capacity(PART)).await;
        sum.add(&part);
        if !matches!(result, StreamResult::Complete(_)) {
            return Ok(sum.shown());
        }
    }
}

async fn peek(query: &Query) -> Result<String, Error> {
    let mut stream = data(query).await?;
    let wanted = args::number(query, "n", 10);
    let (_, part) = stream.read(Vec::with_capacity(wanted)).await;
    Ok(String::from_utf8_lossy(&part).into_owned())
}

export!(Blob);
