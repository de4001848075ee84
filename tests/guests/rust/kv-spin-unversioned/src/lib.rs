//! Routes over `fermyon:spin/key-value` without a version: stores are numbers.

wit_bindgen::generate!({ world: "kv-spin-unversioned", path: "../../wit/p2", generate_all });

#[path = "../../kit/http.rs"]
mod http;
#[path = "../../kit/kv.rs"]
mod kv;

use fermyon::spin::key_value::{self, Error};
use http::Request;
use kv::{Failure, Outcome, Store};
use wasi::http::types::{IncomingRequest, ResponseOutparam};

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::NoSuchStore => Self::NoSuchStore,
            Error::AccessDenied => Self::AccessDenied,
            Error::StoreTableFull => Self::Other("store-table-full".to_owned()),
            Error::InvalidStore => Self::Other("invalid-store".to_owned()),
            Error::NoSuchKey => Self::Other("no-such-key".to_owned()),
            Error::Io(why) => Self::Other(why),
        }
    }
}

struct Handle(u32);

impl Drop for Handle {
    fn drop(&mut self) {
        key_value::close(self.0);
    }
}

impl Store for Handle {
    fn open(name: &str) -> Outcome<Self> {
        Ok(Self(key_value::open(name)?))
    }

    fn get(&self, key: &str) -> Outcome<Option<Vec<u8>>> {
        match key_value::get(self.0, key) {
            Ok(value) => Ok(Some(value)),
            Err(Error::NoSuchKey) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn set(&self, key: &str, value: &[u8]) -> Outcome<()> {
        Ok(key_value::set(self.0, key, value)?)
    }

    fn delete(&self, key: &str) -> Outcome<()> {
        Ok(key_value::delete(self.0, key)?)
    }

    fn exists(&self, key: &str) -> Outcome<bool> {
        Ok(key_value::exists(self.0, key)?)
    }

    fn keys(&self) -> Outcome<Vec<String>> {
        Ok(key_value::get_keys(self.0)?)
    }
}

struct Guest;

impl exports::wasi::http::incoming_handler::Guest for Guest {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        kv::answer::<Handle>(&Request::new(request), out);
    }
}

export!(Guest);
