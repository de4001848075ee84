//! What the three interfaces have in common.

use wit_bindgen::rt::async_support::{FutureReader, StreamReader};

use crate::args::{Query, one};
use crate::sql::{Failure, Statement};

pub struct Rows<C: Connection> {
    pub columns: Vec<String>,
    pub stream: StreamReader<C::Row>,
    pub end: FutureReader<Result<(), C::Error>>,
}

pub enum Outcome<C: Connection> {
    Rows(Rows<C>),
    Done(String),
}

#[allow(async_fn_in_trait)]
pub trait Connection: Sized + 'static {
    type Row: 'static;
    type Error: Into<Failure> + 'static;

    async fn open(query: &Query) -> Result<Self, Failure>;
    async fn run(&self, statement: &Statement, query: &Query) -> Result<Outcome<Self>, Failure>;
    fn shown(row: &Self::Row) -> Vec<String>;
}

pub fn is_sync(query: &Query) -> bool {
    one(query, "mode") == Some("sync")
}
