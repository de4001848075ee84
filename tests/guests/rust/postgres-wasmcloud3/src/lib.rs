//! `wasmcloud:postgres@0.2.0`: the routes of `postgres-wasmcloud`; rows come as
//! a stream (`take=N` reads N of them and drops it).

wit_bindgen::generate!({
    world: "paddock:services/postgres-wasmcloud3",
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
#[path = "../../kit/pg_values.rs"]
mod pg_values;
#[path = "../../kit/shown.rs"]
mod shown;
#[path = "../../kit/sql.rs"]
mod sql;

use args::Query;
use exports::wasi::http::handler::Guest;
use http::{split, text};
use pg_values::value;
use sql::{Answer, Failure, Statement, Table, statements};
use wasi::http::types::{ErrorCode, Request, Response};
use wasmcloud::postgres::prepared::{exec, prepare};
use wasmcloud::postgres::query::{query, query_batch};
use wasmcloud::postgres::types as pg;

impl From<pg::Error> for Failure {
    fn from(error: pg::Error) -> Self {
        use pg::Error;
        match error {
            Error::ConnectionFailed(why) => Self::case("connection-failed", &why),
            Error::InvalidParams(why) => Self::case("invalid-params", &why),
            Error::InvalidQuery(why) => Self::case("invalid-query", &why),
            Error::QueryFailed(error) => Self::case("query-failed", &told(&error)),
            Error::ValueConversionFailed(why) => Self::case("value-conversion-failed", &why),
            Error::UnknownPreparedStatement => {
                Self { status: 404, why: "unknown-prepared-statement".to_owned() }
            }
            Error::AccessDenied => Self::denied(),
            Error::Timeout => Self { status: 504, why: "timeout".to_owned() },
            Error::Other(why) => Self::case("other", &why),
        }
    }
}

/// `SEVERITY CODE: message; detail …; name=value; …`
fn told(error: &pg::DbError) -> String {
    let detail = error.detail.as_deref().unwrap_or("-");
    let extras = error.extras.iter().map(|(name, value)| format!("; {name}={value}"));
    let pg::DbError { severity, code, message, .. } = error;
    format!("{severity} {code}: {message}; detail {detail}{}", extras.collect::<String>())
}

struct Postgres;

impl Guest for Postgres {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let (path, asked) = split(&request.get_path_with_query().unwrap_or_default());
        let mut answer = Answer::default();
        for statement in statements(&asked, String::new) {
            let outcome = match path.as_str() {
                "/query" => rows(&statement, &asked).await,
                "/exec" => prepared(&statement).await,
                "/batch" => {
                    let done = query_batch(statement.sql.clone()).await;
                    done.map(|()| "ok\n".to_owned()).map_err(Into::into)
                }
                "/unknown" => {
                    let done = exec("unknown".to_owned(), Vec::new()).await;
                    done.map(|rows| rows.to_string()).map_err(Into::into)
                }
                other => Err(Failure::asked(format!("no route {other}"))),
            };
            if !answer.add(outcome) {
                break;
            }
        }
        Ok(text(answer.status(), &answer.text()))
    }
}

async fn rows(statement: &Statement, asked: &Query) -> Result<String, Failure> {
    let params = statement.params(value)?;
    let (columns, mut stream, end) = query(statement.sql.clone(), params).await?;
    let mut table = Table::new(asked, &columns);
    for _ in 0..args::number(asked, "take", u64::MAX) {
        let Some(row) = stream.next().await else {
            end.await?;
            break;
        };
        table.row(row.iter().map(|value| format!("{value:?}")));
    }
    Ok(table.end())
}

async fn prepared(statement: &Statement) -> Result<String, Failure> {
    let params = statement.params(value)?;
    let token = prepare(statement.sql.clone()).await?;
    Ok(format!("{}\n", exec(token, params).await?))
}

export!(Postgres);
