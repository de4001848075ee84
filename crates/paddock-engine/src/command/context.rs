//! The WASI context of a command: the terminal's streams, and what is granted.

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
    let grants = options.outbound.clone();
    builder.allow_tcp(grants.any_socket("tcp")).allow_udp(grants.any_socket("udp"));
    builder.socket_addr_check(move |address, usage| {
        let allowed = grants.allows_socket(address, usage);
        Box::pin(async move { allowed })
    });
}
