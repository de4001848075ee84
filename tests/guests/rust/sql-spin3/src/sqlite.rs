//! `spin:sqlite@3.1.0`.

use crate::args::{Query, text};
use crate::connection::{Connection, Outcome, Rows, is_sync};
use crate::shown::hex;
use crate::spin::sqlite::sqlite::{self, Error, RowResult};
use crate::spin_values::sqlite_values;
use crate::sql::{Failure, Param, Statement, Table};

sqlite_values!(sqlite::Value);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::AccessDenied => Self::denied(),
            Error::NoSuchDatabase => Self { status: 404, why: "no-such-database".to_owned() },
            Error::InvalidConnection => Self { status: 500, why: "invalid-connection".to_owned() },
            Error::DatabaseFull => Self { status: 500, why: "database-full".to_owned() },
            Error::Io(why) => Self::case("io", &why),
        }
    }
}

impl Connection for sqlite::Connection {
    type Row = RowResult;
    type Error = Error;

    async fn open(query: &Query) -> Result<Self, Failure> {
        let name = text(query, "db", "default");
        if is_sync(query) {
            return Ok(Self::open(name)?);
        }
        Ok(Self::open_async(name.to_owned()).await?)
    }

    async fn run(&self, statement: &Statement, query: &Query) -> Result<Outcome<Self>, Failure> {
        let params = statement.params(sqlite_value)?;
        if is_sync(query) {
            let found = self.execute(&statement.sql, &params)?;
            if found.columns.is_empty() {
                return Ok(Outcome::Done(done(self.changes(), self.last_insert_rowid())));
            }
            let mut table = Table::new(query, &found.columns);
            for row in &found.rows {
                table.row(Self::shown(row));
            }
            return Ok(Outcome::Done(table.end()));
        }
        let (columns, stream, end) = self.execute_async(statement.sql.clone(), params).await?;
        if columns.is_empty() {
            // A statement may have only begun when its columns are known.
            stream.collect().await;
            end.await?;
            let rowid = self.last_insert_rowid_async().await;
            return Ok(Outcome::Done(done(self.changes_async().await, rowid)));
        }
        Ok(Outcome::Rows(Rows { columns, stream, end }))
    }

    fn shown(row: &RowResult) -> Vec<String> {
        row.values.iter().map(sqlite_shown).collect()
    }
}

fn done(changes: u64, rowid: i64) -> String {
    format!("{changes} changes, rowid {rowid}\n")
}
