//! `fermyon:spin/sqlite` without a version and 2.0.0, `spin:sqlite` 3.0.0 and
//! 3.1.0: names and types as in those packages' WIT.

use wasmtime::component::{Resource, StreamReader};

use super::Binder;
use super::shapes::{payload, record, variant};
use super::stream::Ended;
use super::typed::{Handle, Nothing, Plain};

type Connection = Resource<Handle>;

variant!(Error {
    NoSuchDatabase = "no-such-database",
    AccessDenied = "access-denied",
    InvalidConnection = "invalid-connection",
    DatabaseFull = "database-full",
    Io(String) = "io",
});

variant!(Data {
    Integer(i64) = "integer",
    Real(f64) = "real",
    Text(String) = "text",
    Blob(Vec<u8>) = "blob",
    Null = "null",
});

record!(Row { values: Vec<Data> = "values" });
record!(QueryResult { columns: Vec<String> = "columns", rows: Vec<Row> = "rows" });

type Query = (Connection, String, Vec<Data>);

/// False when the version is not one of ours.
pub fn bind(b: &mut Binder<'_>, path: &str, version: &str) -> wasmtime::Result<bool> {
    match (path, version) {
        ("fermyon:spin/sqlite", "") => {
            b.func::<(String,), Result<u32, Error>>("open")?;
            b.func::<(u32, String, Vec<Data>), Result<QueryResult, Error>>("execute")?;
            b.func::<(u32,), Nothing>("close")?;
        }
        ("fermyon:spin/sqlite", "2.0.0") => connection(b)?,
        ("spin:sqlite/sqlite", "3.0.0" | "3.1.0") => {
            connection(b)?;
            b.func::<(Connection,), Plain<i64>>("[method]connection.last-insert-rowid")?;
            b.func::<(Connection,), Plain<u64>>("[method]connection.changes")?;
            if version == "3.1.0" {
                asynchronous(b)?;
            }
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn connection(b: &mut Binder<'_>) -> wasmtime::Result<()> {
    b.resource("connection")?;
    b.func::<(String,), Result<Connection, Error>>("[static]connection.open")?;
    b.func::<Query, Result<QueryResult, Error>>("[method]connection.execute")
}

fn asynchronous(b: &mut Binder<'_>) -> wasmtime::Result<()> {
    type Answer = (Vec<String>, StreamReader<Row>, Ended<Error>);
    b.async_func::<(String,), Result<Connection, Error>>("[static]connection.open-async")?;
    b.async_func::<Query, Result<Answer, Error>>("[method]connection.execute-async")?;
    b.async_func::<(Connection,), Plain<i64>>("[method]connection.last-insert-rowid-async")?;
    b.async_func::<(Connection,), Plain<u64>>("[method]connection.changes-async")
}
