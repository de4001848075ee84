//! What Spin's conformance cases ask of a host, each by the variable CASE: key-value,
//! outbound-mqtt, outbound-redis, outbound-http, postgres, request-shape, sqlite,
//! tcp-sockets, variables. The answer is an empty 200, or 500 with the interface's
//! error as Rust shows it (`Error::AccessDenied`), or with what was not as expected.

wit_bindgen::generate!({
    world: "paddock:services/conform",
    path: ["../../wit/p2", "../../wit/services"],
    generate_all,
});

mod http_out;
mod shape;
mod tcp;

use fermyon::spin2_0_0::rdbms_types::{DbValue, ParameterValue as PgParameter};
use fermyon::spin2_0_0::sqlite::{self, Value};
use fermyon::spin2_0_0::{key_value, mqtt, postgres, redis, variables};
use wasi::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

pub type Outcome = Result<Vec<u8>, String>;

/// An error unless `holds`.
pub fn ensure(holds: bool, what: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("not as expected: {what}")) }
}

pub fn header(request: &IncomingRequest, name: &str) -> Result<String, String> {
    let values = request.headers().get(name);
    let text = |value: &Vec<u8>| String::from_utf8_lossy(value).into_owned();
    values.first().map(text).ok_or_else(|| format!("no header {name}"))
}

/// An error by its case, as the binding generators of Rust print one.
fn shown(error: impl std::fmt::Debug) -> String {
    format!("Error::{error:?}").replace("Error::Error::", "Error::")
}

fn key_value() -> Outcome {
    let denied = key_value::Store::open("forbidden");
    ensure(matches!(denied, Err(key_value::Error::AccessDenied)), "a store that is not granted")?;
    let store = key_value::Store::open("default").map_err(shown)?;
    let keys = || store.get_keys().map_err(shown);
    store.delete("bar").map_err(shown)?;
    ensure(!store.exists("bar").map_err(shown)? && keys()?.is_empty(), "an empty store")?;
    ensure(store.get("bar").map_err(shown)?.is_none(), "no value")?;
    for value in [b"baz", b"wow"] {
        store.set("bar", value).map_err(shown)?;
        ensure(store.get("bar").map_err(shown)?.as_deref() == Some(value), "the value")?;
        ensure(keys()? == ["bar"], "one key")?;
    }
    store.set("qux", b"yay").map_err(shown)?;
    ensure(keys()?.len() == 2, "two keys")?;
    for key in ["bar", "bar", "qux"] {
        store.delete(key).map_err(shown)?;
    }
    ensure(keys()?.is_empty(), "an empty store again")?;
    Ok(Vec::new())
}

fn mqtt(request: &IncomingRequest) -> Outcome {
    let [address, user, password] =
        ["MQTT_ADDRESS", "MQTT_USERNAME", "MQTT_PASSWORD"].map(|name| header(request, name));
    let connection = mqtt::Connection::open(&address?, &user?, &password?, 30).map_err(shown)?;
    connection.publish("telemetry", b"Eureka!", mqtt::Qos::AtLeastOnce).map_err(shown)?;
    Ok(Vec::new())
}

fn redis(request: &IncomingRequest) -> Outcome {
    let connection = redis::Connection::open(&header(request, "redis_address")?).map_err(shown)?;
    connection.set("spin-example", b"Eureka!").map_err(shown)?;
    ensure(
        connection.get("spin-example").map_err(shown)?.as_deref() == Some(b"Eureka!"),
        "the value",
    )?;
    connection.set("number", b"0").map_err(shown)?;
    ensure(connection.incr("number").map_err(shown)? == 1, "a number counted up")?;
    connection.del(&["set".to_owned()]).map_err(shown)?;
    let members = ["one".to_owned(), "two".to_owned()];
    ensure(connection.sadd("set", &members).map_err(shown)? == 2, "two members added")?;
    ensure(connection.smembers("set").map_err(shown)?.len() == 2, "two members")?;
    ensure(connection.srem("set", &members).map_err(shown)? == 2, "two members removed")?;
    let removed = ["spin-example", "number"].map(str::to_owned);
    ensure(connection.del(&removed).map_err(shown)? == 2, "two keys removed")?;
    connection.publish("channel", b"message").map_err(shown)?;
    Ok(Vec::new())
}

fn postgres(request: &IncomingRequest) -> Outcome {
    let connection =
        postgres::Connection::open(&header(request, "PG_CONNECTION_STRING")?).map_err(shown)?;
    connection
        .execute("CREATE TEMPORARY TABLE conform (n int4, words text)", &[])
        .map_err(shown)?;
    let values = [PgParameter::Int32(7), PgParameter::Str("seven".to_owned())];
    connection.execute("INSERT INTO conform VALUES ($1, $2)", &values).map_err(shown)?;
    let found = connection.query("SELECT n, words FROM conform", &[]).map_err(shown)?;
    let names: Vec<_> = found.columns.iter().map(|column| column.name.as_str()).collect();
    ensure(names == ["n", "words"], "names of columns")?;
    let row = found.rows.first().map(Vec::as_slice);
    ensure(
        matches!(row, Some([DbValue::Int32(7), DbValue::Str(words)]) if words == "seven"),
        "the row",
    )?;
    Ok(Vec::new())
}

fn sqlite() -> Outcome {
    let denied = sqlite::Connection::open("forbidden");
    ensure(matches!(denied, Err(sqlite::Error::AccessDenied)), "a database that is not granted")?;
    let connection = sqlite::Connection::open("default").map_err(shown)?;
    connection
        .execute("CREATE TABLE IF NOT EXISTS conform (k TEXT, v BLOB)", &[])
        .map_err(shown)?;
    connection.execute("DELETE FROM conform", &[]).map_err(shown)?;
    let values = [Value::Text("key".to_owned()), Value::Blob(b"value".to_vec())];
    connection.execute("INSERT INTO conform VALUES (?, ?)", &values).map_err(shown)?;
    let found = connection.execute("SELECT k, v FROM conform", &[]).map_err(shown)?;
    ensure(found.columns == ["k", "v"] && found.rows.len() == 1, "one row")?;
    let row = found.rows.first().map(|row| row.values.as_slice());
    ensure(
        matches!(row, Some([Value::Text(key), Value::Blob(value)]) if key == "key" && value == b"value"),
        "its values",
    )?;
    Ok(Vec::new())
}

fn variables() -> Outcome {
    ensure(variables::get("variable").map_err(shown)? == "value", "the variable")?;
    let missing = variables::get("missing");
    ensure(
        matches!(missing, Err(variables::Error::Undefined(_))),
        "a variable that is not defined",
    )?;
    let wrong = variables::get("wrong!");
    ensure(matches!(wrong, Err(variables::Error::InvalidName(_))), "a name that none can have")?;
    Ok(Vec::new())
}

struct Guest;

impl exports::wasi::http::incoming_handler::Guest for Guest {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let case = std::env::var("CASE").unwrap_or_default();
        let outcome = match case.as_str() {
            "key-value" => key_value(),
            "outbound-mqtt" => mqtt(&request),
            "outbound-redis" => redis(&request),
            "outbound-http" => http_out::check(&request),
            "postgres" => postgres(&request),
            "request-shape" => shape::check(&request),
            "sqlite" => sqlite(),
            "tcp-sockets" => tcp::check(&request),
            "variables" => variables(),
            other => Err(format!("no case {other:?}")),
        };
        let (status, body) = match outcome {
            Ok(body) => (200, body),
            Err(why) => (500, why.into_bytes()),
        };
        respond(out, status, &body);
    }
}

/// Without a header of ours.
fn respond(out: ResponseOutparam, status: u16, bytes: &[u8]) {
    let response = OutgoingResponse::new(Fields::new());
    response.set_status_code(status).expect("the status is valid");
    if !bytes.is_empty() {
        let body = response.body().expect("the body is taken once");
        let stream = body.write().expect("the stream is taken once");
        stream.blocking_write_and_flush(bytes).expect("the body is written");
        drop(stream);
        OutgoingBody::finish(body, None).expect("the body is complete");
    }
    ResponseOutparam::set(out, Ok(response));
}

export!(Guest);
