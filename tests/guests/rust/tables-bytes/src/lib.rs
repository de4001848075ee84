//! Streams of `wasi:io` both ways through `wasi:blobstore@0.2.0-draft`; called
//! by name.
//!
//! `run(what, number)`: `write` so many bytes, each piece flushed; `poll` the
//! same as `check-write` permits it, and how much was permitted first; `keep`
//! writes, then traps with the stream open; `read` in pieces of so many bytes;
//! `some` reads one piece and lets go; `sync`; `list`; `info`; `ids`.

wit_bindgen::generate!({
    world: "paddock:services/tables-bytes",
    path: ["../../wit/p2", "../../wit/services"],
    generate_all,
});

use wasi::blobstore::blobstore;
use wasi::blobstore::container::Container;
use wasi::blobstore::types::{IncomingValue, ObjectId, OutgoingValue};
use wasi::io::streams::{InputStream, OutputStream, StreamError};

struct Bytes;

impl Guest for Bytes {
    fn run(what: String, number: u32) -> Result<String, String> {
        let container = blobstore::get_container("box")?;
        match what.as_str() {
            "write" | "poll" | "keep" => write(&container, &what, number as usize),
            "read" | "some" => {
                let value = container.get_data("a", 1, 2)?;
                let (size, stream) =
                    (value.size(), IncomingValue::incoming_value_consume_async(value)?);
                Ok(format!("{size} {}", read(&stream, u64::from(number), what == "some")))
            }
            "sync" => Ok(format!(
                "{:?}",
                IncomingValue::incoming_value_consume_sync(container.get_data("a", 0, 9)?)?
            )),
            "list" => {
                let names = container.list_objects()?;
                Ok(format!(
                    "{:?} {:?}",
                    names.read_stream_object_names(2)?,
                    names.skip_stream_object_names(3)?
                ))
            }
            "info" => Ok(format!("{:?} {:?}", container.info()?, container.object_info("a")?)),
            "ids" => {
                let id = |object: &str| ObjectId {
                    container: "box".to_owned(),
                    object: object.to_owned(),
                };
                blobstore::copy_object(&id("a"), &id("b"))?;
                Ok(blobstore::container_exists("box")?.to_string())
            }
            other => Err(format!("no {other}")),
        }
    }
}

fn write(container: &Container, what: &str, number: usize) -> Result<String, String> {
    let value = OutgoingValue::new_outgoing_value();
    let body = value.outgoing_value_write_body().map_err(|()| "no body".to_owned())?;
    let bytes: Vec<u8> = (0..number).map(|at| at as u8).collect();
    let written = match what {
        "write" => flushed(&body, &bytes),
        _ => permitted(&body, &bytes),
    };
    if what == "keep" {
        std::arch::wasm32::unreachable();
    }
    let written = written.map_err(|error| told(&error));
    drop(body);
    let written = written?;
    container.write_data("a", &value)?;
    OutgoingValue::finish(value)?;
    Ok(written)
}

fn flushed(body: &OutputStream, bytes: &[u8]) -> Result<String, StreamError> {
    for piece in bytes.chunks(4096) {
        body.blocking_write_and_flush(piece)?;
    }
    Ok(format!("{} flushed", bytes.len()))
}

/// Without a flush: how much was permitted before anything was written, and
/// that the guest had to wait only when nothing was.
fn permitted(body: &OutputStream, bytes: &[u8]) -> Result<String, StreamError> {
    let (mut left, first, ready) = (bytes, body.check_write()?, body.subscribe());
    while !left.is_empty() {
        let permit = body.check_write()?;
        if permit == 0 {
            ready.block();
            continue;
        }
        let (piece, rest) = left.split_at(left.len().min(permit as usize));
        body.write(piece)?;
        left = rest;
    }
    Ok(format!("{} permitted, first {first}", bytes.len()))
}

fn read(stream: &InputStream, piece: u64, once: bool) -> String {
    let (mut length, mut sum) = (0, 0);
    loop {
        match stream.blocking_read(piece) {
            Ok(bytes) => {
                length += bytes.len();
                sum += bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>();
                if once {
                    return format!("{length} bytes");
                }
            }
            Err(StreamError::Closed) => return format!("{length} bytes, sum {sum}"),
            Err(error) => return format!("{length} bytes, then {}", told(&error)),
        }
    }
}

fn told(error: &StreamError) -> String {
    match error {
        StreamError::Closed => "closed".to_owned(),
        StreamError::LastOperationFailed(error) => format!("failed: {}", error.to_debug_string()),
    }
}

export!(Bytes);
