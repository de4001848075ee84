//! The graph of instances, and its encoding.

use anyhow::{Context, Result};
use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions, NodeId, PackageId};

use crate::{Denied, Plug, deny};

pub fn composed(socket: &[u8], plugs: &[Plug<'_>], denied: &[Denied]) -> Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let package = registered(&mut graph, "component", socket)?;
    let instance = graph.instantiate(package);
    for (number, plug) in plugs.iter().enumerate() {
        let what = || format!("'{}'", plug.name);
        let package = registered(&mut graph, &format!("plug{number}"), plug.component).with_context(what)?;
        wire(&mut graph, instance, package, plug.wiring).with_context(what)?;
    }
    if !denied.is_empty() {
        let denying = deny::denying(socket, denied).context("what is not inherited can't be denied")?;
        let package = registered(&mut graph, "denied", &denying.component)?;
        let wiring: Vec<_> = denying.interfaces.into_iter().map(|name| (name.clone(), name)).collect();
        wire(&mut graph, instance, package, &wiring).context("what is not inherited can't be denied")?;
    }
    let exports: Vec<String> = graph.types()[graph[package].ty()].exports.keys().cloned().collect();
    for name in exports {
        let export = graph.alias_instance_export(instance, &name)?;
        graph.export(export, &name)?;
    }
    // Whoever compiles it validates it.
    Ok(graph.encode(EncodeOptions { validate: false, ..EncodeOptions::default() })?)
}

fn registered(graph: &mut CompositionGraph, name: &str, component: &[u8]) -> Result<PackageId> {
    let package = Package::from_bytes(name, None, component, graph.types_mut())?;
    Ok(graph.register_package(package)?)
}

fn wire(graph: &mut CompositionGraph, socket: NodeId, package: PackageId, wiring: &[(String, String)]) -> Result<()> {
    let instance = graph.instantiate(package);
    for (import, export) in wiring {
        let answer =
            graph.alias_instance_export(instance, export).with_context(|| format!("it exports no '{export}'"))?;
        graph
            .set_instantiation_argument(socket, import, answer)
            .with_context(|| format!("its '{export}' is not what is imported as '{import}'"))?;
    }
    Ok(())
}
