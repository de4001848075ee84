//! `fermyon:spin@2.0.0`: `/sqlite?db=`, `/postgres?address=`, `/mysql?address=`,
//! each with `sql=` and `p=` (`kit/sql.rs`).

wit_bindgen::generate!({
    world: "paddock:services/sql-spin",
    path: ["../../wit/p2", "../../wit/services"],
    generate_all,
});

#[path = "../../kit/args.rs"]
mod args;
#[path = "../../kit/http.rs"]
mod http;
#[path = "../../kit/shown.rs"]
mod shown;
#[path = "../../kit/spin_values.rs"]
mod spin_values;
#[path = "../../kit/sql.rs"]
mod sql;

use args::Query;
use fermyon::spin2_0_0::{mysql, postgres, rdbms_types, sqlite};
use http::{Request, text};
use rdbms_types::{Error, RowSet};
use shown::hex;
use spin_values::{rdbms_values, sqlite_values};
use sql::{Answer, Failure, Param, Statement, Table, statements};
use wasi::clocks::monotonic_clock;
use wasi::http::types::{IncomingRequest, ResponseOutparam};

sqlite_values!(sqlite::Value);
rdbms_values!(rdbms_types);

impl From<sqlite::Error> for Failure {
    fn from(error: sqlite::Error) -> Self {
        use sqlite::Error;
        match error {
            Error::AccessDenied => Self::denied(),
            Error::NoSuchDatabase => Self { status: 404, why: "no-such-database".to_owned() },
            Error::InvalidConnection => Self { status: 500, why: "invalid-connection".to_owned() },
            Error::DatabaseFull => Self { status: 500, why: "database-full".to_owned() },
            Error::Io(why) => Self::case("io", &why),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::ConnectionFailed(why) => Self::case("connection-failed", &why),
            Error::BadParameter(why) => Self::case("bad-parameter", &why),
            Error::QueryFailed(why) => Self::case("query-failed", &why),
            Error::ValueConversionFailed(why) => Self::case("value-conversion-failed", &why),
            Error::Other(why) => Self::case("other", &why),
        }
    }
}

/// A connection of any of the three.
trait Connection: Sized {
    fn open(query: &Query) -> Result<Self, Failure>;
    fn run(&self, statement: &Statement, query: &Query) -> Result<String, Failure>;
}

impl Connection for sqlite::Connection {
    fn open(query: &Query) -> Result<Self, Failure> {
        Ok(Self::open(args::text(query, "db", "default"))?)
    }

    fn run(&self, statement: &Statement, query: &Query) -> Result<String, Failure> {
        let found = self.execute(&statement.sql, &statement.params(sqlite_value)?)?;
        if found.columns.is_empty() {
            return Ok("ok\n".to_owned());
        }
        let mut table = Table::new(query, &found.columns);
        for row in &found.rows {
            table.row(row.values.iter().map(sqlite_shown));
        }
        Ok(table.end())
    }
}

impl Connection for postgres::Connection {
    fn open(query: &Query) -> Result<Self, Failure> {
        Ok(Self::open(args::text(query, "address", ""))?)
    }

    fn run(&self, statement: &Statement, query: &Query) -> Result<String, Failure> {
        let params = statement.params(rdbms_value)?;
        if statement.is_query() {
            return Ok(table(query, &self.query(&statement.sql, &params)?));
        }
        Ok(format!("{}\n", self.execute(&statement.sql, &params)?))
    }
}

impl Connection for mysql::Connection {
    fn open(query: &Query) -> Result<Self, Failure> {
        Ok(Self::open(args::text(query, "address", ""))?)
    }

    fn run(&self, statement: &Statement, query: &Query) -> Result<String, Failure> {
        let params = statement.params(rdbms_value)?;
        if statement.is_query() {
            return Ok(table(query, &self.query(&statement.sql, &params)?));
        }
        self.execute(&statement.sql, &params)?;
        Ok("ok\n".to_owned())
    }
}

fn table(query: &Query, found: &RowSet) -> String {
    let mut table = Table::new(query, found.columns.iter().map(rdbms_column));
    for row in &found.rows {
        table.row(row.iter().map(rdbms_shown));
    }
    table.end()
}

fn answer<C: Connection>(request: &Request, out: ResponseOutparam) {
    let mut answer = Answer::default();
    match C::open(&request.query) {
        Ok(connection) => {
            let body = || String::from_utf8_lossy(&request.body().all().unwrap_or_default()).into();
            for statement in statements(&request.query, body) {
                if let Some(ms) = statement.pause() {
                    monotonic_clock::subscribe_duration(ms * 1_000_000).block();
                } else if !answer.add(connection.run(&statement, &request.query)) {
                    break;
                }
            }
        }
        Err(failure) => {
            answer.add(Err(failure));
        }
    }
    text(out, answer.status(), &answer.text());
}

struct Guest;

impl exports::wasi::http::incoming_handler::Guest for Guest {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let request = Request::new(request);
        match request.path.as_str() {
            "/sqlite" => answer::<sqlite::Connection>(&request, out),
            "/postgres" => answer::<postgres::Connection>(&request, out),
            "/mysql" => answer::<mysql::Connection>(&request, out),
            other => text(out, 404, &format!("no route {other}\n")),
        }
    }
}

export!(Guest);
