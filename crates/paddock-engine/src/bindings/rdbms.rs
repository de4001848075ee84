//! What `fermyon:spin/postgres` and `/mysql` share, without a version and
//! 2.0.0: their own functions and `fermyon:spin/rdbms-types`. `spin:mysql@3.0.0`
//! has the same values. Names and types as in those packages' WIT.

use wasmtime::component::{Resource, StreamReader};

use super::Binder;
use super::shapes::{cases, payload, record, variant};
use super::stream::Ended;
use super::typed::{FromValue, Handle};

type Connection = Resource<Handle>;

variant!(Error {
    ConnectionFailed(String) = "connection-failed",
    BadParameter(String) = "bad-parameter",
    QueryFailed(String) = "query-failed",
    ValueConversionFailed(String) = "value-conversion-failed",
    Other(String) = "other",
});

variant!(OldError {
    Success = "success",
    ConnectionFailed(String) = "connection-failed",
    BadParameter(String) = "bad-parameter",
    QueryFailed(String) = "query-failed",
    ValueConversionFailed(String) = "value-conversion-failed",
    OtherError(String) = "other-error",
});

cases!(DataType {
    Boolean = "boolean",
    Int8 = "int8",
    Int16 = "int16",
    Int32 = "int32",
    Int64 = "int64",
    Uint8 = "uint8",
    Uint16 = "uint16",
    Uint32 = "uint32",
    Uint64 = "uint64",
    Floating32 = "floating32",
    Floating64 = "floating64",
    Str = "str",
    Binary = "binary",
    Other = "other",
});

variant!(DbValue {
    Boolean(bool) = "boolean",
    Int8(i8) = "int8",
    Int16(i16) = "int16",
    Int32(i32) = "int32",
    Int64(i64) = "int64",
    Uint8(u8) = "uint8",
    Uint16(u16) = "uint16",
    Uint32(u32) = "uint32",
    Uint64(u64) = "uint64",
    Floating32(f32) = "floating32",
    Floating64(f64) = "floating64",
    Str(String) = "str",
    Binary(Vec<u8>) = "binary",
    DbNull = "db-null",
    Unsupported = "unsupported",
});

variant!(Parameter {
    Boolean(bool) = "boolean",
    Int8(i8) = "int8",
    Int16(i16) = "int16",
    Int32(i32) = "int32",
    Int64(i64) = "int64",
    Uint8(u8) = "uint8",
    Uint16(u16) = "uint16",
    Uint32(u32) = "uint32",
    Uint64(u64) = "uint64",
    Floating32(f32) = "floating32",
    Floating64(f64) = "floating64",
    Str(String) = "str",
    Binary(Vec<u8>) = "binary",
    DbNull = "db-null",
});

record!(Column { name: String = "name", data_type: DataType = "data-type" });
record!(RowSet { columns: Vec<Column> = "columns", rows: Vec<Vec<DbValue>> = "rows" });

/// False when the version is not one of ours.
pub fn bind(b: &mut Binder<'_>, path: &str, version: &str) -> wasmtime::Result<bool> {
    match (path, version) {
        ("fermyon:spin/postgres", "") => addressed::<u64>(b)?,
        ("fermyon:spin/mysql", "") => addressed::<()>(b)?,
        ("fermyon:spin/postgres", "2.0.0") => connection::<u64>(b)?,
        ("fermyon:spin/mysql", "2.0.0") => connection::<()>(b)?,
        ("spin:mysql/mysql", "3.0.0") => streaming(b)?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// The oldest form, which names the database in each call.
fn addressed<Changed>(b: &mut Binder<'_>) -> wasmtime::Result<()>
where
    Changed: FromValue + wasmtime::component::ComponentType + wasmtime::component::Lower + Send + Sync + 'static,
{
    type Query = (String, String, Vec<Parameter>);
    b.func::<Query, Result<RowSet, OldError>>("query")?;
    b.func::<Query, Result<Changed, OldError>>("execute")
}

type Query = (Connection, String, Vec<Parameter>);

fn connection<Changed>(b: &mut Binder<'_>) -> wasmtime::Result<()>
where
    Changed: FromValue + wasmtime::component::ComponentType + wasmtime::component::Lower + Send + Sync + 'static,
{
    b.resource("connection")?;
    b.func::<(String,), Result<Connection, Error>>("[static]connection.open")?;
    b.func::<Query, Result<RowSet, Error>>("[method]connection.query")?;
    b.func::<Query, Result<Changed, Error>>("[method]connection.execute")
}

fn streaming(b: &mut Binder<'_>) -> wasmtime::Result<()> {
    type Answer = (Vec<Column>, StreamReader<Vec<DbValue>>, Ended<Error>);
    b.resource("connection")?;
    b.async_func::<(String,), Result<Connection, Error>>("[static]connection.open")?;
    b.async_func::<Query, Result<Answer, Error>>("[method]connection.query")?;
    b.async_func::<Query, Result<(), Error>>("[method]connection.execute")
}
