//! `paddock:sql@0.1.0`: `/sql?db=` with `sql=` and `p=` (`kit/sql.rs`), and
//! `/dialect?db=`.
//!
//! A statement `.begin` opens a transaction, in which those after it run,
//! `.commit` and `.rollback` end it; one that is open at the end of the request
//! is dropped. Rows are fetched `page=` (64) at a time; `take=N` drops them
//! after N. `begin=retry` runs the whole request again, up to ten times, while
//! it ends in a conflict.

wit_bindgen::generate!({
    world: "paddock:services/sql",
    path: ["../../wit/p2", "../../wit/services"],
    generate_all,
});

#[path = "../../kit/args.rs"]
mod args;
#[path = "../../kit/http.rs"]
mod http;
#[path = "../../kit/shown.rs"]
mod shown;
#[path = "../../kit/sql.rs"]
mod sql;
mod values;

use args::Query;
use http::{Request, text};
use paddock::sql::database::{Connection, Error, Outcome, Rows, Transaction};
use sql::{Answer, Failure, Statement, Table, statements};
use wasi::clocks::monotonic_clock;
use wasi::http::types::{IncomingRequest, ResponseOutparam};

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::AccessDenied => Self::denied(),
            Error::NoSuchDatabase => Self { status: 404, why: "no-such-database".to_owned() },
            Error::Unavailable(why) => Self { status: 503, why: format!("unavailable({why})") },
            Error::Invalid(why) => Self::case("invalid", &why),
            Error::Constraint(why) => Self { status: 409, why: format!("constraint({why})") },
            Error::Conflict(why) => Self { status: 409, why: format!("conflict({why})") },
            Error::Other(why) => Self::case("other", &why),
        }
    }
}

struct Guest;

impl exports::wasi::http::incoming_handler::Guest for Guest {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let request = Request::new(request);
        let query = &request.query;
        match request.path.as_str() {
            "/sql" => {
                let body =
                    String::from_utf8_lossy(&request.body().all().unwrap_or_default()).into();
                let wanted = statements(query, || body);
                let mut answer = run(query, &wanted);
                let mut tries = if args::one(query, "begin") == Some("retry") { 9 } else { 0 };
                while tries > 0 && answer.text().contains("error: conflict(") {
                    answer = run(query, &wanted);
                    tries -= 1;
                }
                text(out, answer.status(), &answer.text());
            }
            "/dialect" => match Connection::open(args::text(query, "db", "default")) {
                Ok(connection) => text(out, 200, &format!("{}\n", connection.dialect())),
                Err(error) => {
                    let failure = Failure::from(error);
                    text(out, failure.status, &format!("error: {}\n", failure.why));
                }
            },
            other => text(out, 404, &format!("no route {other}\n")),
        }
    }
}

fn run(query: &Query, wanted: &[Statement]) -> Answer {
    let mut answer = Answer::default();
    let connection = match Connection::open(args::text(query, "db", "default")) {
        Ok(connection) => connection,
        Err(error) => {
            answer.add(Err(error.into()));
            return answer;
        }
    };
    let mut transaction = None;
    for statement in wanted {
        if let Some(ms) = statement.pause() {
            monotonic_clock::subscribe_duration(ms * 1_000_000).block();
        } else if !answer.add(step(&connection, &mut transaction, statement, query)) {
            break;
        }
    }
    answer
}

fn step(
    connection: &Connection,
    transaction: &mut Option<Transaction>,
    statement: &Statement,
    query: &Query,
) -> Result<String, Failure> {
    let none = || Failure::asked("no transaction is open".to_owned());
    match statement.sql.as_str() {
        ".begin" => *transaction = Some(connection.begin()?),
        ".commit" => transaction.take().ok_or_else(none)?.commit()?,
        ".rollback" => transaction.take().ok_or_else(none)?.rollback()?,
        words if statement.is_query() => {
            let params = statement.params(values::value)?;
            let rows = match transaction {
                Some(transaction) => transaction.query(words, &params)?,
                None => connection.query(words, &params)?,
            };
            return table(&rows, query);
        }
        words => {
            let params = statement.params(values::value)?;
            let outcome = match transaction {
                Some(transaction) => transaction.execute(words, &params)?,
                None => connection.execute(words, &params)?,
            };
            return Ok(done(&outcome));
        }
    }
    Ok("ok\n".to_owned())
}

fn done(outcome: &Outcome) -> String {
    let id = outcome.last_id.map_or("-".to_owned(), |id| id.to_string());
    format!("{} rows, id {id}\n", outcome.rows_affected)
}

fn table(rows: &Rows, query: &Query) -> Result<String, Failure> {
    let columns = rows.columns();
    let names = columns.iter().map(|column| format!("{}:{}", column.name, column.type_name));
    let mut table = Table::new(query, names);
    let (page, mut left) = (args::number(query, "page", 64), args::number(query, "take", u64::MAX));
    while left > 0 {
        let found = rows.next(page)?;
        if found.is_empty() {
            break;
        }
        for row in found.iter().take(usize::try_from(left).unwrap_or(usize::MAX)) {
            table.row(row.iter().map(values::shown));
            left -= 1;
        }
    }
    Ok(table.end())
}

export!(Guest);
