//! A page on each thing that Spin's SDK 5 offers, as its documentation shows
//! it: WASI 0.2, `fermyon:spin@2.0.0`, `spin:sqlite@3.0.0`, `spin:postgres@3.0.0`
//! and `@4.0.0`.
//!
//! `/kv?key=&value=` (sets, then gets), `/keys`, `/json`, `/variable?name=`,
//! `/sqlite?db=&note=` (adds a note, lists them), `/sqlite2` (the older
//! interface), `/redis?address=&key=&value=`, `/mqtt?address=&topic=&value=`,
//! `/pg?address=`, `/pg3`, `/pg4`, `/mysql?address=` (each `&note=`),
//! `/outbound?url=`.

#[path = "../../../rust/kit/query.rs"]
mod query;

use anyhow::{Context, Result, anyhow};
use query::decode;
use spin_sdk::http::{IntoResponse, Request, Response};
use spin_sdk::key_value::Store;
use spin_sdk::{http_component, mqtt, redis, sqlite, sqlite3, variables};

mod databases;

#[http_component]
async fn handle(request: Request) -> Result<impl IntoResponse> {
    let query = Query::of(request.query());
    let outcome = match request.path() {
        "/kv" => kv(&query),
        "/keys" => keys(&query),
        "/json" => json(),
        "/variable" => Ok(variables::get(query.get("name"))?),
        "/sqlite" => notes(&query),
        "/sqlite2" => older_notes(&query),
        "/redis" => in_redis(&query),
        "/mqtt" => publish(&query),
        "/pg" => databases::pg(&query),
        "/pg3" => databases::pg3(&query),
        "/pg4" => databases::pg4(&query),
        "/mysql" => databases::mysql(&query),
        "/outbound" => outbound(&query).await,
        other => Err(anyhow!("no route {other}")),
    };
    let (status, body) = match outcome {
        Ok(body) => (200, body),
        Err(error) => (500, format!("error: {error:?}\n")),
    };
    Ok(Response::builder().status(status).header("content-type", "text/plain").body(body).build())
}

pub struct Query(Vec<(String, String)>);

impl Query {
    fn of(text: &str) -> Self {
        let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
        Self(pairs.map(|(name, value)| (decode(name), decode(value))).collect())
    }

    pub fn find(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(given, _)| given == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Without a value it is its name.
    pub fn get<'a>(&'a self, name: &'a str) -> &'a str {
        self.find(name).unwrap_or(name)
    }
}

fn kv(query: &Query) -> Result<String> {
    let store = Store::open(query.find("store").unwrap_or("default"))?;
    if let Some(value) = query.find("value") {
        store.set(query.get("key"), value.as_bytes())?;
    }
    let value = store.get(query.get("key"))?.context("none")?;
    Ok(String::from_utf8(value)?)
}

fn keys(query: &Query) -> Result<String> {
    let store = Store::open(query.find("store").unwrap_or("default"))?;
    let mut keys = store.get_keys()?;
    keys.sort();
    Ok(keys.join("\n"))
}

fn json() -> Result<String> {
    let store = Store::open_default()?;
    store.set_json("json", &vec![1, 2, 3])?;
    let numbers: Vec<u32> = store.get_json("json")?.context("none")?;
    Ok(format!("{numbers:?}"))
}

const TABLE: &str = "CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, note TEXT)";
const INSERT: &str = "INSERT INTO notes (note) VALUES (?)";
const SELECT: &str = "SELECT id, note FROM notes ORDER BY id";

fn notes(query: &Query) -> Result<String> {
    let database = sqlite3::Connection::open(query.find("db").unwrap_or("default"))?;
    database.execute(TABLE, &[])?;
    database.execute(INSERT, &[sqlite3::Value::Text(query.get("note").to_owned())])?;
    let (id, changes) = (database.last_insert_rowid(), database.changes());
    let found = database.execute(SELECT, &[])?;
    let line = |row: sqlite3::Row| {
        let note = row.get::<&str>("note").unwrap_or("NULL");
        format!("{} {note}\n", row.get::<i64>("id").unwrap_or_default())
    };
    let lines: String = found.rows().map(line).collect();
    Ok(format!("{lines}id {id}, {changes} changes\n"))
}

fn older_notes(query: &Query) -> Result<String> {
    let database = sqlite::Connection::open(query.find("db").unwrap_or("default"))?;
    database.execute(TABLE, &[])?;
    database.execute(INSERT, &[sqlite::Value::Text(query.get("note").to_owned())])?;
    let found = database.execute(SELECT, &[])?;
    let line = |row: sqlite::Row| {
        let note = row.get::<&str>("note").unwrap_or("NULL");
        format!("{} {note}\n", row.get::<i64>("id").unwrap_or_default())
    };
    Ok(found.rows().map(line).collect())
}

fn in_redis(query: &Query) -> Result<String> {
    let redis = redis::Connection::open(query.get("address"))?;
    let (key, value) = (query.get("key"), query.get("value"));
    redis.set(key, &value.as_bytes().to_vec())?;
    redis.publish("channel", &value.as_bytes().to_vec())?;
    let number = redis.incr(&format!("{key} count"))?;
    redis.sadd(&format!("{key} set"), &["b".to_owned(), "a".to_owned()])?;
    let mut members = redis.smembers(&format!("{key} set"))?;
    members.sort();
    let stored = redis.get(key)?.context("none")?;
    let found = redis.execute("EXISTS", &[redis::RedisParameter::Binary(key.into())])?;
    let gone = redis.del(&[key.to_owned()])?;
    Ok(format!("{} {number} {members:?} {found:?} {gone}\n", String::from_utf8(stored)?))
}

fn publish(query: &Query) -> Result<String> {
    let user = query.find("user").unwrap_or_default();
    let password = query.find("password").unwrap_or_default();
    let connection = mqtt::Connection::open(query.get("address"), user, password, 30)?;
    let payload = query.get("value").as_bytes().to_vec();
    connection.publish(query.get("topic"), &payload, mqtt::Qos::AtLeastOnce)?;
    Ok("ok\n".to_owned())
}

async fn outbound(query: &Query) -> Result<String> {
    let found: Response = spin_sdk::http::send(Request::get(query.get("url"))).await?;
    Ok(format!("{} {}", found.status(), String::from_utf8_lossy(found.body())))
}
