//! `spin:sqlite@3.1.0`, `spin:postgres@4.2.0`, `spin:mysql@3.0.0`: `/sqlite?db=`,
//! `/postgres?address=`, `/mysql?address=`, each with `sql=` and `p=`
//! (`kit/sql.rs`).
//!
//! The async functions are called, rows come as a stream: `take=N` reads N of
//! them and drops it, `ms=` waits between two reads, `show=stream` hands each
//! on as it comes (of the first statement). `mode=sync` calls the functions
//! that are not async. `builder` (and `ca=` with a certificate) connects to
//! Postgres through its builder.

wit_bindgen::generate!({
    world: "paddock:services/sql-spin3",
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
mod connection;
#[path = "../../kit/http3.rs"]
mod http;
mod mysql;
mod postgres;
mod postgres_values;
#[path = "../../kit/shown.rs"]
mod shown;
#[path = "../../kit/spin_values.rs"]
mod spin_values;
#[path = "../../kit/sql.rs"]
mod sql;
mod sqlite;

use args::Query;
use connection::{Connection, Outcome, Rows};
use exports::wasi::http::handler::Guest;
use http::{no_trailers, split, streamed, text};
use spin::mysql::mysql::Connection as Mysql;
use spin::postgres::postgres::Connection as Postgres;
use spin::sqlite::sqlite::Connection as Sqlite;
use sql::{Answer, Failure, Statement, Table, statements};
use wasi::clocks::monotonic_clock;
use wasi::http::types::{ErrorCode, Request, Response};
use wit_bindgen::rt::async_support::spawn_local;

struct Sql3;

impl Guest for Sql3 {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let (path, query) = split(&request.get_path_with_query().unwrap_or_default());
        let body = if args::one(&query, "sql").is_some() {
            String::new()
        } else {
            let bytes = http::consume(request).0.collect().await;
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let wanted = statements(&query, || body);
        Ok(match path.as_str() {
            "/sqlite" => answer::<Sqlite>(&query, wanted).await,
            "/postgres" => answer::<Postgres>(&query, wanted).await,
            "/mysql" => answer::<Mysql>(&query, wanted).await,
            other => text(404, &format!("no route {other}\n")),
        })
    }
}

async fn answer<C: Connection>(query: &Query, wanted: Vec<Statement>) -> Response {
    let mut answer = Answer::default();
    let connection = match C::open(query).await {
        Ok(connection) => connection,
        Err(failure) => {
            answer.add(Err(failure));
            return text(answer.status(), &answer.text());
        }
    };
    for statement in wanted {
        if let Some(ms) = statement.pause() {
            monotonic_clock::wait_for(ms * 1_000_000).await;
            continue;
        }
        let outcome = match connection.run(&statement, query).await {
            Ok(Outcome::Rows(rows)) if args::one(query, "show") == Some("stream") => {
                return handed_on(connection, rows);
            }
            Ok(Outcome::Rows(rows)) => table::<C>(query, rows).await,
            Ok(Outcome::Done(words)) => Ok(words),
            Err(failure) => Err(failure),
        };
        if !answer.add(outcome) {
            break;
        }
    }
    text(answer.status(), &answer.text())
}

async fn table<C: Connection>(query: &Query, mut rows: Rows<C>) -> Result<String, Failure> {
    let mut table = Table::new(query, &rows.columns);
    let (take, ms) = (args::number(query, "take", u64::MAX), args::number(query, "ms", 0));
    for _ in 0..take {
        let Some(row) = rows.stream.next().await else {
            rows.end.await.map_err(Into::into)?;
            break;
        };
        table.row(C::shown(&row));
        if ms > 0 {
            monotonic_clock::wait_for(ms * 1_000_000).await;
        }
    }
    Ok(table.end())
}

/// Reads a row when the client has taken the one before.
fn handed_on<C: Connection>(connection: C, mut rows: Rows<C>) -> Response {
    let (mut writer, reader) = wit_stream::new();
    spawn_local(async move {
        let mut line = shown::line(&rows.columns);
        while writer.write_all(line.into_bytes()).await.is_empty() {
            match rows.stream.next().await {
                Some(row) => line = shown::line(C::shown(&row)),
                None => {
                    let ended: Result<(), Failure> = rows.end.await.map_err(Into::into);
                    if let Err(failure) = ended {
                        let line = format!("error: {}\n", failure.why);
                        writer.write_all(line.into_bytes()).await;
                    }
                    break;
                }
            }
        }
        drop(connection);
    });
    streamed(200, reader, no_trailers())
}

export!(Sql3);
