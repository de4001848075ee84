//! A component's values to JSON.

use serde_json::{Map, Number, Value as Json};
use wasmtime::component::Val;

/// Converts a value; the inverse of [`super::read::value`].
///
/// # Errors
/// The name of what JSON can't carry: a resource, a stream, a future.
pub fn value(val: &Val) -> Result<Json, &'static str> {
    Ok(match val {
        Val::Bool(value) => Json::Bool(*value),
        Val::S8(n) => Json::from(*n),
        Val::U8(n) => Json::from(*n),
        Val::S16(n) => Json::from(*n),
        Val::U16(n) => Json::from(*n),
        Val::S32(n) => Json::from(*n),
        Val::U32(n) => Json::from(*n),
        Val::S64(n) => Json::from(*n),
        Val::U64(n) => Json::from(*n),
        Val::Float32(n) => single(*n),
        Val::Float64(n) => double(*n),
        Val::Char(c) => Json::String(c.to_string()),
        Val::String(text) | Val::Enum(text) => Json::String(text.clone()),
        Val::List(items) | Val::FixedLengthList(items) | Val::Tuple(items) => {
            Json::Array(items.iter().map(value).collect::<Result<_, _>>()?)
        }
        Val::Record(fields) => {
            let fields = fields.iter().map(|(name, val)| Ok((name.clone(), value(val)?)));
            Json::Object(fields.collect::<Result<Map<_, _>, &'static str>>()?)
        }
        Val::Variant(name, None) => Json::String(name.clone()),
        Val::Variant(name, inner) => tagged(name, inner.as_deref())?,
        Val::Result(Ok(inner)) => tagged("ok", inner.as_deref())?,
        Val::Result(Err(inner)) => tagged("err", inner.as_deref())?,
        Val::Option(None) => Json::Null,
        Val::Option(Some(inner)) => match inner.as_ref() {
            Val::Option(_) => tagged("some", Some(inner))?,
            inner => value(inner)?,
        },
        Val::Flags(names) => Json::Array(names.iter().cloned().map(Json::String).collect()),
        Val::Resource(_) => return Err("a resource"),
        Val::Stream(_) => return Err("a stream"),
        Val::Future(_) => return Err("a future"),
        _ => return Err("a value of this type"),
    })
}

fn tagged(name: &str, inner: Option<&Val>) -> Result<Json, &'static str> {
    let inner = inner.map_or(Ok(Json::Null), value)?;
    Ok(Json::Object([(name.to_string(), inner)].into_iter().collect()))
}

/// A number that reads back as the same one; JSON has no infinities.
pub fn double(n: f64) -> Json {
    match Number::from_f64(n) {
        Some(number) => Json::Number(number),
        None if n.is_nan() => Json::String("nan".into()),
        None if n > 0.0 => Json::String("inf".into()),
        None => Json::String("-inf".into()),
    }
}

/// The shortest decimal that reads back as the same single: 0.1, where its
/// exact value has many digits more.
pub fn single(n: f32) -> Json {
    double(n.to_string().parse().unwrap_or(f64::from(n)))
}
