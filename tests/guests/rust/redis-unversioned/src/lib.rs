//! `fermyon:spin/redis` without a version: the routes of `redis`, but no MQTT;
//! its errors have no words, and a key that is absent is empty.

wit_bindgen::generate!({
    world: "paddock:services/redis-unversioned",
    path: ["../../wit/p2", "../../wit/services"],
    generate_all,
});

#[path = "../../kit/args.rs"]
mod args;
#[path = "../../kit/http.rs"]
mod http;
#[path = "../../kit/redis_values.rs"]
mod redis_values;
#[path = "../../kit/redis.rs"]
mod routes;
#[path = "../../kit/shown.rs"]
mod shown;

use fermyon::spin::redis;
use fermyon::spin::redis_types::{Error, RedisParameter, RedisResult};
use http::{Request, text};
use redis_values::Value;
use routes::Redis;
use wasi::http::types::{IncomingRequest, ResponseOutparam};

fn why(error: Error) -> String {
    match error {
        Error::Success => "success".to_owned(),
        Error::Error => "error".to_owned(),
    }
}

/// Where each call goes.
struct Address(String);

impl Redis for Address {
    fn open(address: &str) -> Result<Self, String> {
        Ok(Self(address.to_owned()))
    }

    fn publish(&self, channel: &str, payload: &[u8]) -> Result<(), String> {
        redis::publish(&self.0, channel, payload).map_err(why)
    }

    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, String> {
        redis::get(&self.0, key).map(Some).map_err(why)
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), String> {
        redis::set(&self.0, key, value).map_err(why)
    }

    fn incr(&self, key: &str) -> Result<i64, String> {
        redis::incr(&self.0, key).map_err(why)
    }

    fn del(&self, keys: &[String]) -> Result<i64, String> {
        redis::del(&self.0, keys).map_err(why)
    }

    fn sadd(&self, key: &str, values: &[String]) -> Result<i64, String> {
        redis::sadd(&self.0, key, values).map_err(why)
    }

    fn smembers(&self, key: &str) -> Result<Vec<String>, String> {
        redis::smembers(&self.0, key).map_err(why)
    }

    fn srem(&self, key: &str, values: &[String]) -> Result<i64, String> {
        redis::srem(&self.0, key, values).map_err(why)
    }

    fn execute(&self, command: &str, arguments: Vec<Value>) -> Result<Vec<Value>, String> {
        let parameter = |value| match value {
            Value::Int(number) => RedisParameter::Int64(number),
            Value::Bytes(bytes) => RedisParameter::Binary(bytes),
            Value::Nil | Value::Status(_) => RedisParameter::Binary(Vec::new()),
        };
        let result = |found| match found {
            RedisResult::Nil => Value::Nil,
            RedisResult::Status(words) => Value::Status(words),
            RedisResult::Int64(number) => Value::Int(number),
            RedisResult::Binary(bytes) => Value::Bytes(bytes),
        };
        let arguments: Vec<_> = arguments.into_iter().map(parameter).collect();
        let found = redis::execute(&self.0, command, &arguments).map_err(why)?;
        Ok(found.into_iter().map(result).collect())
    }
}

struct Guest;

impl exports::wasi::http::incoming_handler::Guest for Guest {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let request = Request::new(request);
        match routes::answer::<Address>(&request.path, &request.query) {
            Ok(Some(body)) => text(out, 200, &body),
            Ok(None) => text(out, 404, "none\n"),
            Err(why) => text(out, 500, &format!("error: {why}\n")),
        }
    }
}

export!(Guest);
