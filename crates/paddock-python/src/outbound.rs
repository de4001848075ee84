//! What a component may reach, asked by clients that are written in Python.

use std::net::{IpAddr, SocketAddr};

use paddock_engine::outbound::OutboundGrants;
use pyo3::prelude::*;

use crate::specs::{GrantTuple, outbound};

#[pyclass(frozen, name = "Outbound", module = "paddock._core")]
pub struct Outbound(OutboundGrants);

#[pymethods]
impl Outbound {
    #[new]
    #[pyo3(signature = (grants, blocked=Vec::new()), text_signature = "(grants, blocked=())")]
    fn new(py: Python<'_>, grants: Vec<GrantTuple>, blocked: Vec<String>) -> PyResult<Self> {
        Ok(Self(outbound(py, grants, &blocked)?))
    }

    fn allows_host(&self, scheme: &str, host: &str, port: u16) -> bool {
        self.0.allows_host(scheme, host, port)
    }

    /// What is no address is not granted.
    fn allows_address(&self, scheme: &str, host: &str, address: &str, port: u16) -> bool {
        // The zone of a link-local address (`fe80::1%eth0`) is no part of what is granted.
        let address = address.split_once('%').map_or(address, |(address, _zone)| address);
        let Ok(address) = address.parse::<IpAddr>() else { return false };
        self.0.allows_address(scheme, host, SocketAddr::new(address, port))
    }
}
