//! A request into an instance and its response out of it.

use std::sync::Arc;

use wasmtime_wasi_http::WasiBody;

use crate::component::Component;
use crate::error::{EngineError, ErrorKind, Result};
use crate::outbound::Hooks;

/// Why there is no response from a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It trapped, or could not be instantiated. Logged already.
    Failed,
    /// Wall clock. Logged already.
    TimeLimit,
    /// It used more memory or table than it may. Logged already.
    ResourceLimit,
    /// It returned without a response, or with an error instead of one.
    NoResponse,
}

/// What one request brings along.
pub struct Arrival {
    pub generation: u64,
    /// W3C `traceparent`.
    pub trace: Option<Arc<str>>,
    /// Where the instance's own requests go.
    pub hooks: Hooks,
}

/// A component that handles HTTP, with its instances.
pub struct Handler {
    component: Arc<Component>,
}

impl Handler {
    /// # Errors
    /// `Plan`, when the component exports no HTTP handler.
    pub fn new(component: Arc<Component>) -> Result<Self> {
        if component.linked.http.is_none() {
            return Err(EngineError::new(ErrorKind::Plan, "the component exports no HTTP handler")
                .hint("it must export wasi:http/incoming-handler 0.2 or wasi:http/handler 0.3"));
        }
        Ok(Self { component })
    }

    pub fn component(&self) -> &Arc<Component> {
        &self.component
    }

    /// Runs the guest until it has answered; what is left of the guest's work
    /// is done while the response's body is read.
    pub async fn handle(
        &self,
        _request: http::Request<WasiBody>,
        _arrival: Arrival,
    ) -> std::result::Result<http::Response<WasiBody>, Failure> {
        Err(Failure::NoResponse)
    }
}
