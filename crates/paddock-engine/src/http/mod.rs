//! Serving components over HTTP.

pub mod dispatch;
mod guest;
mod incoming;
mod reuse;
mod service;
