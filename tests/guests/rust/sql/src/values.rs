//! Values of `paddock:sql@0.1.0`, from a parameter and as `type:value`.
//!
//! `unsigned:`, `decimal:`, `date:`, `time:`, `timestamp:`, `timestamp-tz:`,
//! `uuid:`, `json:` as their texts, `interval:MONTHS,DAYS,MICROSECONDS`,
//! `other:TYPE:TEXT`.

use crate::paddock::sql::database::{Interval, OtherValue, Value};
use crate::shown::hex;
use crate::sql::{Failure, Param};

pub fn value(param: &Param) -> Result<Value, Failure> {
    let text = || param.text.clone();
    Ok(match param.kind.as_str() {
        "null" => Value::Null,
        "bool" => Value::Boolean(param.number()?),
        "int" => Value::Integer(param.number()?),
        "unsigned" => Value::Unsigned(param.number()?),
        "real" => Value::Float(param.number()?),
        "text" | "letters" => Value::Text(param.string()?),
        "blob" | "zeros" => Value::Bytes(param.bytes()?),
        "decimal" => Value::Decimal(text()),
        "date" => Value::Date(text()),
        "time" => Value::Time(text()),
        "timestamp" => Value::Timestamp(text()),
        "timestamp-tz" => Value::TimestampTz(text()),
        "uuid" => Value::Uuid(text()),
        "json" => Value::Json(text()),
        "interval" => Value::Interval(interval(&param.text).ok_or_else(|| param.wrong())?),
        "other" => {
            let (name, words) = param.text.split_once(':').ok_or_else(|| param.wrong())?;
            Value::Other(OtherValue { type_name: name.to_owned(), text: words.to_owned() })
        }
        _ => return Err(param.wrong()),
    })
}

fn interval(text: &str) -> Option<Interval> {
    let (months, rest) = text.split_once(',')?;
    let (days, microseconds) = rest.split_once(',')?;
    let (months, days) = (months.parse().ok()?, days.parse().ok()?);
    Some(Interval { months, days, microseconds: microseconds.parse().ok()? })
}

pub fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Boolean(value) => format!("boolean:{value}"),
        Value::Integer(number) => format!("integer:{number}"),
        Value::Unsigned(number) => format!("unsigned:{number}"),
        Value::Float(number) => format!("float:{number:?}"),
        Value::Decimal(digits) => format!("decimal:{digits}"),
        Value::Text(words) => format!("text:{words}"),
        Value::Bytes(bytes) => format!("bytes:{}", hex(bytes)),
        Value::Date(day) => format!("date:{day}"),
        Value::Time(clock) => format!("time:{clock}"),
        Value::Timestamp(at) => format!("timestamp:{at}"),
        Value::TimestampTz(at) => format!("timestamp-tz:{at}"),
        Value::Interval(Interval { months, days, microseconds }) => {
            format!("interval:{months},{days},{microseconds}")
        }
        Value::Uuid(digits) => format!("uuid:{digits}"),
        Value::Json(text) => format!("json:{text}"),
        Value::Other(OtherValue { type_name, text }) => format!("other:{type_name}:{text}"),
    }
}
