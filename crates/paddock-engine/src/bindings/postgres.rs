//! `spin:postgres` 3.0.0, 4.0.0, 4.1.0 and 4.2.0: names and types as in those
//! packages' WIT.

use super::Binder;

/// False when the version is not one of ours.
pub fn bind(b: &mut Binder<'_>, version: &str) -> wasmtime::Result<bool> {
    match version {
        "3.0.0" => third::bind(b)?,
        "4.0.0" => fourth::bind(b)?,
        "4.1.0" => {
            fourth::bind(b)?;
            fourth::builder(b)?;
        }
        "4.2.0" => {
            fourth::bind(b)?;
            fourth::builder(b)?;
            fourth::asynchronous(b)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// Year, month, day.
type Date = (i32, u8, u8);
/// Hour, minute, second, nanosecond.
type Time = (u8, u8, u8, u32);
/// A date and a time.
type Datetime = (i32, u8, u8, u8, u8, u8, u32);

mod third {
    use wasmtime::component::Resource;

    use super::{Binder, Date, Datetime, Time};
    use crate::bindings::shapes::{cases, payload, record, variant};
    use crate::bindings::typed::Handle;

    type Connection = Resource<Handle>;

    variant!(Error {
        ConnectionFailed(String) = "connection-failed",
        BadParameter(String) = "bad-parameter",
        QueryFailed(String) = "query-failed",
        ValueConversionFailed(String) = "value-conversion-failed",
        Other(String) = "other",
    });

    cases!(DataType {
        Boolean = "boolean",
        Int8 = "int8",
        Int16 = "int16",
        Int32 = "int32",
        Int64 = "int64",
        Floating32 = "floating32",
        Floating64 = "floating64",
        Str = "str",
        Binary = "binary",
        Date = "date",
        Time = "time",
        Datetime = "datetime",
        Timestamp = "timestamp",
        Other = "other",
    });

    variant!(DbValue {
        Boolean(bool) = "boolean",
        Int8(i8) = "int8",
        Int16(i16) = "int16",
        Int32(i32) = "int32",
        Int64(i64) = "int64",
        Floating32(f32) = "floating32",
        Floating64(f64) = "floating64",
        Str(String) = "str",
        Binary(Vec<u8>) = "binary",
        Date(Date) = "date",
        Time(Time) = "time",
        Datetime(Datetime) = "datetime",
        Timestamp(i64) = "timestamp",
        DbNull = "db-null",
        Unsupported = "unsupported",
    });

    variant!(Parameter {
        Boolean(bool) = "boolean",
        Int8(i8) = "int8",
        Int16(i16) = "int16",
        Int32(i32) = "int32",
        Int64(i64) = "int64",
        Floating32(f32) = "floating32",
        Floating64(f64) = "floating64",
        Str(String) = "str",
        Binary(Vec<u8>) = "binary",
        Date(Date) = "date",
        Time(Time) = "time",
        Datetime(Datetime) = "datetime",
        Timestamp(i64) = "timestamp",
        DbNull = "db-null",
    });

    record!(Column { name: String = "name", data_type: DataType = "data-type" });
    record!(RowSet { columns: Vec<Column> = "columns", rows: Vec<Vec<DbValue>> = "rows" });

    pub fn bind(b: &mut Binder<'_>) -> wasmtime::Result<()> {
        type Query = (Connection, String, Vec<Parameter>);
        b.resource("connection")?;
        b.func::<(String,), Result<Connection, Error>>("[static]connection.open")?;
        b.func::<Query, Result<RowSet, Error>>("[method]connection.query")?;
        b.func::<Query, Result<u64, Error>>("[method]connection.execute")
    }
}

mod fourth {
    use wasmtime::component::{Resource, StreamReader};

    use super::{Binder, Date, Datetime, Time};
    use crate::bindings::shapes::{cases, payload, record, variant};
    use crate::bindings::stream::Ended;
    use crate::bindings::typed::{Handle, Plain};

    type Connection = Resource<Handle>;
    type Builder = Resource<Handle>;

    record!(DbError {
        as_text: String = "as-text",
        severity: String = "severity",
        code: String = "code",
        message: String = "message",
        detail: Option<String> = "detail",
        extras: Vec<(String, String)> = "extras",
    });

    variant!(QueryError { Text(String) = "text", DbError(DbError) = "db-error" });

    variant!(Error {
        ConnectionFailed(String) = "connection-failed",
        BadParameter(String) = "bad-parameter",
        QueryFailed(QueryError) = "query-failed",
        ValueConversionFailed(String) = "value-conversion-failed",
        Other(String) = "other",
    });

    variant!(DataType {
        Boolean = "boolean",
        Int8 = "int8",
        Int16 = "int16",
        Int32 = "int32",
        Int64 = "int64",
        Floating32 = "floating32",
        Floating64 = "floating64",
        Str = "str",
        Binary = "binary",
        Date = "date",
        Time = "time",
        Datetime = "datetime",
        Timestamp = "timestamp",
        Uuid = "uuid",
        Jsonb = "jsonb",
        Decimal = "decimal",
        RangeInt32 = "range-int32",
        RangeInt64 = "range-int64",
        RangeDecimal = "range-decimal",
        ArrayInt32 = "array-int32",
        ArrayInt64 = "array-int64",
        ArrayDecimal = "array-decimal",
        ArrayStr = "array-str",
        Interval = "interval",
        Other(String) = "other",
    });

    cases!(Bound { Inclusive = "inclusive", Exclusive = "exclusive" });

    /// Lower and upper end; None where it is open.
    type Range<T> = (Option<(T, Bound)>, Option<(T, Bound)>);

    record!(Interval { micros: i64 = "micros", days: i32 = "days", months: i32 = "months" });

    variant!(DbValue {
        Boolean(bool) = "boolean",
        Int8(i8) = "int8",
        Int16(i16) = "int16",
        Int32(i32) = "int32",
        Int64(i64) = "int64",
        Floating32(f32) = "floating32",
        Floating64(f64) = "floating64",
        Str(String) = "str",
        Binary(Vec<u8>) = "binary",
        Date(Date) = "date",
        Time(Time) = "time",
        Datetime(Datetime) = "datetime",
        Timestamp(i64) = "timestamp",
        Uuid(String) = "uuid",
        Jsonb(Vec<u8>) = "jsonb",
        Decimal(String) = "decimal",
        RangeInt32(Range<i32>) = "range-int32",
        RangeInt64(Range<i64>) = "range-int64",
        RangeDecimal(Range<String>) = "range-decimal",
        ArrayInt32(Vec<Option<i32>>) = "array-int32",
        ArrayInt64(Vec<Option<i64>>) = "array-int64",
        ArrayDecimal(Vec<Option<String>>) = "array-decimal",
        ArrayStr(Vec<Option<String>>) = "array-str",
        Interval(Interval) = "interval",
        DbNull = "db-null",
        Unsupported(Vec<u8>) = "unsupported",
    });

    variant!(Parameter {
        Boolean(bool) = "boolean",
        Int8(i8) = "int8",
        Int16(i16) = "int16",
        Int32(i32) = "int32",
        Int64(i64) = "int64",
        Floating32(f32) = "floating32",
        Floating64(f64) = "floating64",
        Str(String) = "str",
        Binary(Vec<u8>) = "binary",
        Date(Date) = "date",
        Time(Time) = "time",
        Datetime(Datetime) = "datetime",
        Timestamp(i64) = "timestamp",
        Uuid(String) = "uuid",
        Jsonb(Vec<u8>) = "jsonb",
        Decimal(String) = "decimal",
        RangeInt32(Range<i32>) = "range-int32",
        RangeInt64(Range<i64>) = "range-int64",
        RangeDecimal(Range<String>) = "range-decimal",
        ArrayInt32(Vec<Option<i32>>) = "array-int32",
        ArrayInt64(Vec<Option<i64>>) = "array-int64",
        ArrayDecimal(Vec<Option<String>>) = "array-decimal",
        ArrayStr(Vec<Option<String>>) = "array-str",
        Interval(Interval) = "interval",
        DbNull = "db-null",
    });

    record!(Column { name: String = "name", data_type: DataType = "data-type" });
    record!(RowSet { columns: Vec<Column> = "columns", rows: Vec<Vec<DbValue>> = "rows" });

    type Query = (Connection, String, Vec<Parameter>);

    pub fn bind(b: &mut Binder<'_>) -> wasmtime::Result<()> {
        b.resource("connection")?;
        b.func::<(String,), Result<Connection, Error>>("[static]connection.open")?;
        b.func::<Query, Result<RowSet, Error>>("[method]connection.query")?;
        b.func::<Query, Result<u64, Error>>("[method]connection.execute")
    }

    /// Since 4.1.0.
    pub fn builder(b: &mut Binder<'_>) -> wasmtime::Result<()> {
        b.resource("connection-builder")?;
        b.func::<(String,), Plain<Builder>>("[constructor]connection-builder")?;
        b.func::<(Builder, String), Result<(), Error>>("[method]connection-builder.set-ca-root")?;
        b.func::<(Builder,), Result<Connection, Error>>("[method]connection-builder.build")
    }

    /// Since 4.2.0.
    pub fn asynchronous(b: &mut Binder<'_>) -> wasmtime::Result<()> {
        type Answer = (Vec<Column>, StreamReader<Vec<DbValue>>, Ended<Error>);
        b.async_func::<(Builder,), Result<Connection, Error>>("[method]connection-builder.build-async")?;
        b.async_func::<(String,), Result<Connection, Error>>("[static]connection.open-async")?;
        b.async_func::<Query, Result<Answer, Error>>("[method]connection.query-async")?;
        b.async_func::<Query, Result<u64, Error>>("[method]connection.execute-async")
    }
}
