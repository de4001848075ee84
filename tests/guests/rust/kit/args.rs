//! Arguments of a request: the decoded names and values of its query.
#![allow(dead_code)]

pub type Query = [(String, String)];

pub fn one<'a>(query: &'a Query, name: &str) -> Option<&'a str> {
    all(query, name).next()
}

pub fn all<'a>(query: &'a Query, name: &str) -> impl Iterator<Item = &'a str> {
    let name = name.to_owned();
    query.iter().filter(move |(given, _)| *given == name).map(|(_, value)| value.as_str())
}

pub fn text<'a>(query: &'a Query, name: &str, otherwise: &'a str) -> &'a str {
    one(query, name).unwrap_or(otherwise)
}

pub fn number<T: std::str::FromStr>(query: &Query, name: &str, otherwise: T) -> T {
    one(query, name).and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}
