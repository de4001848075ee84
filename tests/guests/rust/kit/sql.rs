//! What the SQL guests share: the statements of a request and their answers.
//!
//! `sql=` a statement, as often as wanted, run in order over one connection;
//! without one the body is the statement. `p=` a parameter of the statement
//! before it: `p=null` or `p=TYPE:VALUE` (`int`, `real`, `text`, `blob` in
//! hexadecimal, `bool`, and the types of each interface). `p=zeros:N` is a blob
//! of N zero bytes, `p=letters:N` a text of N letters. The statement `.sleep N`
//! waits N milliseconds with the connection open.
//!
//! Answers, those of several statements one after the other, an empty line
//! between two: for rows a line with a JSON array of the columns, then one line
//! for each row, a JSON array of `"type:value"`; with `show=count` a line "N
//! rows" instead. Of a command the number of rows, or `ok`. An error ends the
//! answer: `error: case(words)`.
#![allow(dead_code)]

use crate::args;
use crate::shown::{line, unhex};

pub struct Statement {
    pub sql: String,
    pub params: Vec<Param>,
}

pub struct Param {
    pub kind: String,
    pub text: String,
}

impl Param {
    fn new(given: &str) -> Self {
        let (kind, text) = given.split_once(':').unwrap_or((given, ""));
        Self { kind: kind.to_owned(), text: text.to_owned() }
    }

    pub fn number<T: std::str::FromStr>(&self) -> Result<T, Failure> {
        self.text.parse().map_err(|_| self.wrong())
    }

    /// Of a `blob` or of `zeros`.
    pub fn bytes(&self) -> Result<Vec<u8>, Failure> {
        match self.kind.as_str() {
            "zeros" => Ok(vec![0; self.number()?]),
            _ => unhex(&self.text).ok_or_else(|| self.wrong()),
        }
    }

    /// Of a `text` or of `letters`.
    pub fn string(&self) -> Result<String, Failure> {
        match self.kind.as_str() {
            "letters" => Ok("x".repeat(self.number()?)),
            _ => Ok(self.text.clone()),
        }
    }

    pub fn wrong(&self) -> Failure {
        Failure::asked(format!("no parameter {}:{}", self.kind, self.text))
    }
}

/// A status and the name of the interface's error with its words.
pub struct Failure {
    pub status: u16,
    pub why: String,
}

impl Failure {
    pub fn asked(why: String) -> Self {
        Self { status: 400, why }
    }

    pub fn denied() -> Self {
        Self { status: 403, why: "access-denied".to_owned() }
    }

    pub fn case(name: &str, words: &str) -> Self {
        Self { status: 500, why: format!("{name}({words})") }
    }
}

pub fn statements(query: &args::Query, body: impl FnOnce() -> String) -> Vec<Statement> {
    let mut found: Vec<Statement> = Vec::new();
    let mut early = Vec::new();
    for (name, value) in query {
        match (name.as_str(), found.last_mut()) {
            ("sql", _) => found.push(Statement { sql: value.clone(), params: Vec::new() }),
            ("p", Some(statement)) => statement.params.push(Param::new(value)),
            ("p", None) => early.push(Param::new(value)),
            _ => {}
        }
    }
    if found.is_empty() {
        found.push(Statement { sql: body(), params: early });
    }
    found
}

impl Statement {
    pub fn params<T>(
        &self,
        convert: impl Fn(&Param) -> Result<T, Failure>,
    ) -> Result<Vec<T>, Failure> {
        self.params.iter().map(convert).collect()
    }

    /// Of `.sleep N`: N.
    pub fn pause(&self) -> Option<u64> {
        self.sql.strip_prefix(".sleep ").and_then(|ms| ms.trim().parse().ok())
    }

    /// Whether rows are expected, where an interface has a function for each.
    pub fn is_query(&self) -> bool {
        let upper = self.sql.trim_start().to_ascii_uppercase();
        let begins = ["SELECT", "WITH", "VALUES", "SHOW", "EXPLAIN", "PRAGMA", "DESCRIBE"];
        begins.iter().any(|word| upper.starts_with(word)) || upper.contains(" RETURNING ")
    }
}

/// Columns and rows in lines.
pub struct Table {
    count: bool,
    rows: u64,
    lines: String,
}

impl Table {
    pub fn new<S: AsRef<str>>(query: &args::Query, columns: impl IntoIterator<Item = S>) -> Self {
        let count = args::one(query, "show") == Some("count");
        Self { count, rows: 0, lines: line(columns) }
    }

    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows += 1;
        if !self.count {
            self.lines.push_str(&line(cells));
        }
    }

    pub fn end(mut self) -> String {
        if self.count {
            self.lines.push_str(&format!("{} rows\n", self.rows));
        }
        self.lines
    }
}

/// The whole answer: a status and its text.
#[derive(Default)]
pub struct Answer {
    parts: Vec<String>,
    status: Option<u16>,
}

impl Answer {
    /// False when it was an error: then nothing more is run.
    pub fn add(&mut self, outcome: Result<String, Failure>) -> bool {
        match outcome {
            Ok(part) => self.parts.push(part),
            Err(failure) => {
                self.parts.push(format!("error: {}\n", failure.why));
                self.status = Some(failure.status);
            }
        }
        self.status.is_none()
    }

    pub fn status(&self) -> u16 {
        self.status.unwrap_or(200)
    }

    pub fn text(&self) -> String {
        self.parts.join("\n")
    }
}
