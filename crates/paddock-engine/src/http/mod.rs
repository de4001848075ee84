//! Serving components over HTTP.

pub mod dispatch;
