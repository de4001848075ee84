//! Which route answers a request: a trie of path segments for each host.
//!
//! - `/a/b` matches itself, `:name` one segment that is not empty, `/...` (or
//!   `/*`) at the end the path before it and all below. One slash at the end of
//!   a path or route makes no difference.
//! - Of several, the first segment in which two differ decides: literal before
//!   `:name` before `/...`; so exact beats wildcard and the longest prefix wins.
//!   A trigger for the request's host comes before one for `*.domain` (the
//!   longest first), and that before one for any host.
//! - A route that matches but not for this method lets the next best answer;
//!   only when none does, the methods of all that match are told.
//! - Paths are matched as they came, undecoded; a segment with escapes is
//!   decoded for comparison with a literal only after the path was split, so
//!   that `%2F` never makes two segments of one. Paths with `.` or `..`
//!   segments, escaped or not, are refused: clients resolve them.

use std::borrow::Cow;
use std::collections::HashMap;

use http::Method;
use percent_encoding::percent_decode_str;

use crate::error::{EngineError, ErrorKind, Result};

/// A route taken apart.
#[derive(Clone, Debug)]
pub struct Pattern {
    pub text: String,
    segments: Vec<Segment>,
    pub wildcard: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Literal(Box<[u8]>),
    Parameter(String),
}

impl Pattern {
    /// # Errors
    /// `Plan`, when the text does not start with a slash or has a wildcard
    /// before its end.
    pub fn parse(text: &str) -> Result<Self> {
        let Some(rest) = text.strip_prefix('/') else {
            return Err(EngineError::new(ErrorKind::Plan, format!("route {text:?} does not start with '/'")));
        };
        let mut pieces: Vec<&str> = rest.split('/').collect();
        let wildcard = matches!(pieces.last(), Some(&("..." | "*")));
        if wildcard || matches!(pieces.last(), Some(&"")) {
            pieces.pop();
        }
        if pieces.iter().any(|piece| matches!(*piece, "..." | "*" | ":")) {
            return Err(EngineError::new(ErrorKind::Plan, format!("route {text:?} has a wildcard before its end"))
                .hint("'...' stands last; ':name' stands for one segment"));
        }
        let segments = pieces.iter().map(|piece| match piece.strip_prefix(':') {
            Some(name) => Segment::Parameter(name.to_owned()),
            None => Segment::Literal(decoded(piece).into_owned().into()),
        });
        Ok(Self { text: text.to_owned(), segments: segments.collect(), wildcard })
    }

    /// Names of parameters and the segments that they stand for.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, usize)> {
        self.segments.iter().enumerate().filter_map(|(index, segment)| match segment {
            Segment::Parameter(name) => Some((name.as_str(), index)),
            Segment::Literal(_) => None,
        })
    }

    /// The route without its trailing wildcard.
    pub fn prefix(&self) -> &str {
        let text = self.text.strip_suffix("/...").or_else(|| self.text.strip_suffix("/*"));
        text.unwrap_or(&self.text)
    }

    /// What of a matched path the trailing wildcard stands for, as it came.
    pub fn rest<'p>(&self, path: &'p str) -> &'p str {
        if !self.wildcard {
            return "";
        }
        let slash = path.bytes().enumerate().filter(|(_, byte)| *byte == b'/').nth(self.segments.len());
        slash.and_then(|(at, _)| path.get(at..)).unwrap_or("")
    }
}

/// The segments of a path, without one slash at its end.
fn split(path: &str) -> impl Iterator<Item = &str> + Clone {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    let count = if path.is_empty() { 0 } else { usize::MAX };
    path.split('/').take(count)
}

/// The segment of a path that a parameter stands for.
pub fn segment(path: &str, index: usize) -> &str {
    split(path).nth(index).unwrap_or("")
}

fn decoded(segment: &str) -> Cow<'_, [u8]> {
    if segment.contains('%') { percent_decode_str(segment).into() } else { Cow::Borrowed(segment.as_bytes()) }
}

/// Whether a path has a segment `.` or `..`, in whatever spelling.
pub fn has_dots(path: &str) -> bool {
    // Nearly every path is settled by this scan.
    let suspicious = path.contains("/.") || path.contains("%2");
    suspicious && split(path).any(|segment| matches!(decoded(segment).as_ref(), b"." | b".."))
}

/// Methods of one trigger; none named means all.
#[derive(Clone, Debug, Default)]
pub struct Methods(Vec<Method>);

impl Methods {
    /// # Errors
    /// `Plan`, for what is no method.
    pub fn parse(names: &[String]) -> Result<Self> {
        let parse = |name: &String| {
            Method::from_bytes(name.as_bytes())
                .map_err(|_| EngineError::new(ErrorKind::Plan, format!("{name:?} is not an HTTP method")))
        };
        Ok(Self(names.iter().map(parse).collect::<Result<_>>()?))
    }

    /// HEAD is allowed where GET is.
    pub fn allow(&self, method: &Method) -> bool {
        self.0.is_empty() || self.0.contains(method) || (*method == Method::HEAD && self.0.contains(&Method::GET))
    }

    fn meet(&self, other: &Self) -> bool {
        self.0.is_empty() || other.0.is_empty() || self.0.iter().any(|method| other.0.contains(method))
    }

    fn list(&self, all: &mut Vec<Method>) {
        for method in &self.0 {
            if !all.contains(method) {
                all.push(method.clone());
            }
            if *method == Method::GET && !all.contains(&Method::HEAD) {
                all.push(Method::HEAD);
            }
        }
    }
}

#[derive(Default)]
struct Node {
    literals: HashMap<Box<[u8]>, usize>,
    parameter: Option<usize>,
    exact: Vec<(Methods, usize)>,
    wildcard: Vec<(Methods, usize)>,
}

/// The routes of one host.
struct Trie(Vec<Node>);

impl Default for Trie {
    fn default() -> Self {
        Self(vec![Node::default()])
    }
}

/// A search for the best route; `methods` collects what a 405 tells.
struct Search<'s> {
    method: &'s Method,
    methods: Option<&'s mut Vec<Method>>,
}

impl Search<'_> {
    fn pick(&mut self, routes: &[(Methods, usize)]) -> Option<usize> {
        if let Some(all) = &mut self.methods {
            routes.iter().for_each(|(methods, _)| methods.list(all));
            return None;
        }
        routes.iter().find(|(methods, _)| methods.allow(self.method)).map(|(_, route)| *route)
    }
}

impl Trie {
    /// Adds a route; the one that it collides with otherwise.
    fn add(&mut self, pattern: &Pattern, methods: &Methods, route: usize) -> Result<(), usize> {
        let mut at = 0;
        for segment in &pattern.segments {
            let fresh = self.0.len();
            let Some(node) = self.0.get_mut(at) else { return Ok(()) };
            at = match segment {
                Segment::Literal(text) => *node.literals.entry(text.clone()).or_insert(fresh),
                Segment::Parameter(_) => *node.parameter.get_or_insert(fresh),
            };
            if at == fresh {
                self.0.push(Node::default());
            }
        }
        let Some(node) = self.0.get_mut(at) else { return Ok(()) };
        let routes = if pattern.wildcard { &mut node.wildcard } else { &mut node.exact };
        if let Some((_, other)) = routes.iter().find(|(known, _)| known.meet(methods)) {
            return Err(*other);
        }
        routes.push((methods.clone(), route));
        Ok(())
    }

    /// Visits each node at most once, so hostile paths cost no more than the
    /// trie is large.
    fn find<'p>(
        &self,
        at: usize,
        mut path: impl Iterator<Item = &'p str> + Clone,
        search: &mut Search<'_>,
    ) -> Option<usize> {
        let node = self.0.get(at)?;
        let Some(segment) = path.next() else {
            return search.pick(&node.exact).or_else(|| search.pick(&node.wildcard));
        };
        if !node.literals.is_empty()
            && let Some(next) = node.literals.get(decoded(segment).as_ref())
            && let Some(found) = self.find(*next, path.clone(), search)
        {
            return Some(found);
        }
        if let Some(next) = node.parameter
            && !segment.is_empty()
            && let Some(found) = self.find(next, path, search)
        {
            return Some(found);
        }
        search.pick(&node.wildcard)
    }
}

/// What a request's path and method lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Route(usize),
    /// Some route matches, for these methods only.
    Methods(Vec<Method>),
    Nothing,
}

/// Routes by host; what a route leads to is the caller's, by number.
#[derive(Default)]
pub struct Router {
    any: Trie,
    hosts: HashMap<String, Trie>,
    /// By domain with its leading dot.
    domains: HashMap<String, Trie>,
}

impl Router {
    /// Adds a route.
    ///
    /// # Errors
    /// The number of an earlier route that would answer the same requests.
    pub fn add(&mut self, pattern: &Pattern, methods: &Methods, host: Option<&str>, route: usize) -> Result<(), usize> {
        let trie = match host.map(str::to_ascii_lowercase) {
            None => &mut self.any,
            Some(host) => match host.strip_prefix('*') {
                Some(domain) => self.domains.entry(domain.to_owned()).or_default(),
                None => self.hosts.entry(host).or_default(),
            },
        };
        trie.add(pattern, methods, route)
    }

    /// Finds the route for a request; `host` is without port.
    pub fn find(&self, host: &str, path: &str, method: &Method) -> Found {
        if let Some(route) = self.search(host, path, &mut Search { method, methods: None }) {
            return Found::Route(route);
        }
        let mut methods = Vec::new();
        self.search(host, path, &mut Search { method, methods: Some(&mut methods) });
        if methods.is_empty() { Found::Nothing } else { Found::Methods(methods) }
    }

    fn search(&self, host: &str, path: &str, search: &mut Search<'_>) -> Option<usize> {
        let path = split(path);
        if !(self.hosts.is_empty() && self.domains.is_empty()) {
            let host = host.to_ascii_lowercase();
            let host = host.strip_suffix('.').unwrap_or(&host);
            if let Some(found) = self.hosts.get(host).and_then(|trie| trie.find(0, path.clone(), search)) {
                return Some(found);
            }
            let mut rest = host;
            while let Some(dot) = rest.find('.') {
                let (_, domain) = rest.split_at(dot);
                if let Some(found) = self.domains.get(domain).and_then(|trie| trie.find(0, path.clone(), search)) {
                    return Some(found);
                }
                rest = domain.get(1..).unwrap_or("");
            }
        }
        self.any.find(0, path, search)
    }
}

#[cfg(test)]
#[path = "router_tests.rs"]
mod tests;
