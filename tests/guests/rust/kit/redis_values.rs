//! Values of Redis: the arguments of a request, and answers as text.

use crate::args::{Query, all, text};
use crate::shown::{hex, unhex};

pub enum Value {
    Nil,
    Status(String),
    Int(i64),
    Bytes(Vec<u8>),
}

pub fn list(query: &Query, name: &str) -> Vec<String> {
    let words = text(query, name, "").split(',');
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

pub fn sorted(mut members: Vec<String>) -> String {
    members.sort();
    members.iter().map(|member| format!("{member}\n")).collect()
}

pub fn arguments(query: &Query) -> Result<Vec<Value>, String> {
    let one = |given: &str| match given.split_once(':') {
        Some(("int", digits)) => digits.parse().ok().map(Value::Int),
        Some(("text", words)) => Some(Value::Bytes(words.as_bytes().to_vec())),
        Some(("hex", digits)) => unhex(digits).map(Value::Bytes),
        _ => None,
    };
    all(query, "a").map(|given| one(given).ok_or(format!("no argument {given}"))).collect()
}

pub fn shown(value: &Value) -> String {
    match value {
        Value::Nil => "nil\n".to_owned(),
        Value::Status(words) => format!("status:{words}\n"),
        Value::Int(number) => format!("int64:{number}\n"),
        Value::Bytes(bytes) => format!("binary:{}\n", hex(bytes)),
    }
}
