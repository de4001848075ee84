//! A request into an instance and its response out of it.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::handler::ProxyPre;

use super::inbound::Inbound;
use super::incoming::Incoming;
use super::service::Service;
use crate::component::Component;
use crate::outbound::Hooks;

/// Why there is no response from a guest. Each is logged where it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It trapped, or could not be instantiated.
    Failed,
    /// Wall clock.
    TimeLimit,
    /// It used more memory or table than it may.
    ResourceLimit,
    /// It returned without a response, or with an error instead of one.
    NoResponse,
    /// The request's body is more than the guest could take.
    TooLarge,
    /// The host has no slot left for another instance.
    Overloaded,
}

/// What one request brings along.
pub struct Arrival {
    pub generation: u64,
    /// W3C `traceparent`.
    pub trace: Option<Arc<str>>,
    /// Where the instance's own requests go.
    pub hooks: Hooks,
    /// Let go of when the guest has done all its work for this request, which
    /// may be after its response: an admission slot, for one.
    pub guard: Option<Box<dyn Any + Send + Sync>>,
    /// Set once nobody waits for the generation any more: a response that still
    /// streams ends with its next part.
    pub cut: Arc<AtomicBool>,
}

/// A component of a generation, with its instances.
pub struct Handler {
    component: Arc<Component>,
    kind: Kind,
}

enum Kind {
    /// `wasi:http/incoming-handler` 0.2.
    Incoming(Incoming),
    /// `wasi:http/handler` 0.3.
    Service(Service),
    /// `fermyon:spin/inbound-http` of Spin 1.
    Inbound(Inbound),
    /// None of them: other events than requests may reach it.
    None,
}

impl Handler {
    pub fn new(component: Arc<Component>) -> Self {
        let kind = match &component.linked.http {
            Some(ProxyPre::P2(pre)) => Kind::Incoming(Incoming::new(&component, pre.clone())),
            Some(ProxyPre::P3(_)) => Kind::Service(Service::new(&component)),
            None => {
                component.linked.inbound.map_or(Kind::None, |handle| Kind::Inbound(Inbound::new(&component, handle)))
            }
        };
        Self { component, kind }
    }

    /// Whether it can answer requests.
    pub fn answers(&self) -> bool {
        !matches!(self.kind, Kind::None)
    }

    pub fn component(&self) -> &Arc<Component> {
        &self.component
    }

    /// Runs the guest until it has answered; what is left of the guest's work
    /// is done while the response's body is read.
    pub async fn handle(
        &self,
        request: http::Request<WasiBody>,
        arrival: Arrival,
    ) -> std::result::Result<http::Response<WasiBody>, Failure> {
        match &self.kind {
            Kind::Incoming(incoming) => incoming.handle(request, arrival).await,
            Kind::Service(service) => service.handle(request, arrival).await,
            Kind::Inbound(inbound) => inbound.handle(request, arrival).await,
            Kind::None => Err(Failure::Failed),
        }
    }
}
