//! Routes over Redis, the same for every interface whose functions return at
//! once; `../redis/src/lib.rs` lists them.

use crate::args::{Query, number, text};
use crate::redis_values::{Value, arguments, list, shown, sorted};

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
