//! `fermyon:spin/mqtt@2.0.0` and `spin:mqtt@3.0.0`: names and types as in those
//! packages' WIT.

use wasmtime::component::Resource;

use super::Binder;
use super::shapes::{cases, payload, variant};
use super::typed::Handle;

type Connection = Resource<Handle>;

variant!(Error {
    InvalidAddress = "invalid-address",
    TooManyConnections = "too-many-connections",
    ConnectionFailed(String) = "connection-failed",
    Other(String) = "other",
});

cases!(Qos { AtMost = "at-most-once", AtLeast = "at-least-once", Exactly = "exactly-once" });

/// Address, user's name, password, seconds between signs of life.
type Open = (String, String, String, u64);
type Publish = (Connection, String, Vec<u8>, Qos);

/// False when the version is not one of ours.
pub fn bind(b: &mut Binder<'_>, path: &str, version: &str) -> wasmtime::Result<bool> {
    match (path, version) {
        ("fermyon:spin/mqtt", "2.0.0") => {
            b.resource("connection")?;
            b.func::<Open, Result<Connection, Error>>("[static]connection.open")?;
            b.func::<Publish, Result<(), Error>>("[method]connection.publish")?;
        }
        ("spin:mqtt/mqtt", "3.0.0") => {
            b.resource("connection")?;
            b.async_func::<Open, Result<Connection, Error>>("[static]connection.open")?;
            b.async_func::<Publish, Result<(), Error>>("[method]connection.publish")?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}
