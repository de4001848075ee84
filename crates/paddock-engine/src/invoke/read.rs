//! JSON to a component's values, typed by a function's signature.

use std::fmt;

use serde_json::Value as Json;
use wasmtime::component::{Type, Val};

use super::signature;

/// Where in a value the JSON does not fit its type.
#[derive(Debug)]
pub struct Mismatch {
    /// From the outside inwards, such as `.points[1].x`; empty for the whole.
    path: String,
    wanted: String,
    given: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "at {}: ", self.path)?;
        }
        write!(f, "expected {}, got {}", self.wanted, self.given)
    }
}

type Result<T> = std::result::Result<T, Mismatch>;

impl Mismatch {
    fn new(wanted: impl Into<String>, given: impl Into<String>) -> Self {
        Self { path: String::new(), wanted: wanted.into(), given: given.into() }
    }

    fn of(ty: &Type, json: &Json) -> Self {
        Self::new(signature::text(ty), shown(json))
    }

    fn inside(mut self, step: impl fmt::Display) -> Self {
        self.path = format!("{step}{}", self.path);
        self
    }
}

/// Reads one argument. Text that needs quotes in JSON may come without them
/// where the type leaves no doubt; numbers may be hexadecimal.
pub fn argument(ty: &Type, text: &str) -> Result<Val> {
    let parsed = serde_json::from_str::<Json>(text);
    match (ty, parsed) {
        (Type::Option(option), parsed) => match parsed {
            Ok(json) if json.is_null() || !bare(&option.ty()) => value(ty, &json),
            _ if bare(&option.ty()) => Ok(Val::Option(Some(Box::new(argument(&option.ty(), text)?)))),
            _ => Err(no_json(ty, text)),
        },
        (Type::String | Type::Char | Type::Enum(_), Ok(json)) if !json.is_string() => {
            value(ty, &Json::String(text.into()))
        }
        (_, Ok(json)) => value(ty, &json),
        (ty, Err(_)) if bare(ty) => value(ty, &Json::String(text.into())),
        (ty, Err(_)) => match hexadecimal(text) {
            Some(number) => value(ty, &number),
            None => Err(no_json(ty, text)),
        },
    }
}

fn no_json(ty: &Type, text: &str) -> Mismatch {
    Mismatch::new(format!("{} in JSON", signature::text(ty)), format!("{:?}, which is not JSON", cut(text)))
}

/// Whether a value of the type is written as one JSON string.
fn bare(ty: &Type) -> bool {
    matches!(ty, Type::String | Type::Char | Type::Enum(_) | Type::Variant(_) | Type::Float32 | Type::Float64)
}

fn hexadecimal(text: &str) -> Option<Json> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    u64::from_str_radix(digits, 16).ok().map(Json::from)
}

/// Converts JSON to a value of `ty`.
///
/// # Errors
/// What does not fit, and where.
pub fn value(ty: &Type, json: &Json) -> Result<Val> {
    let mismatch = || Mismatch::of(ty, json);
    Ok(match (ty, json) {
        (Type::Bool, Json::Bool(value)) => Val::Bool(*value),
        (Type::S8, _) => Val::S8(integer(ty, json)?),
        (Type::U8, _) => Val::U8(integer(ty, json)?),
        (Type::S16, _) => Val::S16(integer(ty, json)?),
        (Type::U16, _) => Val::U16(integer(ty, json)?),
        (Type::S32, _) => Val::S32(integer(ty, json)?),
        (Type::U32, _) => Val::U32(integer(ty, json)?),
        (Type::S64, _) => Val::S64(integer(ty, json)?),
        (Type::U64, _) => Val::U64(integer(ty, json)?),
        (Type::Float32, _) => Val::Float32(float(json).ok_or_else(mismatch)? as f32),
        (Type::Float64, _) => Val::Float64(float(json).ok_or_else(mismatch)?),
        (Type::Char, Json::String(text)) => Val::Char(character(text).ok_or_else(mismatch)?),
        (Type::String, Json::String(text)) => Val::String(text.clone()),
        (Type::List(list), Json::Array(items)) => Val::List(sequence(&list.ty(), items)?),
        (Type::FixedLengthList(list), Json::Array(items)) if items.len() == list.len() as usize => {
            Val::FixedLengthList(sequence(&list.ty(), items)?)
        }
        (Type::Record(_), Json::Object(_)) => record(ty, json)?,
        (Type::Tuple(tuple), Json::Array(items)) if items.len() == tuple.types().len() => {
            let parts = tuple.types().zip(items).enumerate();
            let parts = parts.map(|(i, (ty, item))| value(&ty, item).map_err(|e| e.inside(format_args!("[{i}]"))));
            Val::Tuple(parts.collect::<Result<_>>()?)
        }
        (Type::Variant(_), _) => variant(ty, json)?,
        (Type::Enum(names), Json::String(name)) if names.names().any(|known| known == name) => Val::Enum(name.clone()),
        (Type::Flags(_), Json::Array(items)) => flags(ty, items)?,
        (Type::Option(option), _) => optional(ty, &option.ty(), json)?,
        (Type::Result(_), _) => outcome(ty, json)?,
        _ => return Err(refusal(ty, json)),
    })
}

fn refusal(ty: &Type, json: &Json) -> Mismatch {
    match ty {
        Type::Own(_) | Type::Borrow(_) | Type::Stream(_) | Type::Future(_) | Type::ErrorContext | Type::Map(_) => {
            Mismatch::new("a value that JSON can carry", format!("a parameter of type {}", signature::text(ty)))
        }
        _ => Mismatch::of(ty, json),
    }
}

fn sequence(ty: &Type, items: &[Json]) -> Result<Vec<Val>> {
    let items = items.iter().enumerate();
    items.map(|(i, item)| value(ty, item).map_err(|e| e.inside(format_args!("[{i}]")))).collect()
}

fn integer<T: TryFrom<i64> + TryFrom<u64>>(ty: &Type, json: &Json) -> Result<T> {
    let number = match json {
        Json::Number(number) => number
            .as_u64()
            .and_then(|n| T::try_from(n).ok())
            .or_else(|| number.as_i64().and_then(|n| T::try_from(n).ok())),
        _ => None,
    };
    number.ok_or_else(|| {
        let range = if json.is_number() { ", out of its range or no whole number" } else { "" };
        let mut mismatch = Mismatch::of(ty, json);
        mismatch.given.push_str(range);
        mismatch
    })
}

/// JSON has no words for what is not finite; they come as strings.
fn float(json: &Json) -> Option<f64> {
    match json {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => match text.as_str() {
            "nan" | "NaN" => Some(f64::NAN),
            "inf" | "Infinity" => Some(f64::INFINITY),
            "-inf" | "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

fn character(text: &str) -> Option<char> {
    let mut characters = text.chars();
    let first = characters.next()?;
    characters.next().is_none().then_some(first)
}

fn record(ty: &Type, json: &Json) -> Result<Val> {
    let (Type::Record(record), Json::Object(object)) = (ty, json) else { return Err(Mismatch::of(ty, json)) };
    if let Some(extra) = object.keys().find(|key| record.fields().all(|field| field.name != key.as_str())) {
        return Err(Mismatch::new(signature::text(ty), format!("an object with the unknown field {extra:?}")));
    }
    let mut fields = Vec::new();
    for field in record.fields() {
        let part = match (object.get(field.name), &field.ty) {
            (Some(part), _) => part,
            (None, Type::Option(_)) => &Json::Null,
            (None, _) => {
                return Err(Mismatch::new(
                    signature::text(ty),
                    format!("an object without the field {:?}", field.name),
                ));
            }
        };
        let part = value(&field.ty, part).map_err(|e| e.inside(format_args!(".{}", field.name)))?;
        fields.push((field.name.to_string(), part));
    }
    Ok(Val::Record(fields))
}

/// `"case"`, or `{"case": payload}`.
fn tagged(json: &Json) -> Option<(&str, Option<&Json>)> {
    match json {
        Json::String(name) => Some((name, None)),
        Json::Object(object) if object.len() == 1 => {
            object.iter().next().map(|(name, inner)| (name.as_str(), Some(inner)))
        }
        _ => None,
    }
}

fn variant(ty: &Type, json: &Json) -> Result<Val> {
    let (Type::Variant(variant), Some((name, inner))) = (ty, tagged(json)) else { return Err(Mismatch::of(ty, json)) };
    let Some(case) = variant.cases().find(|case| case.name == name) else { return Err(Mismatch::of(ty, json)) };
    Ok(Val::Variant(name.to_string(), payload(ty, json, case.ty, name, inner)?))
}

fn outcome(ty: &Type, json: &Json) -> Result<Val> {
    let (Type::Result(parts), Some((name, inner))) = (ty, tagged(json)) else { return Err(Mismatch::of(ty, json)) };
    match name {
        "ok" => Ok(Val::Result(Ok(payload(ty, json, parts.ok(), name, inner)?))),
        "err" => Ok(Val::Result(Err(payload(ty, json, parts.err(), name, inner)?))),
        _ => Err(Mismatch::of(ty, json)),
    }
}

fn payload(whole: &Type, json: &Json, ty: Option<Type>, name: &str, inner: Option<&Json>) -> Result<Option<Box<Val>>> {
    match (ty, inner) {
        (None, None | Some(Json::Null)) => Ok(None),
        (Some(ty), Some(inner)) => {
            value(&ty, inner).map(|val| Some(Box::new(val))).map_err(|e| e.inside(format_args!(".{name}")))
        }
        _ => Err(Mismatch::of(whole, json)),
    }
}

/// `null` or the value. Only an option of an option needs `{"some": …}`, since
/// its two kinds of nothing would look the same.
fn optional(ty: &Type, inner: &Type, json: &Json) -> Result<Val> {
    if json.is_null() {
        return Ok(Val::Option(None));
    }
    let val = match (inner, json) {
        (Type::Option(_), Json::Object(object)) if object.len() == 1 && object.contains_key("some") => {
            let some = object.get("some").unwrap_or(&Json::Null);
            value(inner, some).map_err(|e| e.inside(".some"))?
        }
        (Type::Option(_), _) => return Err(Mismatch::of(ty, json)),
        _ => value(inner, json)?,
    };
    Ok(Val::Option(Some(Box::new(val))))
}

fn flags(ty: &Type, items: &[Json]) -> Result<Val> {
    let Type::Flags(flags) = ty else { return Err(Mismatch::new(signature::text(ty), "an array")) };
    let mut names = Vec::with_capacity(items.len());
    for (i, item) in items.iter().enumerate() {
        match item.as_str() {
            Some(name) if flags.names().any(|known| known == name) => names.push(name.to_string()),
            _ => return Err(Mismatch::of(ty, item).inside(format_args!("[{i}]"))),
        }
    }
    Ok(Val::Flags(names))
}

fn shown(json: &Json) -> String {
    let kind = match json {
        Json::Null => return "null".into(),
        Json::Bool(_) => "",
        Json::Number(_) => "the number ",
        Json::String(_) => "the string ",
        Json::Array(_) => "the array ",
        Json::Object(_) => "the object ",
    };
    format!("{kind}{}", cut(&json.to_string()))
}

fn cut(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.chars().count() <= LONGEST {
        return text.into();
    }
    text.chars().take(LONGEST).chain(['…']).collect()
}
