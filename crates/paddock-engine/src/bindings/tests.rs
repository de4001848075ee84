//! Each table against a component that imports the whole of its interface.

use std::collections::BTreeSet;

use wasmtime::component::Linker;
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve, UnresolvedPackageGroup};

use super::{Binder, bind, shipped};
use crate::engine::{Engine, Flavour};
use crate::options::EngineOptions;
use crate::state::State;

/// The interface definitions that the guests of the tests are built against.
fn declared(file: &str) -> String {
    let path = format!("{}/../../tests/guests/wit/{file}.wit", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A package as an earlier version had it: without its later, asynchronous half.
fn earlier(wit: &str, newest: &str, version: &str) -> String {
    let lines = wit.lines().filter(|line| !line.contains(" async func(") && !line.contains("@since"));
    let kept: String = lines.map(|line| format!("{line}\n")).collect();
    kept.replace(&format!("@{newest}"), &format!("@{version}"))
}

/// A package without one of its resources.
fn without(wit: &str, resource: &str) -> String {
    let (before, rest) = wit.split_once(&format!("resource {resource} {{")).unwrap();
    let (_, after) = rest.split_once("\n  }\n").unwrap();
    format!("{before}{after}")
}

/// A component that imports every function of `interfaces`.
fn importing(packages: &[&str], interfaces: &[&str]) -> Vec<u8> {
    let mut resolve = Resolve::default();
    for wit in packages {
        resolve.push_group(UnresolvedPackageGroup::parse("table.wit", wit).unwrap()).unwrap();
    }
    let imports: String = interfaces.iter().map(|name| format!("import {name};\n")).collect();
    let world = format!("package test:tables;\nworld tables {{\n{imports}}}");
    let package = resolve.push_group(UnresolvedPackageGroup::parse("world.wit", &world).unwrap()).unwrap();
    let world = resolve.select_world(&[package], None).unwrap();
    let mut module = dummy_module(&resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().module(&module).unwrap().encode().unwrap()
}

/// Links by the tables only, and gives back each interface's functions.
fn links(flavour: Flavour, packages: &[&str], interfaces: &[&str]) {
    let engine = Engine::new(EngineOptions { pooling: false, ..EngineOptions::default() }).unwrap();
    let engine = engine.wasmtime(flavour);
    let component = wasmtime::component::Component::new(engine, importing(packages, interfaces)).unwrap();
    let ty = component.component_type();
    let mut linker = Linker::<State>::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker).unwrap();
    linker.allow_shadowing(true);
    for (index, name) in interfaces.iter().enumerate() {
        let (path, version) = name.split_once('@').unwrap_or((name, ""));
        let concurrent = flavour == Flavour::Concurrent;
        let mut first = Binder::new(&mut linker, (name, name), index, concurrent).unwrap();
        assert!(shipped(&mut first, path, version).unwrap(), "{name} has no table");
        let Some(wasmtime::component::types::ComponentItem::ComponentInstance(wanted)) =
            ty.get_import(engine, name).map(|item| item.ty)
        else {
            panic!("{name} is not imported");
        };
        let binder = Binder::new(&mut linker, (name, name), index, concurrent).unwrap();
        let functions = bind(binder, &wanted, engine).unwrap();
        let idle: Vec<_> = functions.iter().filter(|(_, imported)| !imported).collect();
        assert!(idle.is_empty(), "{name} has no {idle:?}");
        let distinct: BTreeSet<_> = functions.iter().map(|(name, _)| name).collect();
        assert_eq!(distinct.len(), functions.len(), "{name} has a function twice");
    }
    // Compares every type and finds every function that the tables lack.
    if let Err(error) = linker.instantiate_pre(&component) {
        panic!("{interfaces:?}: {error:#}");
    }
}

#[test]
fn tables_of_plain_interfaces_fit_their_definitions() {
    let spin = declared("p2/deps/fermyon-spin-2.0.0");
    let interfaces = ["sqlite", "postgres", "mysql", "redis", "mqtt"].map(|name| format!("fermyon:spin/{name}@2.0.0"));
    links(Flavour::Plain, &[&spin], &interfaces.each_ref().map(String::as_str));
    let spin = declared("p2/deps/fermyon-spin-unversioned");
    let interfaces = ["sqlite", "postgres", "mysql", "redis"].map(|name| format!("fermyon:spin/{name}"));
    links(Flavour::Plain, &[&spin], &interfaces.each_ref().map(String::as_str));
    links(
        Flavour::Plain,
        &[&declared("services/deps/wasmcloud-messaging-0.2.0")],
        &["wasmcloud:messaging/consumer@0.2.0"],
    );
    let blobs = ["types", "container", "blobstore"].map(|name| format!("wasi:blobstore/{name}@0.2.0-draft"));
    links(
        Flavour::Plain,
        &[&declared("p2/deps/wasi-io-0.2.0"), &declared("services/deps/wasi-blobstore-draft")],
        &blobs.each_ref().map(String::as_str),
    );
}

#[test]
fn tables_of_asynchronous_interfaces_fit_their_definitions() {
    for name in ["redis", "mqtt", "mysql"] {
        links(
            Flavour::Concurrent,
            &[&declared(&format!("services3/deps/spin-{name}-3.0.0"))],
            &[&format!("spin:{name}/{name}@3.0.0")],
        );
    }
    links(
        Flavour::Concurrent,
        &[&declared("services3/deps/wasmcloud-messaging-0.3.0")],
        &["wasmcloud:messaging/consumer@0.3.0"],
    );
    let parts = ["types", "store", "atomics", "cas", "batch"].map(|name| format!("wasmcloud:keyvalue/{name}@0.2.0"));
    links(
        Flavour::Concurrent,
        &[&declared("services3/deps/wasmcloud-keyvalue-0.2.0")],
        &parts.each_ref().map(String::as_str),
    );
    let parts = ["container", "blobstore"].map(|name| format!("wasmcloud:blobstore/{name}@0.1.0"));
    links(
        Flavour::Concurrent,
        &[&declared("services3/deps/wasmcloud-blobstore-0.1.0")],
        &parts.each_ref().map(String::as_str),
    );
}

#[test]
fn tables_fit_each_version_of_an_interface() {
    let sqlite = declared("services3/deps/spin-sqlite-3.1.0");
    links(Flavour::Concurrent, &[&sqlite], &["spin:sqlite/sqlite@3.1.0"]);
    links(Flavour::Plain, &[&earlier(&sqlite, "3.1.0", "3.0.0")], &["spin:sqlite/sqlite@3.0.0"]);
    links(Flavour::Plain, &[&declared("services/deps/spin-postgres-3.0.0")], &["spin:postgres/postgres@3.0.0"]);
    let postgres = declared("services3/deps/spin-postgres-4.2.0");
    links(Flavour::Concurrent, &[&postgres], &["spin:postgres/postgres@4.2.0"]);
    let second = earlier(&postgres, "4.2.0", "4.1.0");
    links(Flavour::Plain, &[&second], &["spin:postgres/postgres@4.1.0"]);
    let first = without(&earlier(&postgres, "4.2.0", "4.0.0"), "connection-builder");
    links(Flavour::Plain, &[&first], &["spin:postgres/postgres@4.0.0"]);
}

#[test]
fn a_component_without_async_functions_may_import_an_interface_that_has_some() {
    let sqlite = declared("services3/deps/spin-sqlite-3.1.0");
    let plain = earlier(&sqlite, "3.1.0", "3.0.0").replace("@3.0.0", "@3.1.0");
    links(Flavour::Plain, &[&plain], &["spin:sqlite/sqlite@3.1.0"]);
}
