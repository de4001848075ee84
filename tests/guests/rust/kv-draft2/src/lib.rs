//! Routes over `wasi:keyvalue` store, batch and atomics at 0.2.0-draft2.

wit_bindgen::generate!({ world: "kv-draft2", path: "../../wit/p2", generate_all });

#[path = "../../kit/http.rs"]
mod http;
#[path = "../../kit/kv.rs"]
mod kv;

use http::Request;
use kv::{Failure, Outcome, Store};
use wasi::http::types::{IncomingRequest, ResponseOutparam};
use wasi::keyvalue0_2_0_draft2::atomics::{self, Cas, CasError};
use wasi::keyvalue0_2_0_draft2::batch;
use wasi::keyvalue0_2_0_draft2::store::{Bucket, Error, open};

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
            page = self.list_keys(Some(&cursor))?;
            keys.append(&mut page.keys);
        }
        Ok(keys)
    }

    fn increment(&self, key: &str, by: i64) -> Outcome<i64> {
        Ok(atomics::increment(self, key, by)?)
    }

    fn swap(&self, key: &str, value: &[u8], meanwhile: Option<&str>) -> Outcome<String> {
        let cas = Cas::new(self, key)?;
        let before = cas.current()?;
        if let Some(meanwhile) = meanwhile {
            self.set(key, meanwhile.as_bytes())?;
        }
        match atomics::swap(cas, value) {
            Ok(()) => Ok(format!("swapped, before: {}", shown(before))),
            Err(CasError::CasFailed(cas)) => Ok(format!("failed, now: {}", shown(cas.current()?))),
            Err(CasError::StoreError(error)) => Err(error.into()),
        }
    }

    fn get_many(&self, keys: &[String]) -> Outcome<Vec<(String, Option<Vec<u8>>)>> {
        Ok(batch::get_many(self, keys)?)
    }

    fn set_many(&self, pairs: &[(String, Vec<u8>)]) -> Outcome<()> {
        Ok(batch::set_many(self, pairs)?)
    }

    fn delete_many(&self, keys: &[String]) -> Outcome<()> {
        Ok(batch::delete_many(self, keys)?)
    }
}

fn shown(value: Option<Vec<u8>>) -> String {
    value.map_or("none".to_owned(), |value| String::from_utf8_lossy(&value).into_owned())
}

struct Guest;

impl exports::wasi::http::incoming_handler::Guest for Guest {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        kv::answer::<Bucket>(&Request::new(request), out);
    }
}

export!(Guest);
