//! The WASI context of a command: the terminal's streams, and what is granted.

use std::sync::Arc;

use wasmtime_wasi::WasiCtxBuilder;

use super::RunOptions;
use crate::error::Result;
use crate::state::preopen;

pub fn builder(options: &RunOptions) -> Result<WasiCtxBuilder> {
    let mut builder = WasiCtxBuilder::new();
    builder.inherit_stdio().args(&options.arguments);
    if options.inherit_env {
        for (name, value) in std::env::vars_os() {
            // A guest's strings are Unicode; what is not can't reach it.
            let (Ok(name), Ok(value)) = (name.into_string(), value.into_string()) else { continue };
            if !options.environment.iter().any(|(given, _)| *given == name) {
                builder.env(name, value);
            }
        }
    }
    builder.envs(&options.environment);
    for mount in &options.mounts {
        preopen(&mut builder, mount)?;
    }
    network(&mut builder, options);
    Ok(builder)
}

fn network(builder: &mut WasiCtxBuilder, options: &RunOptions) {
    builder.allow_ip_name_lookup(options.allow_ip_name_lookup);
    if options.inherit_network {
        builder.inherit_network().allow_tcp(true).allow_udp(true);
        return;
    }
    let grants = Arc::new(options.outbound.clone());
    let (tcp, udp) = (grants.any_socket("tcp"), grants.any_socket("udp"));
    builder.allow_tcp(tcp).allow_udp(udp);
    // A grant may name a host, which the guest then has to look up.
    builder.allow_ip_name_lookup(options.allow_ip_name_lookup || tcp || udp);
    builder.socket_addr_check(move |address, usage| {
        let grants = Arc::clone(&grants);
        Box::pin(async move { grants.allows_socket(address, usage).await })
    });
}
