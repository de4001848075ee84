//! `wasi:blobstore@0.2.0-draft` and `wasmcloud:blobstore@0.1.0`: names and types
//! as in those packages' WIT. The first carries bytes in streams of `wasi:io`,
//! the second in `stream<u8>`.

use wasmtime::component::{Resource, StreamReader};
use wasmtime_wasi_io::streams::{DynInputStream, DynOutputStream};

use super::Binder;
use super::shapes::{payload, record, variant};
use super::typed::{Handle, Plain};

type Container = Resource<Handle>;
type IncomingValue = Resource<Handle>;
type OutgoingValue = Resource<Handle>;
type Names = Resource<Handle>;

record!(ContainerInfo { name: String = "name", created_at: u64 = "created-at" });
record!(ObjectInfo {
    name: String = "name",
    container: String = "container",
    created_at: u64 = "created-at",
    size: u64 = "size",
});
record!(ObjectId { container: String = "container", object: String = "object" });

/// False when it is not one of ours.
pub fn wasi(b: &mut Binder<'_>, path: &str, version: &str) -> wasmtime::Result<bool> {
    match (path, version) {
        ("wasi:blobstore/types", "0.2.0-draft") => types(b)?,
        ("wasi:blobstore/container", "0.2.0-draft") => container(b)?,
        ("wasi:blobstore/blobstore", "0.2.0-draft") => {
            b.func::<(String,), Result<Container, String>>("create-container")?;
            b.func::<(String,), Result<Container, String>>("get-container")?;
            b.func::<(String,), Result<(), String>>("delete-container")?;
            b.func::<(String,), Result<bool, String>>("container-exists")?;
            b.func::<(ObjectId, ObjectId), Result<(), String>>("copy-object")?;
            b.func::<(ObjectId, ObjectId), Result<(), String>>("move-object")?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn types(b: &mut Binder<'_>) -> wasmtime::Result<()> {
    b.resource("outgoing-value")?;
    b.func::<(), Plain<OutgoingValue>>("[static]outgoing-value.new-outgoing-value")?;
    b.func::<(OutgoingValue,), Result<Resource<DynOutputStream>, ()>>(
        "[method]outgoing-value.outgoing-value-write-body",
    )?;
    b.func::<(OutgoingValue,), Result<(), String>>("[static]outgoing-value.finish")?;
    b.resource("incoming-value")?;
    b.func::<(IncomingValue,), Result<Vec<u8>, String>>("[static]incoming-value.incoming-value-consume-sync")?;
    b.func::<(IncomingValue,), Result<Resource<DynInputStream>, String>>(
        "[static]incoming-value.incoming-value-consume-async",
    )?;
    b.func::<(IncomingValue,), Plain<u64>>("[method]incoming-value.size")
}

fn container(b: &mut Binder<'_>) -> wasmtime::Result<()> {
    b.resource("container")?;
    b.func::<(Container,), Result<String, String>>("[method]container.name")?;
    b.func::<(Container,), Result<ContainerInfo, String>>("[method]container.info")?;
    b.func::<(Container, String, u64, u64), Result<IncomingValue, String>>("[method]container.get-data")?;
    b.func::<(Container, String, OutgoingValue), Result<(), String>>("[method]container.write-data")?;
    b.func::<(Container,), Result<Names, String>>("[method]container.list-objects")?;
    b.func::<(Container, String), Result<(), String>>("[method]container.delete-object")?;
    b.func::<(Container, Vec<String>), Result<(), String>>("[method]container.delete-objects")?;
    b.func::<(Container, String), Result<bool, String>>("[method]container.has-object")?;
    b.func::<(Container, String), Result<ObjectInfo, String>>("[method]container.object-info")?;
    b.func::<(Container,), Result<(), String>>("[method]container.clear")?;
    b.resource("stream-object-names")?;
    b.func::<(Names, u64), Result<(Vec<String>, bool), String>>(
        "[method]stream-object-names.read-stream-object-names",
    )?;
    b.func::<(Names, u64), Result<(u64, bool), String>>("[method]stream-object-names.skip-stream-object-names")
}

variant!(Error {
    NoSuchContainer = "no-such-container",
    ContainerAlreadyExists = "container-already-exists",
    NoSuchObject = "no-such-object",
    AccessDenied = "access-denied",
    Timeout = "timeout",
    StoreUnavailable = "store-unavailable",
    QuotaExceeded = "quota-exceeded",
    Other(String) = "other",
});

/// False when it is not one of ours.
pub fn wasmcloud(b: &mut Binder<'_>, path: &str, version: &str) -> wasmtime::Result<bool> {
    match (path, version) {
        ("wasmcloud:blobstore/container", "0.1.0") => wasmcloud_container(b)?,
        ("wasmcloud:blobstore/blobstore", "0.1.0") => {
            b.async_func::<(String,), Result<Container, Error>>("create-container")?;
            b.async_func::<(String,), Result<Container, Error>>("get-container")?;
            b.async_func::<(String,), Result<(), Error>>("delete-container")?;
            b.async_func::<(String,), Result<bool, Error>>("container-exists")?;
            b.async_func::<(ObjectId, ObjectId), Result<(), Error>>("copy-object")?;
            b.async_func::<(ObjectId, ObjectId), Result<(), Error>>("move-object")?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn wasmcloud_container(b: &mut Binder<'_>) -> wasmtime::Result<()> {
    b.resource("container")?;
    b.async_func::<(Container,), Result<String, Error>>("[method]container.name")?;
    b.async_func::<(Container,), Result<ContainerInfo, Error>>("[method]container.info")?;
    b.async_func::<(Container, String, u64, u64), Result<StreamReader<u8>, Error>>("[method]container.get-data")?;
    b.async_func::<(Container, String, StreamReader<u8>), Result<(), Error>>("[method]container.write-data")?;
    b.async_func::<(Container,), Result<StreamReader<String>, Error>>("[method]container.list-objects")?;
    b.async_func::<(Container, String), Result<(), Error>>("[method]container.delete-object")?;
    b.async_func::<(Container, Vec<String>), Result<(), Error>>("[method]container.delete-objects")?;
    b.async_func::<(Container, String), Result<bool, Error>>("[method]container.has-object")?;
    b.async_func::<(Container, String), Result<ObjectInfo, Error>>("[method]container.object-info")?;
    b.async_func::<(Container,), Result<(), Error>>("[method]container.clear")
}
