//! Headers of a request as its component sees them: Spin's `spin-*`, which no
//! client can forge, and the W3C trace context.
//!
//! Of a route `/shop/:id/...` and the path `/shop/7/a?b`: `spin-matched-route`
//! and `spin-raw-component-route` are the route as written, `spin-component-route`
//! is it without its wildcard (`/shop/:id`), `spin-path-info` what the wildcard
//! stands for (`/a`, empty without one), `spin-path-match-id` the segment as it
//! came (`7`; an underscore of the name becomes a hyphen), `spin-base-path` `/`,
//! `spin-full-url` scheme, host, path and query, `spin-client-addr` address and
//! port of the client.

use std::sync::Arc;

use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::router::{Pattern, segment};
use crate::error::{EngineError, ErrorKind, Result};

const PREFIX: &str = "spin-";
const FULL_URL: HeaderName = HeaderName::from_static("spin-full-url");
const PATH_INFO: HeaderName = HeaderName::from_static("spin-path-info");
const MATCHED_ROUTE: HeaderName = HeaderName::from_static("spin-matched-route");
const COMPONENT_ROUTE: HeaderName = HeaderName::from_static("spin-component-route");
const RAW_COMPONENT_ROUTE: HeaderName = HeaderName::from_static("spin-raw-component-route");
const BASE_PATH: HeaderName = HeaderName::from_static("spin-base-path");
const CLIENT_ADDR: HeaderName = HeaderName::from_static("spin-client-addr");

/// What is the same for every request of a route.
pub struct RouteHeaders {
    raw: HeaderValue,
    component: HeaderValue,
    /// Header and segment of each parameter.
    parameters: Vec<(HeaderName, usize)>,
}

impl RouteHeaders {
    /// # Errors
    /// `Plan`, when a parameter's name can't be a header's.
    pub fn new(pattern: &Pattern) -> Result<Self> {
        let value = |text: &str| {
            HeaderValue::from_str(text).or_else(|_| HeaderValue::from_bytes(text.as_bytes())).map_err(|_| {
                EngineError::new(ErrorKind::Plan, format!("route {:?} has a character that no path has", pattern.text))
            })
        };
        let parameters = pattern.parameters().map(|(name, index)| {
            let header = format!("spin-path-match-{}", name.to_ascii_lowercase().replace('_', "-"));
            let header = HeaderName::from_bytes(header.as_bytes()).map_err(|_| {
                EngineError::new(ErrorKind::Plan, format!("route {:?} has a parameter {name:?}", pattern.text))
                    .hint("a parameter's name has letters, digits, '-' and '_'")
            })?;
            Ok((header, index))
        });
        Ok(Self {
            raw: value(&pattern.text)?,
            component: value(pattern.prefix())?,
            parameters: parameters.collect::<Result<_>>()?,
        })
    }
}

/// Removes what only the host may say.
pub fn strip(headers: &mut HeaderMap) {
    while let Some(forged) = headers.keys().find(|name| name.as_str().starts_with(PREFIX)).cloned() {
        headers.remove(forged);
    }
}

/// Where a request came from and where it goes, as its headers tell.
pub struct Facts<'f> {
    pub scheme: &'f str,
    pub authority: &'f str,
    pub path_and_query: &'f str,
    pub client: &'f HeaderValue,
}

/// Sets the `spin-*` headers of a request; forged ones are gone already.
pub fn set(headers: &mut HeaderMap, facts: &Facts<'_>, pattern: &Pattern, route: &RouteHeaders) {
    let path = facts.path_and_query.split('?').next().unwrap_or("");
    headers.reserve(7 + route.parameters.len());
    headers.insert(FULL_URL, full_url(facts));
    headers.insert(PATH_INFO, value(pattern.rest(path)));
    headers.insert(MATCHED_ROUTE, route.raw.clone());
    headers.insert(COMPONENT_ROUTE, route.component.clone());
    headers.insert(RAW_COMPONENT_ROUTE, route.raw.clone());
    headers.insert(BASE_PATH, HeaderValue::from_static("/"));
    headers.insert(CLIENT_ADDR, facts.client.clone());
    for (name, index) in &route.parameters {
        headers.insert(name, value(segment(path, *index)));
    }
}

fn value(text: &str) -> HeaderValue {
    if text.is_empty() {
        return HeaderValue::from_static("");
    }
    // A path has no character that a header may not have.
    HeaderValue::from_bytes(text.as_bytes()).unwrap_or(HeaderValue::from_static(""))
}

fn full_url(facts: &Facts<'_>) -> HeaderValue {
    let parts = [facts.scheme, "://", facts.authority, facts.path_and_query];
    let mut url = Vec::with_capacity(parts.iter().map(|part| part.len()).sum());
    parts.iter().for_each(|part| url.extend_from_slice(part.as_bytes()));
    HeaderValue::from_maybe_shared(bytes::Bytes::from(url)).unwrap_or(HeaderValue::from_static(""))
}

/// The caller's `traceparent`, if it is one (W3C Trace Context, level 1).
pub fn trace(headers: &HeaderMap) -> Option<Arc<str>> {
    let text = headers.get("traceparent")?.to_str().ok()?;
    let mut parts = text.split('-');
    let mut hex = |length: usize, zero: bool| {
        let valid = parts.next().is_some_and(|part| {
            part.len() == length
                && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
                && (zero || part.bytes().any(|b| b != b'0'))
        });
        valid.then_some(())
    };
    hex(2, true)?;
    hex(32, false)?;
    hex(16, false)?;
    hex(2, true)?;
    let exact = text.len() == 55;
    (!text.starts_with("ff") && (exact || !text.starts_with("00"))).then(|| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headers_of_a_matched_route_are_spins() {
        let pattern = Pattern::parse("/shop/:user_id/...").unwrap();
        let route = RouteHeaders::new(&pattern).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("spin-forged", HeaderValue::from_static("1"));
        headers.append("spin-path-info", HeaderValue::from_static("/etc"));
        headers.insert("accept", HeaderValue::from_static("*/*"));
        strip(&mut headers);
        assert_eq!(headers.len(), 1);
        let client = HeaderValue::from_static("127.0.0.1:5");
        let facts = Facts { scheme: "http", authority: "a.b:80", path_and_query: "/shop/7/a?b", client: &client };
        set(&mut headers, &facts, &pattern, &route);
        for (name, expected) in [
            ("spin-full-url", "http://a.b:80/shop/7/a?b"),
            ("spin-path-info", "/a"),
            ("spin-matched-route", "/shop/:user_id/..."),
            ("spin-component-route", "/shop/:user_id"),
            ("spin-raw-component-route", "/shop/:user_id/..."),
            ("spin-base-path", "/"),
            ("spin-client-addr", "127.0.0.1:5"),
            ("spin-path-match-user-id", "7"),
        ] {
            assert_eq!(headers.get(name).unwrap(), expected, "{name}");
        }
    }

    #[test]
    fn only_a_valid_traceparent_is_taken() {
        let of = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("traceparent", HeaderValue::from_str(text).unwrap());
            trace(&headers).is_some()
        };
        assert!(of("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
        assert!(of("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more"));
        assert!(!of("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more"));
        assert!(!of("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
        assert!(!of("00-00000000000000000000000000000000-b7ad6b7169203331-01"));
        assert!(!of("00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
        assert!(!of("x"));
    }
}
