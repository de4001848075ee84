//! A page on each thing that Spin's SDK 7 offers, as its documentation shows
//! it: WASI 0.3, `spin:key-value@3.0.0`, `spin:sqlite@3.1.0`,
//! `spin:postgres@4.2.0`, `spin:mysql@3.0.0`, `spin:redis@3.0.0`,
//! `spin:mqtt@3.0.0`, `spin:variables@3.0.0`.
//!
//! The routes of `spin5`, without `/sqlite2 /pg3 /pg4`.

#[path = "../../../rust/kit/query.rs"]
mod query;

use anyhow::{Context, Result, anyhow};
use query::decode;
use spin_sdk::http::{IntoResponse, Request, StatusCode};
use spin_sdk::key_value::Store;
use spin_sdk::{http_service, mqtt, mysql, pg, redis, sqlite, variables};

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    let query = Query::of(request.uri().query().unwrap_or_default());
    let outcome = match request.uri().path() {
        "/kv" => kv(&query).await,
        "/keys" => keys(&query).await,
        "/json" => json().await,
        "/variable" => variables::get(query.get("name")).await.map_err(Into::into),
        "/sqlite" => notes(&query).await,
        "/redis" => in_redis(&query).await,
        "/mqtt" => publish(&query).await,
        "/pg" => in_postgres(&query).await,
        "/mysql" => in_mysql(&query).await,
        other => Err(anyhow!("no route {other}")),
    };
    match outcome {
        Ok(body) => (StatusCode::OK, body),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("error: {error:?}\n")),
    }
}

struct Query(Vec<(String, String)>);

impl Query {
    fn of(text: &str) -> Self {
        let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
        Self(pairs.map(|(name, value)| (decode(name), decode(value))).collect())
    }

    fn find(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(given, _)| given == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Without a value it is its name.
    fn get<'a>(&'a self, name: &'a str) -> &'a str {
        self.find(name).unwrap_or(name)
    }
}

async fn kv(query: &Query) -> Result<String> {
    let store = Store::open(query.find("store").unwrap_or("default")).await?;
    if let Some(value) = query.find("value") {
        store.set(query.get("key"), value).await?;
    }
    let value = store.get(query.get("key")).await?.context("none")?;
    Ok(String::from_utf8(value)?)
}

async fn keys(query: &Query) -> Result<String> {
    let store = Store::open(query.find("store").unwrap_or("default")).await?;
    let mut keys = store.get_keys().await.collect().await?;
    keys.sort();
    Ok(keys.join("\n"))
}

async fn json() -> Result<String> {
    let store = Store::open_default().await?;
    store.set_json("json", &vec![1, 2, 3]).await?;
    let numbers: Vec<u32> = store.get_json("json").await?.context("none")?;
    Ok(format!("{numbers:?}"))
}

async fn notes(query: &Query) -> Result<String> {
    let database = sqlite::Connection::open(query.find("db").unwrap_or("default")).await?;
    let table = "CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, note TEXT)";
    database.execute(table, []).await?.collect().await?;
    let note = sqlite::Value::text(query.get("note"));
    let inserted = database.execute("INSERT INTO notes (note) VALUES (?)", [note]).await?;
    inserted.collect().await?;
    let (id, changes) = (database.last_insert_rowid().await, database.changes().await);
    let mut found = database.execute("SELECT id, note FROM notes ORDER BY id", []).await?;
    let mut lines = String::new();
    while let Some(row) = found.next().await {
        let note = row.get::<&str>(1).unwrap_or("NULL");
        lines.push_str(&format!("{} {note}\n", row.get::<i64>(0).unwrap_or_default()));
    }
    found.result().await?;
    Ok(format!("{lines}id {id}, {changes} changes\n"))
}

async fn in_redis(query: &Query) -> Result<String> {
    let redis = redis::Connection::open(query.get("address")).await?;
    let (key, value) = (query.get("key"), query.get("value"));
    redis.set(key, value).await?;
    redis.publish("channel", value).await?;
    let number = redis.incr(format!("{key} count")).await?;
    redis.sadd(format!("{key} set"), ["b", "a"]).await?;
    let mut members = redis.smembers(format!("{key} set")).await?;
    members.sort();
    let stored = redis.get(key).await?.context("none")?;
    let found = redis.execute("EXISTS", [redis::RedisParameter::Binary(key.into())]).await?;
    let gone = redis.del([key]).await?;
    Ok(format!("{} {number} {members:?} {found:?} {gone}\n", String::from_utf8(stored)?))
}

async fn publish(query: &Query) -> Result<String> {
    let user = query.find("user").unwrap_or_default();
    let password = query.find("password").unwrap_or_default();
    let connection = mqtt::Connection::open(query.get("address"), user, password, 30).await?;
    let payload = query.get("value").as_bytes().to_vec();
    connection.publish(query.get("topic"), payload, mqtt::Qos::AtLeastOnce).await?;
    Ok("ok\n".to_owned())
}

async fn in_postgres(query: &Query) -> Result<String> {
    let note = query.get("note");
    let database = pg::Connection::open(query.get("address")).await?;
    let table =
        "CREATE TABLE IF NOT EXISTS spin7_notes (note TEXT, size INT, at DATE, tags TEXT[])";
    database.execute(table, []).await?;
    let tags = vec![Some(note.to_owned()), None];
    let values = [
        pg::ParameterValue::Str(note.to_owned()),
        pg::ParameterValue::Int32(note.len() as i32),
        pg::ParameterValue::Date((2024, 2, 29)),
        pg::ParameterValue::ArrayStr(tags),
    ];
    database.execute("INSERT INTO spin7_notes VALUES ($1, $2, $3, $4)", values).await?;
    let select = "SELECT note, size, at, tags FROM spin7_notes ORDER BY size, note";
    let mut found = database.query(select, []).await?;
    let mut lines = String::new();
    while let Some(row) = found.next().await {
        let (note, size) = (row.get::<String>("note"), row.get::<i32>("size"));
        lines.push_str(&format!("{note:?} {size:?} {:?} {:?}\n", row[2], row[3]));
    }
    found.result().await?;
    Ok(lines)
}

async fn in_mysql(query: &Query) -> Result<String> {
    let note = query.get("note");
    let database = mysql::Connection::open(query.get("address")).await?;
    let table = "CREATE TABLE IF NOT EXISTS spin7_notes (note VARCHAR(100), size BIGINT)";
    database.execute(table, []).await?;
    let values = [
        mysql::ParameterValue::Str(note.to_owned()),
        mysql::ParameterValue::Int64(note.len() as i64),
    ];
    database.execute("INSERT INTO spin7_notes VALUES (?, ?)", values).await?;
    let select = "SELECT note, size FROM spin7_notes ORDER BY size, note";
    let mut found = database.query(select, []).await?;
    let mut lines = String::new();
    while let Some(row) = found.next().await {
        let (note, size) = (row.get::<String>("note"), row.get::<i64>("size"));
        lines.push_str(&format!("{note:?} {size:?}\n"));
    }
    found.result().await?;
    Ok(lines)
}
