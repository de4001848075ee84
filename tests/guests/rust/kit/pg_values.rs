//! `pg-value` of `wasmcloud:postgres`, the same type in both versions: from a
//! parameter; shown as Rust's `Debug` has it (`PgValue::Int4(5)`): every case.
//!
//! `null`, `bool`, `int2 int4 int8` (`int` is `int8`), `real` (`float8`),
//! `text varchar name`, `blob` (`bytea`), `numeric`, `uuid json jsonb inet xml`,
//! `date:2024-02-29` (or `infinity`), `time:23:59:59.5`,
//! `timestamp:2024-02-29T23:59:59.5`, `int4-array:1,2`, `text-array:a,b`,
//! `hstore:a=1,b=` (no value: null).

use crate::pg::{Date, PgValue, Time, Timestamp};
use crate::sql::{Failure, Param};

pub fn value(param: &Param) -> Result<PgValue, Failure> {
    let text = || param.text.clone();
    Ok(match param.kind.as_str() {
        "null" => PgValue::Null,
        "bool" => PgValue::Bool(param.number()?),
        "int2" => PgValue::Int2(param.number()?),
        "int4" => PgValue::Int4(param.number()?),
        "int" | "int8" => PgValue::Int8(param.number()?),
        "real" => PgValue::Float8(decoded(param.number()?)),
        "text" | "letters" => PgValue::Text(param.string()?),
        "varchar" => PgValue::Varchar((None, text().into_bytes())),
        "name" => PgValue::Name(text()),
        "blob" | "zeros" => PgValue::Bytea(param.bytes()?),
        "numeric" => PgValue::Numeric(text()),
        "uuid" => PgValue::Uuid(text()),
        "json" => PgValue::Json(text()),
        "jsonb" => PgValue::Jsonb(text()),
        "inet" => PgValue::Inet(text()),
        "xml" => PgValue::Xml(text()),
        _ => return composed(param).ok_or_else(|| param.wrong()),
    })
}

fn composed(param: &Param) -> Option<PgValue> {
    let words = || param.text.split(',').filter(|word| !word.is_empty());
    Some(match param.kind.as_str() {
        "date" => PgValue::Date(date(&param.text)?),
        "time" => PgValue::Time(time(&param.text)?),
        "timestamp" => {
            let (day, clock) = param.text.split_once('T')?;
            PgValue::Timestamp(Timestamp { date: date(day)?, time: time(clock)? })
        }
        "int4-array" => {
            let numbers: Option<Vec<i32>> = words().map(|word| word.parse().ok()).collect();
            PgValue::Int4Array(numbers?)
        }
        "text-array" => PgValue::TextArray(words().map(str::to_owned).collect()),
        "hstore" => {
            let pair = |word: &str| {
                let (key, value) = word.split_once('=').unwrap_or((word, ""));
                (key.to_owned(), (!value.is_empty()).then(|| value.to_owned()))
            };
            PgValue::Hstore(words().map(pair).collect())
        }
        _ => return None,
    })
}

fn date(text: &str) -> Option<Date> {
    match text {
        "infinity" => return Some(Date::PositiveInfinity),
        "-infinity" => return Some(Date::NegativeInfinity),
        _ => {}
    }
    let (rest, day) = text.rsplit_once('-')?;
    let (year, month) = rest.rsplit_once('-')?;
    Some(Date::Ymd((year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)))
}

fn time(text: &str) -> Option<Time> {
    let (hour, rest) = text.split_once(':')?;
    let (min, rest) = rest.split_once(':')?;
    let (sec, fraction) = rest.split_once('.').unwrap_or((rest, ""));
    let micro = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    let (hour, min, sec) = (hour.parse().ok()?, min.parse().ok()?, sec.parse().ok()?);
    Some(Time { hour, min, sec, micro })
}

/// Mantissa, exponent and sign, as the interface's source defines them: the
/// number is sign × mantissa × 2 to the exponent.
pub fn decoded(number: f64) -> (u64, i16, i8) {
    let bits = number.to_bits();
    let sign = if bits >> 63 == 0 { 1 } else { -1 };
    let exponent = ((bits >> 52) & 0x7ff) as i16;
    let fraction = bits & 0xf_ffff_ffff_ffff;
    let mantissa = if exponent == 0 { fraction << 1 } else { fraction | 0x10_0000_0000_0000 };
    (mantissa, exponent - 1075, sign)
}
