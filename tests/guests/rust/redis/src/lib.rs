//! `fermyon:spin@2.0.0` Redis and MQTT.
//!
//! `address=` says where. `/get /set?value= /incr /del?keys=a,b
//! /sadd?values=a,b /smembers /srem?values=a,b` with `key=`; `/publish?channel=
//! &value=`; `/execute?command=&a=&a=`, arguments `int:5` or `text:a` (or
//! `hex:00ff`), answers one line each: `nil`, `status:OK`, `int64:5`,
//! `binary:` in hexadecimal. `/many?n=` sets and gets n keys over one
//! connection. `/mqtt?topic=&value=&qos=0&user=&password=&keep-alive=&n=`.

wit_bindgen::generate!({
    world: "paddock:services/redis",
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

use fermyon::spin2_0_0::mqtt::{self, Qos};
use fermyon::spin2_0_0::redis::{Connection, Error, RedisParameter, RedisResult};
use http::{Request, text};
use redis_values::Value;
use routes::Redis;
use wasi::http::types::{IncomingRequest, ResponseOutparam};

fn why(error: Error) -> String {
    match error {
        Error::InvalidAddress => "invalid-address".to_owned(),
        Error::TooManyConnections => "too-many-connections".to_owned(),
        Error::TypeError => "type-error".to_owned(),
        Error::Other(why) => format!("other({why})"),
    }
}

impl Redis for Connection {
    fn open(address: &str) -> Result<Self, String> {
        Self::open(address).map_err(why)
    }

    fn publish(&self, channel: &str, payload: &[u8]) -> Result<(), String> {
        self.publish(channel, payload).map_err(why)
    }

    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, String> {
        self.get(key).map_err(why)
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), String> {
        self.set(key, value).map_err(why)
    }

    fn incr(&self, key: &str) -> Result<i64, String> {
        self.incr(key).map_err(why)
    }

    fn del(&self, keys: &[String]) -> Result<i64, String> {
        self.del(keys).map(i64::from).map_err(why)
    }

    fn sadd(&self, key: &str, values: &[String]) -> Result<i64, String> {
        self.sadd(key, values).map(i64::from).map_err(why)
    }

    fn smembers(&self, key: &str) -> Result<Vec<String>, String> {
        self.smembers(key).map_err(why)
    }

    fn srem(&self, key: &str, values: &[String]) -> Result<i64, String> {
        self.srem(key, values).map(i64::from).map_err(why)
    }

    fn execute(&self, command: &str, arguments: Vec<Value>) -> Result<Vec<Value>, String> {
        let arguments: Vec<RedisParameter> = arguments.into_iter().map(parameter).collect();
        let found = self.execute(command, &arguments).map_err(why)?;
        Ok(found.into_iter().map(result).collect())
    }
}

fn parameter(value: Value) -> RedisParameter {
    match value {
        Value::Int(number) => RedisParameter::Int64(number),
        Value::Bytes(bytes) => RedisParameter::Binary(bytes),
        Value::Nil | Value::Status(_) => RedisParameter::Binary(Vec::new()),
    }
}

fn result(found: RedisResult) -> Value {
    match found {
        RedisResult::Nil => Value::Nil,
        RedisResult::Status(words) => Value::Status(words),
        RedisResult::Int64(number) => Value::Int(number),
        RedisResult::Binary(bytes) => Value::Bytes(bytes),
    }
}

fn mqtt(request: &Request) -> Result<String, String> {
    let why = |error| match error {
        mqtt::Error::InvalidAddress => "invalid-address".to_owned(),
        mqtt::Error::TooManyConnections => "too-many-connections".to_owned(),
        mqtt::Error::ConnectionFailed(why) => format!("connection-failed({why})"),
        mqtt::Error::Other(why) => format!("other({why})"),
    };
    let arg = |name, otherwise| args::text(&request.query, name, otherwise);
    let keep_alive = args::number(&request.query, "keep-alive", 30);
    let user = (arg("user", ""), arg("password", ""));
    let connection =
        mqtt::Connection::open(arg("address", ""), user.0, user.1, keep_alive).map_err(why)?;
    let qos = match arg("qos", "0") {
        "0" => Qos::AtMostOnce,
        "1" => Qos::AtLeastOnce,
        _ => Qos::ExactlyOnce,
    };
    for _ in 0..args::number(&request.query, "n", 1) {
        connection.publish(arg("topic", "topic"), arg("value", "").as_bytes(), qos).map_err(why)?;
    }
    Ok("ok\n".to_owned())
}

struct Guest;

impl exports::wasi::http::incoming_handler::Guest for Guest {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let request = Request::new(request);
        let outcome = match request.path.as_str() {
            "/mqtt" => mqtt(&request).map(Some),
            path => routes::answer::<Connection>(path, &request.query),
        };
        match outcome {
            Ok(Some(body)) => text(out, 200, &body),
            Ok(None) => text(out, 404, "none\n"),
            Err(why) => text(out, 500, &format!("error: {why}\n")),
        }
    }
}

export!(Guest);
