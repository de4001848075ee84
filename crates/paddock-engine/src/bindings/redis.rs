//! `fermyon:spin/redis` without a version and 2.0.0, `spin:redis@3.0.0`: names
//! and types as in those packages' WIT.

use wasmtime::component::Resource;

use super::Binder;
use super::shapes::{cases, payload, variant};
use super::typed::Handle;

type Connection = Resource<Handle>;

variant!(Error {
    InvalidAddress = "invalid-address",
    TooManyConnections = "too-many-connections",
    WrongType = "type-error",
    Other(String) = "other",
});

cases!(OldError { Success = "success", Error = "error" });

variant!(Parameter { Int64(i64) = "int64", Binary(Vec<u8>) = "binary" });

variant!(Answer { Nil = "nil", Status(String) = "status", Int64(i64) = "int64", Binary(Vec<u8>) = "binary" });

/// False when the version is not one of ours.
pub fn bind(b: &mut Binder<'_>, path: &str, version: &str) -> wasmtime::Result<bool> {
    match (path, version) {
        ("fermyon:spin/redis", "") => addressed(b)?,
        ("fermyon:spin/redis", "2.0.0") => connection(b)?,
        ("spin:redis/redis", "3.0.0") => asynchronous(b)?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// The oldest form, which names the server in each call.
fn addressed(b: &mut Binder<'_>) -> wasmtime::Result<()> {
    b.func::<(String, String, Vec<u8>), Result<(), OldError>>("publish")?;
    b.func::<(String, String), Result<Vec<u8>, OldError>>("get")?;
    b.func::<(String, String, Vec<u8>), Result<(), OldError>>("set")?;
    b.func::<(String, String), Result<i64, OldError>>("incr")?;
    b.func::<(String, Vec<String>), Result<i64, OldError>>("del")?;
    b.func::<(String, String, Vec<String>), Result<i64, OldError>>("sadd")?;
    b.func::<(String, String), Result<Vec<String>, OldError>>("smembers")?;
    b.func::<(String, String, Vec<String>), Result<i64, OldError>>("srem")?;
    b.func::<(String, String, Vec<Parameter>), Result<Vec<Answer>, OldError>>("execute")
}

fn connection(b: &mut Binder<'_>) -> wasmtime::Result<()> {
    b.resource("connection")?;
    b.func::<(String,), Result<Connection, Error>>("[static]connection.open")?;
    b.func::<(Connection, String, Vec<u8>), Result<(), Error>>("[method]connection.publish")?;
    b.func::<(Connection, String), Result<Option<Vec<u8>>, Error>>("[method]connection.get")?;
    b.func::<(Connection, String, Vec<u8>), Result<(), Error>>("[method]connection.set")?;
    b.func::<(Connection, String), Result<i64, Error>>("[method]connection.incr")?;
    b.func::<(Connection, Vec<String>), Result<u32, Error>>("[method]connection.del")?;
    b.func::<(Connection, String, Vec<String>), Result<u32, Error>>("[method]connection.sadd")?;
    b.func::<(Connection, String), Result<Vec<String>, Error>>("[method]connection.smembers")?;
    b.func::<(Connection, String, Vec<String>), Result<u32, Error>>("[method]connection.srem")?;
    b.func::<(Connection, String, Vec<Parameter>), Result<Vec<Answer>, Error>>("[method]connection.execute")
}

fn asynchronous(b: &mut Binder<'_>) -> wasmtime::Result<()> {
    b.resource("connection")?;
    b.async_func::<(String,), Result<Connection, Error>>("[static]connection.open")?;
    b.async_func::<(Connection, String, Vec<u8>), Result<(), Error>>("[method]connection.publish")?;
    b.async_func::<(Connection, String), Result<Option<Vec<u8>>, Error>>("[method]connection.get")?;
    b.async_func::<(Connection, String, Vec<u8>), Result<(), Error>>("[method]connection.set")?;
    b.async_func::<(Connection, String), Result<i64, Error>>("[method]connection.incr")?;
    b.async_func::<(Connection, Vec<String>), Result<u32, Error>>("[method]connection.del")?;
    b.async_func::<(Connection, String, Vec<String>), Result<u32, Error>>("[method]connection.sadd")?;
    b.async_func::<(Connection, String), Result<Vec<String>, Error>>("[method]connection.smembers")?;
    b.async_func::<(Connection, String, Vec<String>), Result<u32, Error>>("[method]connection.srem")?;
    b.async_func::<(Connection, String, Vec<Parameter>), Result<Vec<Answer>, Error>>("[method]connection.execute")
}
