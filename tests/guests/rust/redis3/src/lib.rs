//! `spin:redis@3.0.0` and `spin:mqtt@3.0.0`, whose functions are async: the
//! routes of `redis`; `/many?n=` has n calls under way at once.

wit_bindgen::generate!({
    world: "paddock:services/redis3",
    path: [
        "../../wit/p3",
        "../../wit/p2/deps/wasi-config-rc1.wit",
        "../../wit/p2/deps/wasi-keyvalue-draft2.wit",
        "../../wit/services3",
    ],
    generate_all,
});

#[path = "../../kit/args.rs"]
mod args;
#[path = "../../kit/http3.rs"]
mod http;
#[path = "../../kit/redis_values.rs"]
mod redis_values;
#[path = "../../kit/shown.rs"]
mod shown;

use std::rc::Rc;

use args::Query;
use exports::wasi::http::handler::Guest;
use http::{split, text};
use redis_values::{Value, arguments, list, shown, sorted};
use spin::mqtt::mqtt::{self, Qos};
use spin::redis::redis::{Connection, Error, RedisParameter, RedisResult};
use wasi::http::types::{ErrorCode, Request, Response};
use wit_bindgen::rt::async_support::spawn_local;

struct Redis3;

impl Guest for Redis3 {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let (path, query) = split(&request.get_path_with_query().unwrap_or_default());
        let outcome = match path.as_str() {
            "/mqtt" => mqtt(&query).await.map(Some),
            path => redis(path, &query).await,
        };
        Ok(match outcome {
            Ok(Some(body)) => text(200, &body),
            Ok(None) => text(404, "none\n"),
            Err(why) => text(500, &format!("error: {why}\n")),
        })
    }
}

fn why(error: Error) -> String {
    match error {
        Error::InvalidAddress => "invalid-address".to_owned(),
        Error::TooManyConnections => "too-many-connections".to_owned(),
        Error::TypeError => "type-error".to_owned(),
        Error::Other(why) => format!("other({why})"),
    }
}

/// None: no such key.
async fn redis(path: &str, query: &Query) -> Result<Option<String>, String> {
    let arg = |name, otherwise| args::text(query, name, otherwise).to_owned();
    let redis = Connection::open(arg("address", "")).await.map_err(why)?;
    let (key, value) = (arg("key", "key"), arg("value", "").into_bytes());
    let ok = |()| "ok\n".to_owned();
    let line = |number: u32| format!("{number}\n");
    let answer = match path {
        "/get" => {
            let found = redis.get(key).await.map_err(why)?;
            return Ok(found.map(|found| String::from_utf8_lossy(&found).into_owned()));
        }
        "/set" => redis.set(key, value).await.map(ok),
        "/publish" => redis.publish(arg("channel", "channel"), value).await.map(ok),
        "/incr" => redis.incr(key).await.map(|number| format!("{number}\n")),
        "/del" => redis.del(list(query, "keys")).await.map(line),
        "/sadd" => redis.sadd(key, list(query, "values")).await.map(line),
        "/srem" => redis.srem(key, list(query, "values")).await.map(line),
        "/smembers" => redis.smembers(key).await.map(sorted),
        "/execute" => {
            let arguments = arguments(query)?.into_iter().map(parameter).collect();
            let found = redis.execute(arg("command", "PING"), arguments).await;
            found.map(|found| found.into_iter().map(|one| shown(&result(one))).collect())
        }
        "/many" => return many(redis, args::number(query, "n", 100)).await.map(Some),
        other => return Err(format!("no route {other}")),
    };
    answer.map(Some).map_err(why)
}

async fn many(redis: Connection, count: u32) -> Result<String, String> {
    let redis = Rc::new(redis);
    let one = |number: u32| {
        let redis = redis.clone();
        spawn_local(async move {
            let (key, value) = (format!("many {number}"), number.to_string().into_bytes());
            redis.set(key.clone(), value.clone()).await.map_err(why)?;
            match redis.get(key.clone()).await.map_err(why)? {
                Some(found) if found == value => Ok(()),
                _ => Err(format!("{key} is another")),
            }
        })
    };
    let under_way: Vec<_> = (0..count).map(one).collect();
    for one in under_way {
        one.await.unwrap_or_else(|| Err("ended early".to_owned()))?;
    }
    Ok(format!("{count} keys\n"))
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

async fn mqtt(query: &Query) -> Result<String, String> {
    let why = |error| match error {
        mqtt::Error::InvalidAddress => "invalid-address".to_owned(),
        mqtt::Error::TooManyConnections => "too-many-connections".to_owned(),
        mqtt::Error::ConnectionFailed(why) => format!("connection-failed({why})"),
        mqtt::Error::Other(why) => format!("other({why})"),
    };
    let arg = |name, otherwise| args::text(query, name, otherwise).to_owned();
    let (user, password) = (arg("user", ""), arg("password", ""));
    let keep_alive = args::number(query, "keep-alive", 30);
    let connection = mqtt::Connection::open(arg("address", ""), user, password, keep_alive);
    let connection = connection.await.map_err(why)?;
    let qos = match args::text(query, "qos", "0") {
        "0" => Qos::AtMostOnce,
        "1" => Qos::AtLeastOnce,
        _ => Qos::ExactlyOnce,
    };
    for _ in 0..args::number(query, "n", 1) {
        let payload = arg("value", "").into_bytes();
        connection.publish(arg("topic", "topic"), payload, qos).await.map_err(why)?;
    }
    Ok("ok\n".to_owned())
}

export!(Redis3);
