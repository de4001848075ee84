//! Serving components over HTTP.

pub mod admission;
mod body;
pub mod cgi;
mod chain;
mod connection;
pub mod dispatch;
pub mod generation;
mod guest;
mod headers;
pub(crate) mod inbound;
mod incoming;
pub mod observer;
mod respond;
mod reuse;
mod router;
pub mod server;
mod service;
pub mod tls;
