//! HTTP as Spin 1 had it: `fermyon:spin/http-types` without a version, where a
//! request and a response are values with their bodies whole.

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use wasmtime::component::{ComponentType, Lift, Lower};
use wasmtime_wasi_http::{Error, WasiBody};

/// The interface whose `handle-request` a component exports.
pub const INBOUND: &str = "fermyon:spin/inbound-http";
/// The interface whose `send-request` a component imports.
pub const OUTBOUND: &str = "fermyon:spin/http";

/// All methods that there are; a guest can't be told of another one.
#[derive(ComponentType, Lift, Lower, Clone, Copy, Debug)]
#[component(enum)]
#[repr(u8)]
pub enum Verb {
    #[component(name = "get")]
    Get,
    #[component(name = "post")]
    Post,
    #[component(name = "put")]
    Put,
    #[component(name = "delete")]
    Delete,
    #[component(name = "patch")]
    Patch,
    #[component(name = "head")]
    Head,
    #[component(name = "options")]
    Options,
}

const VERBS: [(Verb, Method); 7] = [
    (Verb::Get, Method::GET),
    (Verb::Post, Method::POST),
    (Verb::Put, Method::PUT),
    (Verb::Delete, Method::DELETE),
    (Verb::Patch, Method::PATCH),
    (Verb::Head, Method::HEAD),
    (Verb::Options, Method::OPTIONS),
];

impl Verb {
    /// The methods as the header `allow` lists them.
    pub const ALL: HeaderValue = HeaderValue::from_static("GET, POST, PUT, DELETE, PATCH, HEAD, OPTIONS");

    pub fn of(method: &Method) -> Option<Self> {
        VERBS.iter().find(|(_, known)| known == method).map(|(verb, _)| *verb)
    }

    pub fn method(self) -> Method {
        VERBS.iter().find(|(known, _)| *known as u8 == self as u8).map_or(Method::GET, |(_, method)| method.clone())
    }
}

type Pairs = Vec<(String, String)>;

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
pub struct Request {
    pub method: Verb,
    pub uri: String,
    pub headers: Pairs,
    /// Always empty: Spin stopped using it before 1.0.
    pub params: Pairs,
    pub body: Option<Vec<u8>>,
}

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
pub struct Response {
    pub status: u16,
    pub headers: Option<Pairs>,
    pub body: Option<Vec<u8>>,
}

impl Response {
    /// # Errors
    /// In words, for a status or headers that no response may have.
    pub fn convert(self) -> Result<http::Response<WasiBody>, String> {
        let status = StatusCode::from_u16(self.status).ok().filter(|status| !status.is_informational());
        let status = status.ok_or_else(|| format!("{} is no status of a response", self.status))?;
        let mut headers = headers(self.headers.unwrap_or_default())?;
        if let Some(name) = headers.keys().find(|name| crate::outbound::forbidden(name)) {
            return Err(format!("the header {name} is the server's to set"));
        }
        // Its own count would have to be believed; the server counts.
        headers.remove(CONTENT_LENGTH);
        let mut response = http::Response::new(whole(self.body));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

pub fn whole(body: Option<Vec<u8>>) -> WasiBody {
    Full::new(Bytes::from(body.unwrap_or_default())).map_err(|never| match never {}).boxed_unsync()
}

/// # Errors
/// In words, for what is no header.
pub fn headers(pairs: Pairs) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::with_capacity(pairs.len());
    for (name, value) in pairs {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("{name:?} is no header"))?;
        let value = HeaderValue::from_str(&value).map_err(|_| format!("the header {name} has a bad value"))?;
        headers.append(name, value);
    }
    Ok(headers)
}

/// A guest's strings are text: what is no UTF-8 is replaced.
pub fn pairs(headers: &HeaderMap) -> Pairs {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.as_str().into(), text(value))).collect()
}

/// Why a body is not there as a whole.
pub enum Incomplete {
    /// More bytes than the guest may have memory for.
    TooLong,
    Broken(Error),
}

/// All bytes of a body, at most `most`.
pub async fn read(mut body: WasiBody, most: usize) -> Result<Vec<u8>, Incomplete> {
    let known = body.size_hint().lower();
    if known > most as u64 {
        return Err(Incomplete::TooLong);
    }
    // What a client only announces takes no memory.
    let mut bytes = BytesMut::with_capacity((known as usize).min(64 << 10));
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(Incomplete::Broken)?.into_data() else { continue };
        if bytes.len() + data.len() > most {
            return Err(Incomplete::TooLong);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, headers: &[(&str, &str)]) -> Result<http::Response<WasiBody>, String> {
        let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Response { status, headers: Some(headers), body: Some(b"x".to_vec()) }.convert()
    }

    #[test]
    fn only_a_response_that_can_be_sent_is_one() {
        let good = response(404, &[("X-A", "1"), ("x-a", "2"), ("content-length", "77")]).unwrap();
        assert_eq!(good.status(), 404);
        assert_eq!(good.headers().get_all("x-a").iter().collect::<Vec<_>>(), ["1", "2"]);
        assert!(!good.headers().contains_key(CONTENT_LENGTH));
        for (status, name, value, told) in [
            (99, "a", "b", "99 is no status"),
            (100, "a", "b", "100 is no status"),
            (1000, "a", "b", "1000 is no status"),
            (200, "a b", "c", "is no header"),
            (200, "a", "b\r\nc: d", "bad value"),
            (200, "Transfer-Encoding", "chunked", "transfer-encoding is the server's"),
            (200, "connection", "close", "connection is the server's"),
        ] {
            let error = response(status, &[(name, value)]).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn a_verb_is_its_method() {
        for (_, method) in VERBS {
            assert_eq!(Verb::of(&method).unwrap().method(), method);
        }
        assert!(Verb::of(&Method::TRACE).is_none());
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_its_bound() {
        assert_eq!(read(whole(Some(vec![7; 10])), 10).await.ok(), Some(vec![7; 10]));
        assert!(matches!(read(whole(Some(vec![7; 11])), 10).await, Err(Incomplete::TooLong)));
    }
}
