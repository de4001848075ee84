//! `spin:postgres@4.2.0`.

use crate::args::{Query, one, text};
use crate::connection::{Connection, Outcome, Rows, is_sync};
use crate::postgres_values::{column, shown, value};
use crate::spin::postgres::postgres::{self, ConnectionBuilder, DbError, Error, QueryError, Row};
use crate::sql::{Failure, Statement, Table};

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::ConnectionFailed(why) => Self::case("connection-failed", &why),
            Error::BadParameter(why) => Self::case("bad-parameter", &why),
            Error::QueryFailed(QueryError::Text(why)) => Self::case("query-failed:text", &why),
            Error::QueryFailed(QueryError::DbError(error)) => {
                Self::case("query-failed:db-error", &told(&error))
            }
            Error::ValueConversionFailed(why) => Self::case("value-conversion-failed", &why),
            Error::Other(why) => Self::case("other", &why),
        }
    }
}

/// `SEVERITY CODE: message; detail …; name=value; …`
fn told(error: &DbError) -> String {
    let detail = error.detail.as_deref().unwrap_or("-");
    let extras = error.extras.iter().map(|(name, value)| format!("; {name}={value}"));
    let DbError { severity, code, message, .. } = error;
    format!("{severity} {code}: {message}; detail {detail}{}", extras.collect::<String>())
}

impl Connection for postgres::Connection {
    type Row = Row;
    type Error = Error;

    async fn open(query: &Query) -> Result<Self, Failure> {
        let address = text(query, "address", "");
        if one(query, "builder").is_some() || one(query, "ca").is_some() {
            let builder = ConnectionBuilder::new(address);
            if let Some(certificate) = one(query, "ca") {
                builder.set_ca_root(certificate)?;
            }
            if is_sync(query) {
                return Ok(builder.build()?);
            }
            return Ok(builder.build_async().await?);
        }
        if is_sync(query) {
            return Ok(Self::open(address)?);
        }
        Ok(Self::open_async(address.to_owned()).await?)
    }

    async fn run(&self, statement: &Statement, query: &Query) -> Result<Outcome<Self>, Failure> {
        let params = statement.params(value)?;
        if !statement.is_query() {
            let rows = if is_sync(query) {
                self.execute(&statement.sql, &params)?
            } else {
                self.execute_async(statement.sql.clone(), params).await?
            };
            return Ok(Outcome::Done(format!("{rows}\n")));
        }
        if is_sync(query) {
            let found = self.query(&statement.sql, &params)?;
            let mut table = Table::new(query, found.columns.iter().map(column));
            for row in &found.rows {
                table.row(Self::shown(row));
            }
            return Ok(Outcome::Done(table.end()));
        }
        let (columns, stream, end) = self.query_async(statement.sql.clone(), params).await?;
        let columns = columns.iter().map(column).collect();
        Ok(Outcome::Rows(Rows { columns, stream, end }))
    }

    fn shown(row: &Row) -> Vec<String> {
        row.iter().map(shown).collect()
    }
}
