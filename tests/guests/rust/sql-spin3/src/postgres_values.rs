//! Values of `spin:postgres@4.2.0`, from a parameter and as `type:value`.
//!
//! `date:2024-02-29`, `time:23:59:59.000000001`, `datetime:2024-02-29T23:59:59.0`
//! (nine digits when shown), `timestamp:SECONDS`, `uuid:`, `jsonb:`, `decimal:`,
//! `range-int32:[1,5)` (an open end is empty: `(,5]`), `array-str:a,null,b`
//! (shown as JSON), `interval:MICROS,DAYS,MONTHS`.

use std::fmt::Display;
use std::str::FromStr;

use crate::shown::{hex, quoted};
use crate::spin::postgres::postgres::{
    Column, DbDataType, DbValue, Interval, ParameterValue, RangeBoundKind,
};
use crate::sql::{Failure, Param};

type Bound<T> = Option<(T, RangeBoundKind)>;

pub fn value(param: &Param) -> Result<ParameterValue, Failure> {
    type Value = ParameterValue;
    Ok(match param.kind.as_str() {
        "null" => Value::DbNull,
        "bool" => Value::Boolean(param.number()?),
        "int8" => Value::Int8(param.number()?),
        "int16" => Value::Int16(param.number()?),
        "int32" => Value::Int32(param.number()?),
        "int" | "int64" => Value::Int64(param.number()?),
        "real32" => Value::Floating32(param.number()?),
        "real" | "real64" => Value::Floating64(param.number()?),
        "text" | "letters" => Value::Str(param.string()?),
        "blob" | "zeros" => Value::Binary(param.bytes()?),
        "timestamp" => Value::Timestamp(param.number()?),
        "uuid" => Value::Uuid(param.text.clone()),
        "jsonb" => Value::Jsonb(param.text.clone().into_bytes()),
        "decimal" => Value::Decimal(param.text.clone()),
        other => return other_value(other, &param.text).ok_or_else(|| param.wrong()),
    })
}

fn other_value(kind: &str, text: &str) -> Option<ParameterValue> {
    type Value = ParameterValue;
    Some(match kind {
        "date" => Value::Date(date(text)?),
        "time" => Value::Time(time(text)?),
        "datetime" => {
            let (day, clock) = text.split_once('T')?;
            let ((year, month, day), (hour, minute, second, nanos)) = (date(day)?, time(clock)?);
            Value::Datetime((year, month, day, hour, minute, second, nanos))
        }
        "range-int32" => Value::RangeInt32(range(text)?),
        "range-int64" => Value::RangeInt64(range(text)?),
        "range-decimal" => Value::RangeDecimal(range(text)?),
        "array-int32" => Value::ArrayInt32(array(text)?),
        "array-int64" => Value::ArrayInt64(array(text)?),
        "array-decimal" => Value::ArrayDecimal(array(text)?),
        "array-str" => Value::ArrayStr(array(text)?),
        "interval" => {
            let (micros, rest) = text.split_once(',')?;
            let (days, months) = rest.split_once(',')?;
            let (days, months) = (days.parse().ok()?, months.parse().ok()?);
            Value::Interval(Interval { micros: micros.parse().ok()?, days, months })
        }
        _ => return None,
    })
}

fn date(text: &str) -> Option<(i32, u8, u8)> {
    // A year before 1 begins with a sign.
    let (rest, day) = text.rsplit_once('-')?;
    let (year, month) = rest.rsplit_once('-')?;
    Some((year.parse().ok()?, month.parse().ok()?, day.parse().ok()?))
}

fn time(text: &str) -> Option<(u8, u8, u8, u32)> {
    let (hour, rest) = text.split_once(':')?;
    let (minute, rest) = rest.split_once(':')?;
    let (second, fraction) = rest.split_once('.').unwrap_or((rest, ""));
    let nanos = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    Some((hour.parse().ok()?, minute.parse().ok()?, second.parse().ok()?, nanos))
}

fn range<T: FromStr>(text: &str) -> Option<(Bound<T>, Bound<T>)> {
    let kind = |closed: bool| match closed {
        true => RangeBoundKind::Inclusive,
        false => RangeBoundKind::Exclusive,
    };
    let inner = text.get(1..text.len().checked_sub(1)?)?;
    let (low, high) = inner.split_once(',')?;
    let bound = |text: &str, closed| match text {
        "" => Some(None),
        digits => Some(Some((digits.parse().ok()?, kind(closed)))),
    };
    Some((bound(low, text.starts_with('['))?, bound(high, text.ends_with(']'))?))
}

fn array<T: FromStr>(text: &str) -> Option<Vec<Option<T>>> {
    let one = |word| match word {
        "null" => Some(None),
        word => word.parse().ok().map(Some),
    };
    text.split(',').filter(|_| !text.is_empty()).map(one).collect()
}

pub fn shown(value: &DbValue) -> String {
    match value {
        DbValue::DbNull => "null".to_owned(),
        DbValue::Boolean(value) => format!("boolean:{value}"),
        DbValue::Int8(number) => format!("int8:{number}"),
        DbValue::Int16(number) => format!("int16:{number}"),
        DbValue::Int32(number) => format!("int32:{number}"),
        DbValue::Int64(number) => format!("int64:{number}"),
        DbValue::Floating32(number) => format!("floating32:{number:?}"),
        DbValue::Floating64(number) => format!("floating64:{number:?}"),
        DbValue::Str(text) => format!("str:{text}"),
        DbValue::Binary(bytes) => format!("binary:{}", hex(bytes)),
        DbValue::Date(day) => format!("date:{}", day_shown(*day)),
        DbValue::Time(clock) => format!("time:{}", clock_shown(*clock)),
        DbValue::Datetime((year, month, day, hour, minute, second, nanos)) => {
            let clock = clock_shown((*hour, *minute, *second, *nanos));
            format!("datetime:{}T{clock}", day_shown((*year, *month, *day)))
        }
        DbValue::Timestamp(seconds) => format!("timestamp:{seconds}"),
        DbValue::Uuid(text) => format!("uuid:{text}"),
        DbValue::Jsonb(bytes) => format!("jsonb:{}", String::from_utf8_lossy(bytes)),
        DbValue::Decimal(digits) => format!("decimal:{digits}"),
        DbValue::RangeInt32(range) => format!("range-int32:{}", range_shown(range)),
        DbValue::RangeInt64(range) => format!("range-int64:{}", range_shown(range)),
        DbValue::RangeDecimal(range) => format!("range-decimal:{}", range_shown(range)),
        DbValue::ArrayInt32(items) => format!("array-int32:{}", array_shown(items)),
        DbValue::ArrayInt64(items) => format!("array-int64:{}", array_shown(items)),
        DbValue::ArrayDecimal(items) => format!("array-decimal:{}", array_shown(items)),
        DbValue::ArrayStr(items) => {
            let items: Vec<_> = items.iter().map(|item| item.as_deref().map(quoted)).collect();
            format!("array-str:{}", array_shown(&items))
        }
        DbValue::Interval(Interval { micros, days, months }) => {
            format!("interval:{micros},{days},{months}")
        }
        DbValue::Unsupported(bytes) => format!("unsupported:{}", hex(bytes)),
    }
}

fn day_shown((year, month, day): (i32, u8, u8)) -> String {
    format!("{year:04}-{month:02}-{day:02}")
}

fn clock_shown((hour, minute, second, nanos): (u8, u8, u8, u32)) -> String {
    format!("{hour:02}:{minute:02}:{second:02}.{nanos:09}")
}

fn range_shown<T: Display>((low, high): &(Bound<T>, Bound<T>)) -> String {
    let end = |bound: &Bound<T>, closed, open| match bound {
        Some((value, RangeBoundKind::Inclusive)) => (value.to_string(), closed),
        Some((value, RangeBoundKind::Exclusive)) => (value.to_string(), open),
        None => (String::new(), open),
    };
    let ((low, left), (high, right)) = (end(low, '[', '('), end(high, ']', ')'));
    format!("{left}{low},{high}{right}")
}

fn array_shown<T: Display>(items: &[Option<T>]) -> String {
    let one = |item: &Option<T>| item.as_ref().map_or("null".to_owned(), T::to_string);
    format!("[{}]", items.iter().map(one).collect::<Vec<_>>().join(","))
}

pub fn column(column: &Column) -> String {
    let kind = match &column.data_type {
        DbDataType::Boolean => "boolean",
        DbDataType::Int8 => "int8",
        DbDataType::Int16 => "int16",
        DbDataType::Int32 => "int32",
        DbDataType::Int64 => "int64",
        DbDataType::Floating32 => "floating32",
        DbDataType::Floating64 => "floating64",
        DbDataType::Str => "str",
        DbDataType::Binary => "binary",
        DbDataType::Date => "date",
        DbDataType::Time => "time",
        DbDataType::Datetime => "datetime",
        DbDataType::Timestamp => "timestamp",
        DbDataType::Uuid => "uuid",
        DbDataType::Jsonb => "jsonb",
        DbDataType::Decimal => "decimal",
        DbDataType::RangeInt32 => "range-int32",
        DbDataType::RangeInt64 => "range-int64",
        DbDataType::RangeDecimal => "range-decimal",
        DbDataType::ArrayInt32 => "array-int32",
        DbDataType::ArrayInt64 => "array-int64",
        DbDataType::ArrayDecimal => "array-decimal",
        DbDataType::ArrayStr => "array-str",
        DbDataType::Interval => "interval",
        DbDataType::Other(name) => return format!("{}:other({name})", column.name),
    };
    format!("{}:{kind}", column.name)
}
