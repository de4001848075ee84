//! What is told of each request when it has ended.

use std::time::Duration;

use http::{Method, StatusCode};

/// A request that has ended. Borrowed parts live as long as the call.
pub struct Finished<'f> {
    /// Empty where no route matched.
    pub application: &'f str,
    /// Empty for a static response.
    pub component: &'f str,
    /// The route as written; empty where none matched.
    pub route: &'f str,
    pub method: &'f Method,
    /// Path without query.
    pub path: &'f str,
    pub status: StatusCode,
    /// From the request's head to the response's last byte.
    pub duration: Duration,
    /// Bytes of the response's body.
    pub sent: u64,
    /// Whether the client got the response whole.
    pub complete: bool,
    /// W3C `traceparent` of the request.
    pub trace: Option<&'f str>,
    pub client: &'f str,
    pub generation: u64,
}

/// Sees each request at its end; called on the server's threads, so it must
/// not block.
pub trait RequestObserver: Send + Sync {
    fn finished(&self, request: &Finished<'_>);
}
