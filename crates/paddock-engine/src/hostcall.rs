//! The one way by which a guest's import leaves the engine.

use std::sync::Arc;
use std::time::Instant;

use futures::future::BoxFuture;

use crate::error::EngineError;
use crate::value::Value;

/// Who calls what; carried by every call.
#[derive(Clone, Copy, Debug)]
pub struct CallContext<'a> {
    pub application: &'a str,
    pub component: &'a str,
    pub generation: u64,
    pub instance: u64,
    /// Counts from 1 within one instance.
    pub call: u64,
    pub deadline: Option<Instant>,
    /// W3C `traceparent` of the event that made the instance run.
    pub trace: Option<&'a str>,
    pub interface: &'a str,
    pub function: &'a str,
}

/// Why a call has no ordinary result.
pub enum CallError {
    /// The function's own error, in the shape of its WIT error type.
    Err(Value),
    /// The guest can't go on; the text goes to the log, not to a client.
    Trap(String),
}

pub enum Reply {
    Ready(Result<Value, CallError>),
    Later(BoxFuture<'static, Result<Value, CallError>>),
}

/// One function of one bound interface.
pub trait HostFunction: Send + Sync {
    fn call(&self, context: &CallContext<'_>, arguments: Vec<Value>) -> Reply;
}

/// What answers one component's import of one interface.
pub trait HostInterface: Send + Sync {
    /// Finds a function by its WIT name, such as `[method]bucket.get`.
    ///
    /// # Errors
    /// `Plan`, when what is bound lacks it.
    fn function(&self, name: &str) -> Result<Arc<dyn HostFunction>, EngineError>;
}

/// Sees everything that a guest asks of the host: imported functions, and the
/// clocks, random numbers, sockets and requests that are answered in Rust.
pub trait Observer: Send + Sync {
    fn asked(&self, context: &CallContext<'_>);
}
