//! The same page on each database that takes an address.

use anyhow::Result;
use spin_sdk::{mysql, pg, pg3, pg4};

use crate::Query;

const TABLE: &str = "CREATE TABLE IF NOT EXISTS spin_notes (note VARCHAR(100), size BIGINT, price FLOAT8, raw BYTEA)";
const INSERT: &str = "INSERT INTO spin_notes VALUES ($1, $2, $3, $4)";
const SELECT: &str = "SELECT note, size, price, raw FROM spin_notes ORDER BY size, note";

/// The functions are the same in each module, their types are not.
macro_rules! postgres {
    ($name:ident) => {
        pub fn $name(query: &Query) -> Result<String> {
            use $name::{Connection, Decode, ParameterValue};
            let note = query.get("note");
            let database = Connection::open(query.get("address"))?;
            database.execute(TABLE, &[])?;
            let values = [
                ParameterValue::Str(note.to_owned()),
                ParameterValue::Int64(note.len() as i64),
                ParameterValue::Floating64(0.5),
                ParameterValue::Binary(note.as_bytes().to_vec()),
            ];
            database.execute(INSERT, &values)?;
            let mut lines = String::new();
            for row in &database.query(SELECT, &[])?.rows {
                let (note, size) = (String::decode(&row[0])?, i64::decode(&row[1])?);
                let (price, raw) = (f64::decode(&row[2])?, Vec::<u8>::decode(&row[3])?);
                lines.push_str(&format!("{note} {size} {price} {raw:?}\n"));
            }
            Ok(lines)
        }
    };
}

postgres!(pg);
postgres!(pg3);

pub fn pg4(query: &Query) -> Result<String> {
    use pg4::{Connection, Decode, Interval, ParameterValue};
    let database = Connection::open(query.get("address"))?;
    let values = [
        ParameterValue::Str(query.get("note").to_owned()),
        ParameterValue::Interval(Interval { micros: 1, days: 2, months: 3 }),
        ParameterValue::Decimal("12.50".to_owned()),
        ParameterValue::ArrayInt32(vec![Some(1), None]),
        pg4::jsonb(&vec![1, 2])?,
    ];
    let sql = "SELECT $1::text, $2::interval, $3::numeric, $4::int4[], $5::jsonb, 7::int4 AS seven";
    let found = database.query(sql, &values)?;
    let row = &found.rows[0];
    let seven = found.rows().next().and_then(|row| row.get::<i32>("seven"));
    Ok(format!("{} {:?} {seven:?}\n", String::decode(&row[0])?, &row[1..5]))
}

pub fn mysql(query: &Query) -> Result<String> {
    use mysql::{Connection, Decode, ParameterValue};
    let note = query.get("note");
    let database = Connection::open(query.get("address"))?;
    database.execute(
        "CREATE TABLE IF NOT EXISTS spin_notes (note VARCHAR(100), size BIGINT, raw BLOB)",
        &[],
    )?;
    let values = [
        ParameterValue::Str(note.to_owned()),
        ParameterValue::Int64(note.len() as i64),
        ParameterValue::Binary(note.as_bytes().to_vec()),
    ];
    database.execute("INSERT INTO spin_notes VALUES (?, ?, ?)", &values)?;
    let mut lines = String::new();
    let select = "SELECT note, size, raw FROM spin_notes ORDER BY size, note";
    for row in &database.query(select, &[])?.rows {
        let (note, size) = (String::decode(&row[0])?, i64::decode(&row[1])?);
        lines.push_str(&format!("{note} {size} {:?}\n", Vec::<u8>::decode(&row[2])?));
    }
    Ok(lines)
}
