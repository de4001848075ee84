//! Routes over `fermyon:spin@2.0.0`: key-value, and `/variable?name=`.

wit_bindgen::generate!({ world: "kv-spin", path: "../../wit/p2", generate_all });

#[path = "../../kit/http.rs"]
mod http;
#[path = "../../kit/kv.rs"]
mod kv;

use fermyon::spin2_0_0::key_value::{self, Error};
use fermyon::spin2_0_0::variables;
use http::{Request, text};
use kv::{Failure, Outcome, Store};
use wasi::http::types::{IncomingRequest, ResponseOutparam};

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::NoSuchStore => Self::NoSuchStore,
            Error::AccessDenied => Self::AccessDenied,
            Error::StoreTableFull => Self::Other("store-table-full".to_owned()),
            Error::Other(why) => Self::Other(why),
        }
    }
}

impl Store for key_value::Store {
    fn open(name: &str) -> Outcome<Self> {
        Ok(Self::open(name)?)
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
        Ok(self.get_keys()?)
    }
}

fn variable(request: &Request, out: ResponseOutparam) {
    use variables::Error;
    match variables::get(request.arg("name").unwrap_or("name")) {
        Ok(value) => text(out, 200, &value),
        Err(Error::Undefined(why)) => text(out, 404, &format!("error: undefined({why})\n")),
        Err(Error::InvalidName(why)) => text(out, 400, &format!("error: invalid-name({why})\n")),
        Err(Error::Provider(why)) => text(out, 502, &format!("error: provider({why})\n")),
        Err(Error::Other(why)) => text(out, 500, &format!("error: other({why})\n")),
    }
}

struct Guest;

impl exports::wasi::http::incoming_handler::Guest for Guest {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let request = Request::new(request);
        if request.path == "/variable" {
            return variable(&request, out);
        }
        kv::answer::<key_value::Store>(&request, out);
    }
}

export!(Guest);
