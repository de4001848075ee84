//! `wasmcloud:postgres/query@0.2.0`: names and types as in that package's WIT.
//! Its rows are a stream, whose items need a type; everything else of the package
//! takes the dynamic path.

use wasmtime::component::StreamReader;

use super::Binder;
use super::shapes::{cases, payload, record, variant};
use super::stream::Ended;

/// Mantissa, exponent, sign.
type Hashable = (u64, i16, i8);
type Point = (Hashable, Hashable);
type Pair = (Point, Point);
type Bits = (u32, Vec<u8>);
type VarBits = (Option<u32>, Vec<u8>);

record!(DbError {
    code: String = "code",
    severity: String = "severity",
    message: String = "message",
    detail: Option<String> = "detail",
    extras: Vec<(String, String)> = "extras",
});

variant!(Error {
    ConnectionFailed(String) = "connection-failed",
    InvalidParams(String) = "invalid-params",
    InvalidQuery(String) = "invalid-query",
    QueryFailed(DbError) = "query-failed",
    ValueConversionFailed(String) = "value-conversion-failed",
    UnknownPreparedStatement = "unknown-prepared-statement",
    AccessDenied = "access-denied",
    Timeout = "timeout",
    Other(String) = "other",
});

cases!(Weight { A = "A", B = "B", C = "C", D = "D" });
record!(Lexeme { position: Option<u16> = "position", weight: Option<Weight> = "weight", data: String = "data" });
variant!(Offset { Eastern(i32) = "eastern-hemisphere-secs", Western(i32) = "western-hemisphere-secs" });
variant!(Date {
    PositiveInfinity = "positive-infinity",
    NegativeInfinity = "negative-infinity",
    Ymd((i32, u32, u32)) = "ymd",
});
record!(Interval {
    start: Date = "start",
    start_inclusive: bool = "start-inclusive",
    end: Date = "end",
    end_inclusive: bool = "end-inclusive",
});
record!(Time { hour: u32 = "hour", min: u32 = "min", sec: u32 = "sec", micro: u32 = "micro" });
record!(TimeTz { timezone: String = "timesonze", time: Time = "time" });
record!(Timestamp { date: Date = "date", time: Time = "time" });
record!(TimestampTz { timestamp: Timestamp = "timestamp", offset: Offset = "offset" });
record!(Mac6 { bytes: (u8, u8, u8, u8, u8, u8) = "bytes" });
record!(Mac8 { bytes: (u8, u8, u8, u8, u8, u8, u8, u8) = "bytes" });

variant!(PgValue {
    Null = "null",
    BigInt(i64) = "big-int",
    Int8(i64) = "int8",
    Int8Array(Vec<i64>) = "int8-array",
    BigSerial(i64) = "big-serial",
    Serial8(i64) = "serial8",
    Bool(bool) = "bool",
    Boolean(bool) = "boolean",
    BoolArray(Vec<bool>) = "bool-array",
    Double(Hashable) = "double",
    Float8(Hashable) = "float8",
    Float8Array(Vec<Hashable>) = "float8-array",
    Real(Hashable) = "real",
    Float4(Hashable) = "float4",
    Float4Array(Vec<Hashable>) = "float4-array",
    Integer(i32) = "integer",
    Int(i32) = "int",
    Int4(i32) = "int4",
    Int4Array(Vec<i32>) = "int4-array",
    Numeric(String) = "numeric",
    Decimal(String) = "decimal",
    NumericArray(Vec<String>) = "numeric-array",
    Serial(u32) = "serial",
    Serial4(u32) = "serial4",
    SmallInt(i16) = "small-int",
    Int2(i16) = "int2",
    Int2Array(Vec<i16>) = "int2-array",
    Int2Vector(Vec<i16>) = "int2-vector",
    Int2VectorArray(Vec<Vec<i16>>) = "int2-vector-array",
    SmallSerial(i16) = "small-serial",
    Serial2(i16) = "serial2",
    Bit(Bits) = "bit",
    BitArray(Vec<Bits>) = "bit-array",
    BitVarying(VarBits) = "bit-varying",
    Varbit(VarBits) = "varbit",
    VarbitArray(Vec<VarBits>) = "varbit-array",
    Bytea(Vec<u8>) = "bytea",
    ByteaArray(Vec<Vec<u8>>) = "bytea-array",
    Char(Bits) = "char",
    CharArray(Vec<Bits>) = "char-array",
    Varchar(VarBits) = "varchar",
    VarcharArray(Vec<VarBits>) = "varchar-array",
    Cidr(String) = "cidr",
    CidrArray(Vec<String>) = "cidr-array",
    Inet(String) = "inet",
    InetArray(Vec<String>) = "inet-array",
    Macaddr(Mac6) = "macaddr",
    MacaddrArray(Vec<Mac6>) = "macaddr-array",
    Macaddr8(Mac8) = "macaddr8",
    Macaddr8Array(Vec<Mac8>) = "macaddr8-array",
    Box(Pair) = "box",
    BoxArray(Vec<Pair>) = "box-array",
    Circle((Point, Hashable)) = "circle",
    CircleArray(Vec<(Point, Hashable)>) = "circle-array",
    Line(Pair) = "line",
    LineArray(Vec<Pair>) = "line-array",
    Lseg(Pair) = "lseg",
    LsegArray(Vec<Pair>) = "lseg-array",
    Path(Vec<Point>) = "path",
    PathArray(Vec<Vec<Point>>) = "path-array",
    Point(Point) = "point",
    PointArray(Vec<Point>) = "point-array",
    Polygon(Vec<Point>) = "polygon",
    PolygonArray(Vec<Vec<Point>>) = "polygon-array",
    Date(Date) = "date",
    DateArray(Vec<Date>) = "date-array",
    Interval(Interval) = "interval",
    IntervalArray(Vec<Interval>) = "interval-array",
    Time(Time) = "time",
    TimeArray(Vec<Time>) = "time-array",
    TimeTz(TimeTz) = "time-tz",
    TimeTzArray(Vec<TimeTz>) = "time-tz-array",
    Timestamp(Timestamp) = "timestamp",
    TimestampArray(Vec<Timestamp>) = "timestamp-array",
    TimestampTz(TimestampTz) = "timestamp-tz",
    TimestampTzArray(Vec<TimestampTz>) = "timestamp-tz-array",
    Json(String) = "json",
    JsonArray(Vec<String>) = "json-array",
    Jsonb(String) = "jsonb",
    JsonbArray(Vec<String>) = "jsonb-array",
    Money(String) = "money",
    MoneyArray(Vec<String>) = "money-array",
    PgLsn(u64) = "pg-lsn",
    PgLsnArray(Vec<u64>) = "pg-lsn-array",
    PgSnapshot((i64, i64, Vec<i64>)) = "pg-snapshot",
    TxidSnapshot(i64) = "txid-snapshot",
    Name(String) = "name",
    NameArray(Vec<String>) = "name-array",
    Text(String) = "text",
    TextArray(Vec<String>) = "text-array",
    Xml(String) = "xml",
    XmlArray(Vec<String>) = "xml-array",
    TsQuery(String) = "ts-query",
    TsVector(Vec<Lexeme>) = "ts-vector",
    Uuid(String) = "uuid",
    UuidArray(Vec<String>) = "uuid-array",
    Hstore(Vec<(String, Option<String>)>) = "hstore",
});

/// False for what has no table.
pub fn bind(b: &mut Binder<'_>, version: &str) -> wasmtime::Result<bool> {
    type Answer = (Vec<String>, StreamReader<Vec<PgValue>>, Ended<Error>);
    if version != "0.2.0" {
        return Ok(false);
    }
    b.async_func::<(String, Vec<PgValue>), Result<Answer, Error>>("query")?;
    b.async_func::<(String,), Result<(), Error>>("query-batch")?;
    Ok(true)
}
