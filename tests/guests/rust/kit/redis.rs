//! Routes over Redis, the same for every interface whose functions return at
//! once; `../redis/src/lib.rs` lists them.

use crate::args::{Query, all, number, text};
use crate::shown::{hex, unhex};

pub enum Value {
    Nil,
    Status(String),
    Int(i64),
    Bytes(Vec<u8>),
}

pub trait Redis: Sized {
    fn open(address: &str) -> Result<Self, String>;
    fn publish(&self, channel: &str, payload: &[u8]) -> Result<(), String>;
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, String>;
    fn set(&self, key: &str, value: &[u8]) -> Result<(), String>;
    fn incr(&self, key: &str) -> Result<i64, String>;
    fn del(&self, keys: &[String]) -> Result<i64, String>;
    fn sadd(&self, key: &str, values: &[String]) -> Result<i64, String>;
    fn smembers(&self, key: &str) -> Result<Vec<String>, String>;
    fn srem(&self, key: &str, values: &[String]) -> Result<i64, String>;
    fn execute(&self, command: &str, arguments: Vec<Value>) -> Result<Vec<Value>, String>;
}

/// None: no such key.
pub fn answer<R: Redis>(path: &str, query: &Query) -> Result<Option<String>, String> {
    let redis = R::open(text(query, "address", ""))?;
    let key = text(query, "key", "key");
    let value = text(query, "value", "").as_bytes();
    match path {
        "/get" => Ok(redis.get(key)?.map(|found| String::from_utf8_lossy(&found).into_owned())),
        "/set" => redis.set(key, value).map(|()| Some("ok\n".to_owned())),
        "/publish" => {
            redis.publish(text(query, "channel", "channel"), value)?;
            Ok(Some("ok\n".to_owned()))
        }
        "/incr" => line(redis.incr(key)),
        "/del" => line(redis.del(&list(query, "keys"))),
        "/sadd" => line(redis.sadd(key, &list(query, "values"))),
        "/srem" => line(redis.srem(key, &list(query, "values"))),
        "/smembers" => Ok(Some(sorted(redis.smembers(key)?))),
        "/execute" => {
            let found = redis.execute(text(query, "command", "PING"), arguments(query)?)?;
            Ok(Some(found.iter().map(shown).collect()))
        }
        "/many" => many(&redis, number(query, "n", 100)).map(Some),
        other => Err(format!("no route {other}")),
    }
}

fn line(found: Result<i64, String>) -> Result<Option<String>, String> {
    Ok(Some(format!("{}\n", found?)))
}

fn many<R: Redis>(redis: &R, count: u32) -> Result<String, String> {
    for number in 0..count {
        let (key, value) = (format!("many {number}"), number.to_string());
        redis.set(&key, value.as_bytes())?;
        if redis.get(&key)?.as_deref() != Some(value.as_bytes()) {
            return Err(format!("{key} is another"));
        }
    }
    Ok(format!("{count} keys\n"))
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
