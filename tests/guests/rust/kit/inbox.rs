//! What a message handler got, in the key-value store `default`: a counter, and
//! one key for each message, so that handlers of many instances at once lose
//! nothing.
#![allow(dead_code)]

use crate::keyvalue::atomics::increment;
use crate::keyvalue::store::{Bucket, Error, open};

fn why(error: Error) -> String {
    match error {
        Error::NoSuchStore => "no-such-store".to_owned(),
        Error::AccessDenied => "access-denied".to_owned(),
        Error::Other(why) => why,
    }
}

fn store() -> Result<Bucket, String> {
    open("default").map_err(why)
}

/// Counts a message with this body: 1 when it comes for the first time.
pub fn tried(body: &str) -> Result<i64, String> {
    increment(&store()?, &format!("tried {body}"), 1).map_err(why)
}

pub fn tries(body: &str) -> Result<String, String> {
    increment(&store()?, &format!("tried {body}"), 0).map(|n| n.to_string()).map_err(why)
}

pub fn append(subject: &str, reply_to: Option<&str>, body: &str) -> Result<(), String> {
    let store = store()?;
    let version = std::env::var("VERSION").unwrap_or_else(|_| "0".to_owned());
    let number = increment(&store, "messages", 1).map_err(why)?;
    let line = format!("{version} {subject} {} {body}\n", reply_to.unwrap_or("-"));
    store.set(&format!("message {number:08}"), line.as_bytes()).map_err(why)
}

fn keys(store: &Bucket) -> Result<Vec<String>, String> {
    let mut page = store.list_keys(None).map_err(why)?;
    let mut keys = page.keys;
    while let Some(cursor) = page.cursor {
        page = store.list_keys(Some(&cursor)).map_err(why)?;
        keys.append(&mut page.keys);
    }
    keys.sort();
    Ok(keys)
}

/// Every message, a line each, in the order in which they were written.
pub fn received() -> Result<String, String> {
    let store = store()?;
    let mut lines = String::new();
    for key in keys(&store)?.iter().filter(|key| key.starts_with("message ")) {
        let line = store.get(key).map_err(why)?.unwrap_or_default();
        lines.push_str(&String::from_utf8_lossy(&line));
    }
    Ok(lines)
}

pub fn clear() -> Result<String, String> {
    let store = store()?;
    for key in keys(&store)? {
        store.delete(&key).map_err(why)?;
    }
    Ok("ok".to_owned())
}
