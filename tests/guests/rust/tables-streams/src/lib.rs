//! Streams both ways, with a head or alone, of rows or of bytes; called by name.
//!
//! `run(what, number)`: `rows` reads so many rows of `spin:sqlite@3.1.0` one by
//! one and lets go (0: all, then how it ended); `plain`, the functions that are
//! not async; `values`, every type of `spin:postgres@4.2.0` there and back;
//! `get` and `names` count what `wasmcloud:blobstore` streams; `write` streams so
//! many bytes to it and `break` traps after them; `publish` and `request` by
//! `wasmcloud:messaging@0.3.0`.

wit_bindgen::generate!({
    world: "paddock:services/tables-streams",
    path: [
        "../../wit/p3",
        "../../wit/p2/deps/wasi-config-rc1.wit",
        "../../wit/p2/deps/wasi-keyvalue-draft2.wit",
        "../../wit/services3",
    ],
    generate_all,
});

use spin::postgres::postgres::{self as pg, Interval, ParameterValue as P, RangeBoundKind};
use spin::sqlite::sqlite::{self, Value};
use wasmcloud::blobstore::blobstore;
use wasmcloud::messaging::consumer;
use wasmcloud::messaging::types::BrokerMessage;
use wit_bindgen::rt::async_support::{StreamReader, spawn_local};

struct Streams;

impl Guest for Streams {
    async fn run(what: String, number: u32) -> Result<String, String> {
        match what.as_str() {
            "rows" => rows(number).await.map_err(|error| format!("{error:?}")),
            "plain" => plain().map_err(|error| format!("{error:?}")),
            "values" => values().await.map_err(|error| format!("{error:?}")),
            "get" | "names" | "write" | "break" => {
                blobs(&what, number).await.map_err(|error| format!("{error:?}"))
            }
            "publish" | "request" => {
                message(&what, number).await.map_err(|error| format!("{error:?}"))
            }
            other => Err(format!("no {other}")),
        }
    }
}

async fn rows(number: u32) -> Result<String, sqlite::Error> {
    let connection = sqlite::Connection::open_async("default".to_owned()).await?;
    let (columns, mut rows, end) =
        connection.execute_async("select".to_owned(), vec![Value::Integer(1)]).await?;
    if number == 0 {
        let all = rows.collect().await;
        let first: Vec<_> = all.iter().take(2).map(|row| &row.values).collect();
        let changes = connection.changes_async().await;
        return Ok(format!(
            "{columns:?} {} rows {first:?} end {:?} changes {changes}",
            all.len(),
            end.await
        ));
    }
    let mut read = 0;
    while read < number && rows.next().await.is_some() {
        read += 1;
    }
    Ok(format!("{columns:?} {read} rows"))
}

fn plain() -> Result<String, sqlite::Error> {
    let connection = sqlite::Connection::open("default")?;
    let parameters = [
        Value::Integer(-5),
        Value::Real(0.5),
        Value::Text("ä".to_owned()),
        Value::Blob(vec![0, 255]),
        Value::Null,
    ];
    let result = connection.execute("insert", &parameters)?;
    let values: Vec<_> = result.rows.iter().map(|row| &row.values).collect();
    Ok(format!(
        "{:?} {values:?} {} {}",
        result.columns,
        connection.last_insert_rowid(),
        connection.changes()
    ))
}

fn every_value() -> Vec<P> {
    let ends =
        |from, to| (Some((from, RangeBoundKind::Inclusive)), Some((to, RangeBoundKind::Exclusive)));
    let decimal = (Some(("1.50".to_owned(), RangeBoundKind::Exclusive)), None);
    vec![
        P::Boolean(true),
        P::Int8(-8),
        P::Int16(-16),
        P::Int32(-32),
        P::Int64(i64::MIN),
        P::Floating32(0.25),
        P::Floating64(-0.1),
        P::Str("ß".to_owned()),
        P::Binary(vec![0, 1, 255]),
        P::Date((2026, 11, 25)),
        P::Time((23, 59, 58, 999_999_999)),
        P::Datetime((-44, 3, 15, 12, 0, 1, 5)),
        P::Timestamp(-1),
        P::Uuid("0f0e0d0c-0b0a-0908-0706-050403020100".to_owned()),
        P::Jsonb(b"{\"a\":1}".to_vec()),
        P::Decimal("12345678901234567890.5".to_owned()),
        P::RangeInt32(ends(1, 2)),
        P::RangeInt64((None, None)),
        P::RangeDecimal(decimal),
        P::ArrayInt32(vec![Some(1), None, Some(-1)]),
        P::ArrayInt64(vec![]),
        P::ArrayDecimal(vec![Some("0.1".to_owned()), None]),
        P::ArrayStr(vec![Some(String::new()), None]),
        P::Interval(Interval { micros: 1, days: -2, months: 3 }),
        P::DbNull,
    ]
}

/// Gives every value to the host, and what it makes of them back as text.
async fn values() -> Result<String, pg::Error> {
    let connection = pg::ConnectionBuilder::new("postgres://host").build_async().await?;
    let (columns, rows, end) = connection.query_async("select".to_owned(), every_value()).await?;
    let rows = rows.collect().await;
    end.await?;
    let given: Vec<_> = every_value()
        .iter()
        .map(|value| format!("{value:?}").replace("ParameterValue", "DbValue"))
        .collect();
    let same: Vec<_> = rows
        .concat()
        .iter()
        .zip(&given)
        .filter(|(got, given)| format!("{got:?}") == **given)
        .map(|_| ())
        .collect();
    let last = columns.last().map(|column| format!("{} {:?}", column.name, column.data_type));
    Ok(format!("{} of {} values are the same; {last:?}", same.len(), given.len()))
}

async fn count(mut bytes: StreamReader<u8>) -> (usize, u64) {
    let (mut length, mut sum) = (0, 0);
    let mut buffer = Vec::with_capacity(16 << 10);
    loop {
        let (status, read) = bytes.read(buffer).await;
        length += read.len();
        sum += read.iter().map(|byte| u64::from(*byte)).sum::<u64>();
        if !matches!(status, wit_bindgen::rt::async_support::StreamResult::Complete(_)) {
            return (length, sum);
        }
        buffer = read;
        buffer.clear();
    }
}

fn sending(number: u32, then_trap: bool) -> StreamReader<u8> {
    let (mut writer, reader) = wit_stream::new();
    spawn_local(async move {
        let mut left = number as usize;
        while left > 0 {
            let piece = left.min(100_000);
            let bytes = (left - piece..left).rev().map(|at| at as u8).collect();
            if !writer.write_all(bytes).await.is_empty() {
                return;
            }
            left -= piece;
        }
        if then_trap {
            std::arch::wasm32::unreachable();
        }
    });
    reader
}

async fn blobs(what: &str, number: u32) -> Result<String, wasmcloud::blobstore::types::Error> {
    let container = blobstore::get_container("box".to_owned()).await?;
    Ok(match what {
        "get" => format!(
            "{:?}",
            count(container.get_data("a".to_owned(), 0, u64::from(number)).await?).await
        ),
        "names" => container.list_objects().await?.collect().await.join(","),
        _ => {
            container.write_data("a".to_owned(), sending(number, what == "break")).await?;
            "written".to_owned()
        }
    })
}

async fn message(what: &str, number: u32) -> Result<String, wasmcloud::messaging::types::Error> {
    let body = sending(number, false);
    if what == "publish" {
        let message =
            BrokerMessage { subject: "a.b".to_owned(), body, reply_to: Some("c".to_owned()) };
        consumer::publish(message).await?;
        return Ok("published".to_owned());
    }
    let answer = consumer::request("a.b".to_owned(), body, Some(250)).await?;
    Ok(format!("{} {:?} {:?}", answer.subject, count(answer.body).await, answer.reply_to))
}

export!(Streams);
