//! `spin:mysql@3.0.0`.

use crate::args::{Query, text};
use crate::connection::{Connection, Outcome, Rows};
use crate::shown::hex;
use crate::spin::mysql::mysql::{self, Error, Row};
use crate::spin_values::rdbms_values;
use crate::sql::{Failure, Param, Statement};

rdbms_values!(mysql);

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

impl Connection for mysql::Connection {
    type Row = Row;
    type Error = Error;

    async fn open(query: &Query) -> Result<Self, Failure> {
        Ok(Self::open(text(query, "address", "").to_owned()).await?)
    }

    async fn run(&self, statement: &Statement, _query: &Query) -> Result<Outcome<Self>, Failure> {
        let params = statement.params(rdbms_value)?;
        if !statement.is_query() {
            self.execute(statement.sql.clone(), params).await?;
            return Ok(Outcome::Done("ok\n".to_owned()));
        }
        let (columns, stream, end) = self.query(statement.sql.clone(), params).await?;
        let columns = columns.iter().map(rdbms_column).collect();
        Ok(Outcome::Rows(Rows { columns, stream, end }))
    }

    fn shown(row: &Row) -> Vec<String> {
        row.iter().map(rdbms_shown).collect()
    }
}
