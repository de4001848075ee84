//! The dataclasses of `paddock._options`, read by attribute.

use std::path::PathBuf;
use std::time::Duration;

use paddock_engine::component::{ComponentSpec, Mount, Reuse};
use paddock_engine::limits::InstanceLimits;
use paddock_engine::outbound::{Blocked, HostPattern, OutboundGrant, OutboundGrants};
use pyo3::prelude::*;

use crate::engine::wrong;

pub type MountTuple = (PathBuf, String, bool);
pub type GrantTuple = (Option<String>, String, u16, u16);

#[derive(FromPyObject)]
pub struct Spec {
    application: String,
    id: String,
    environment: Vec<(String, String)>,
    arguments: Vec<String>,
    mounts: Vec<MountTuple>,
    memory: usize,
    table: usize,
    time: Option<f64>,
    stream: Option<f64>,
    fuel: Option<u64>,
    outbound: Vec<GrantTuple>,
    blocked: Vec<String>,
    reuse: Option<(usize, usize, f64)>,
    audit: bool,
}

/// A number of seconds.
///
/// # Errors
/// `UsageError` when it is negative or not a number.
pub fn seconds(py: Python<'_>, what: &str, value: f64) -> PyResult<Duration> {
    if value == f64::INFINITY {
        return Ok(Duration::MAX);
    }
    Duration::try_from_secs_f64(value)
        .map_err(|_| wrong(py, format!("{what}: {value} is no duration in seconds"), "give a number, at least 0"))
}

impl Spec {
    pub fn convert(self, py: Python<'_>) -> PyResult<ComponentSpec> {
        let what = |key: &str| format!("component {:?}, {key}", self.id);
        let time = self.time.map(|time| seconds(py, &what("time"), time)).transpose()?;
        let stream = self.stream.map(|stream| seconds(py, &what("stream"), stream)).transpose()?;
        let reuse = match self.reuse {
            None => None,
            Some((requests, concurrency, idle)) => {
                Some(Reuse { requests, concurrency, idle: seconds(py, &what("reuse"), idle)? })
            }
        };
        Ok(ComponentSpec {
            application: self.application,
            id: self.id,
            environment: self.environment,
            arguments: self.arguments,
            mounts: mounts(self.mounts),
            limits: InstanceLimits { memory: self.memory, table: self.table, time, stream, fuel: self.fuel },
            outbound: outbound(py, self.outbound, &self.blocked)?,
            reuse,
            audit: self.audit,
        })
    }
}

pub fn mounts(mounts: Vec<MountTuple>) -> Vec<Mount> {
    mounts.into_iter().map(|(host, guest, writable)| Mount { host, guest, writable }).collect()
}

/// Grants, and what none of them opens.
///
/// # Errors
/// `UsageError` when something blocked is no network.
pub fn outbound(py: Python<'_>, grants: Vec<GrantTuple>, blocked: &[String]) -> PyResult<OutboundGrants> {
    let grant = |(scheme, host, first, last): GrantTuple| OutboundGrant {
        scheme,
        host: HostPattern::parse(host.trim_start_matches('[').trim_end_matches(']')),
        ports: (first, last),
    };
    let network = |text: &String| {
        let hint = "write `private`, an address or a network as 10.0.0.0/8";
        Blocked::parse(text).ok_or_else(|| wrong(py, format!("{text:?} is no network to block"), hint))
    };
    let blocked = blocked.iter().map(network).collect::<PyResult<_>>()?;
    Ok(OutboundGrants { grants: grants.into_iter().map(grant).collect(), blocked })
}
