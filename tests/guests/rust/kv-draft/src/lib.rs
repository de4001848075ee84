//! Routes over `wasi:keyvalue` store, batch and atomics at 0.2.0-draft.

wit_bindgen::generate!({ world: "kv-draft", path: "../../wit/p2", generate_all });

#[path = "../../kit/http.rs"]
mod http;
#[path = "../../kit/kv.rs"]
mod kv;

use http::Request;
use kv::{Failure, Outcome, Store};
use wasi::http::types::{IncomingRequest, ResponseOutparam};
use wasi::keyvalue0_2_0_draft::store::{Bucket, Error, open};
use wasi::keyvalue0_2_0_draft::{atomics, batch};

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::NoSuchStore => Self::NoSuchStore,
            Error::AccessDenied => Self::AccessDenied,
            Error::Other(why) => Self::Other(why),
        }
    }
}

impl Store for Bucket {
    fn open(name: &str) -> Outcome<Self> {
        Ok(open(name)?)
    }

    fn get(&self, key: &str) -> Outcome<Option<Vec<u8>>> {
        Ok(self.get(key)?)
    }

    fn set(&self, key: &str, value: &[u8]) -> Outcome<()> {
        Ok(self.set(key, value)?)
    }

    fn delete(&self, key: &str) -> Outcome<()> {
        Ok(self.delete(key)?)
    }

    fn exists(&self, key: &str) -> Outcome<bool> {
        Ok(self.exists(key)?)
    }

    fn keys(&self) -> Outcome<Vec<String>> {
        let mut page = self.list_keys(None)?;
        let mut keys = page.keys;
        while let Some(cursor) = page.cursor {
            page = self.list_keys(Some(cursor))?;
            keys.append(&mut page.keys);
        }
        Ok(keys)
    }

    fn increment(&self, key: &str, by: i64) -> Outcome<i64> {
        // This draft counts upwards only, without a sign.
        Ok(atomics::increment(self, key, by.unsigned_abs())? as i64)
    }

    fn get_many(&self, keys: &[String]) -> Outcome<Vec<(String, Option<Vec<u8>>)>> {
        // An absent key is an absent pair here: its name comes from the question.
        let found = batch::get_many(self, keys)?;
        Ok(keys.iter().cloned().zip(found.into_iter().map(|pair| pair.map(|(_, v)| v))).collect())
    }

    fn set_many(&self, pairs: &[(String, Vec<u8>)]) -> Outcome<()> {
        Ok(batch::set_many(self, pairs)?)
    }

    fn delete_many(&self, keys: &[String]) -> Outcome<()> {
        Ok(batch::delete_many(self, keys)?)
    }
}

struct Guest;

impl exports::wasi::http::incoming_handler::Guest for Guest {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        kv::answer::<Bucket>(&Request::new(request), out);
    }
}

export!(Guest);
