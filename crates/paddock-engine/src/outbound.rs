//! What a guest may reach outside: grants for sockets and HTTP, and the hooks
//! by which `wasi:http` of both generations leaves an instance.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::HeaderName;
use ipnet::IpNet;
use wasmtime_wasi::sockets::SocketAddrUse;
use wasmtime_wasi_http::{Error, ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttpHooks};

/// A host as a grant writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostPattern {
    Any,
    /// `*.domain`, kept as `.domain`.
    Suffix(String),
    Name(String),
    Network(IpNet),
    /// `self`: the application's own routes.
    Itself,
}

/// One entry of `allowed_outbound_hosts`.
#[derive(Clone, Debug)]
pub struct OutboundGrant {
    /// None for any scheme (`*`).
    pub scheme: Option<String>,
    pub host: HostPattern,
    /// Inclusive.
    pub ports: (u16, u16),
}

#[derive(Clone, Debug, Default)]
pub struct OutboundGrants(pub Vec<OutboundGrant>);

impl OutboundGrants {
    fn matching(&self, scheme: &str) -> impl Iterator<Item = &OutboundGrant> {
        self.0.iter().filter(move |grant| grant.scheme.as_deref().is_none_or(|known| known == scheme))
    }

    pub fn any_socket(&self, scheme: &str) -> bool {
        self.matching(scheme).next().is_some()
    }

    /// Whether the address may be used; binding is never granted.
    pub fn allows_socket(&self, address: SocketAddr, usage: SocketAddrUse) -> bool {
        let scheme = match usage {
            SocketAddrUse::TcpConnect => "tcp",
            SocketAddrUse::UdpSend | SocketAddrUse::UdpReceive => "udp",
            // The runtime binds to the wildcard address before it connects.
            SocketAddrUse::TcpBind | SocketAddrUse::UdpBind => {
                return address.port() == 0 && address.ip().is_unspecified();
            }
            SocketAddrUse::TcpListen | SocketAddrUse::TcpAccept => return false,
        };
        self.matching(scheme).any(|grant| grant.ports.0 <= address.port() && address.port() <= grant.ports.1 && grant.covers(address.ip()))
    }
}

impl OutboundGrant {
    /// Whether an address as such is granted; a name grants no address.
    fn covers(&self, address: IpAddr) -> bool {
        match &self.host {
            HostPattern::Network(network) => network.contains(&address),
            HostPattern::Any => true,
            _ => false,
        }
    }
}

/// Where an instance's requests go. Made for each event.
#[derive(Default)]
pub struct Hooks {
    pub grants: Option<Arc<()>>,
}

type Sent = Box<dyn Future<Output = Result<(), Error>> + Send>;

impl WasiHttpHooks for Hooks {
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::new(|name: &HeaderName| wasmtime_wasi_http::DEFAULT_FORBIDDEN_HEADERS.contains(name))
    }

    fn send_request(
        &mut self,
        _request: http::Request<WasiBody>,
        _options: Option<RequestOptions>,
        _done: Sent,
    ) -> Box<dyn Future<Output = Result<(http::Response<WasiBody>, Sent), Error>> + Send> {
        Box::new(async { Err(Error::HttpRequestDenied) })
    }
}
