//! Entries and where they are kept: one key each, numbered by a counter, so
//! that the newest are found without listing the store.

use serde::{Deserialize, Serialize};

use crate::wasi::clocks::wall_clock;
use crate::wasi::keyvalue::store::{self, Bucket};
use crate::wasi::keyvalue::{atomics, batch};

pub const MAX_BODY: usize = 16 * 1024;
const MAX_NAME: usize = 60;
const MAX_MESSAGE: usize = 1000;
const SHOWN: i64 = 100;
const COUNTER: &str = "entries";

#[derive(Serialize, Deserialize)]
pub struct Entry {
    id: i64,
    name: String,
    message: String,
    /// Milliseconds since 1970, UTC.
    at: u64,
}

/// What a visitor sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    name: String,
    message: String,
}

impl Draft {
    /// Reads and checks it; the error is a sentence for the visitor.
    pub fn parse(body: &[u8]) -> Result<Self, &'static str> {
        let draft: Self = serde_json::from_slice(body)
            .map_err(|_| "send JSON: {\"name\": \"...\", \"message\": \"...\"}")?;
        let draft = Self { name: tidy(&draft.name, ""), message: tidy(&draft.message, "\n") };
        if draft.name.is_empty() || draft.message.is_empty() {
            return Err("a name and a message are needed");
        }
        if draft.name.chars().count() > MAX_NAME {
            return Err("a name has 60 letters at most");
        }
        if draft.message.chars().count() > MAX_MESSAGE {
            return Err("a message has 1,000 letters at most");
        }
        Ok(draft)
    }
}

/// Without control characters, but for those in `kept`, and without margins.
fn tidy(text: &str, kept: &str) -> String {
    let good = |letter: &char| !letter.is_control() || kept.contains(*letter);
    text.chars().filter(good).collect::<String>().trim().to_owned()
}

pub fn add(draft: Draft) -> Result<Entry, String> {
    let bucket = open()?;
    let id = atomics::increment(&bucket, COUNTER, 1).map_err(show)?;
    let now = wall_clock::now();
    let at = now.seconds * 1000 + u64::from(now.nanoseconds / 1_000_000);
    let entry = Entry { id, name: draft.name, message: draft.message, at };
    let bytes = serde_json::to_vec(&entry).map_err(|error| error.to_string())?;
    bucket.set(&key(id), &bytes).map_err(show)?;
    Ok(entry)
}

/// The newest entries, newest first.
pub fn newest() -> Result<Vec<Entry>, String> {
    let bucket = open()?;
    let last = atomics::increment(&bucket, COUNTER, 0).map_err(show)?;
    let keys: Vec<_> = ((last - SHOWN).max(0) + 1..=last).rev().map(key).collect();
    let found = batch::get_many(&bucket, &keys).map_err(show)?;
    // A number without an entry is one whose visitor is still writing.
    let entries = found.iter().filter_map(|(_, bytes)| bytes.as_ref());
    Ok(entries.filter_map(|bytes| serde_json::from_slice(bytes).ok()).collect())
}

fn key(id: i64) -> String {
    format!("entry/{id:010}")
}

fn open() -> Result<Bucket, String> {
    store::open("default").map_err(show)
}

fn show(error: store::Error) -> String {
    error.to_string()
}
