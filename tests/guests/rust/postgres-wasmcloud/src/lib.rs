//! `wasmcloud:postgres@0.1.1-draft`: `/query` with `sql=` and `p=` (`kit/sql.rs`,
//! `kit/pg_values.rs`), `/exec` (each statement prepared, then carried out with
//! its parameters), `/batch?sql=`, `/unknown` (a token that was never given).

wit_bindgen::generate!({
    world: "paddock:services/postgres-wasmcloud",
    path: ["../../wit/p2", "../../wit/services"],
    generate_all,
});

#[path = "../../kit/args.rs"]
mod args;
#[path = "../../kit/http.rs"]
mod http;
#[path = "../../kit/pg_values.rs"]
mod pg_values;
#[path = "../../kit/shown.rs"]
mod shown;
#[path = "../../kit/sql.rs"]
mod sql;

use args::Query;
use http::{Request, text};
use pg_values::value;
use sql::{Answer, Failure, Statement, Table, statements};
use wasi::http::types::{IncomingRequest, ResponseOutparam};
use wasmcloud::postgres::prepared::{
    PreparedStatementExecError, StatementPrepareError, exec, prepare,
};
use wasmcloud::postgres::query::{query, query_batch};
use wasmcloud::postgres::types as pg;

impl From<pg::QueryError> for Failure {
    fn from(error: pg::QueryError) -> Self {
        match error {
            pg::QueryError::InvalidParams(why) => Self::case("invalid-params", &why),
            pg::QueryError::InvalidQuery(why) => Self::case("invalid-query", &why),
            pg::QueryError::Unexpected(why) => Self::case("unexpected", &why),
        }
    }
}

impl From<PreparedStatementExecError> for Failure {
    fn from(error: PreparedStatementExecError) -> Self {
        match error {
            PreparedStatementExecError::UnknownPreparedQuery => {
                Self { status: 404, why: "unknown-prepared-query".to_owned() }
            }
            PreparedStatementExecError::QueryError(error) => {
                let Self { status, why } = error.into();
                Self { status, why: format!("query-error:{why}") }
            }
            PreparedStatementExecError::Unexpected(why) => Self::case("unexpected", &why),
        }
    }
}

struct Guest;

impl exports::wasi::http::incoming_handler::Guest for Guest {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let request = Request::new(request);
        let body = || String::from_utf8_lossy(&request.body().all().unwrap_or_default()).into();
        let mut answer = Answer::default();
        for statement in statements(&request.query, body) {
            let outcome = match request.path.as_str() {
                "/query" => rows(&statement, &request.query),
                "/exec" => prepared(&statement),
                "/batch" => query_batch(&statement.sql).map(|()| "ok\n".into()).map_err(Into::into),
                "/unknown" => exec("unknown", &[]).map(|n| n.to_string()).map_err(Into::into),
                other => Err(Failure::asked(format!("no route {other}"))),
            };
            if !answer.add(outcome) {
                break;
            }
        }
        text(out, answer.status(), &answer.text());
    }
}

/// Each row brings its names along; the columns are those of the first.
fn rows(statement: &Statement, asked: &Query) -> Result<String, Failure> {
    let found = query(&statement.sql, &statement.params(value)?)?;
    let names = found.first().map(|row| row.iter().map(|entry| entry.column_name.clone()));
    let mut table = Table::new(asked, names.into_iter().flatten());
    for row in &found {
        table.row(row.iter().map(|entry| format!("{:?}", entry.value)));
    }
    Ok(table.end())
}

fn prepared(statement: &Statement) -> Result<String, Failure> {
    let token = prepare(&statement.sql)
        .map_err(|StatementPrepareError::Unexpected(why)| Failure::case("unexpected", &why))?;
    Ok(format!("{}\n", exec(&token, &statement.params(value)?)?))
}

export!(Guest);
