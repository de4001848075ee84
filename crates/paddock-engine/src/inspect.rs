//! What a file is, told without compiling any of it.

use serde_json::{Map, Value as Json, json};
use wasm_metadata::Producers;
use wasmparser::{KnownCustom, Parser, Payload, Validator, WasmFeatures};
use wit_component::{DecodedWasm, WitPrinter};
use wit_parser::{PackageId, Resolve, WorldItem, WorldKey};

use crate::artifact::{self, Kind};
use crate::engine::Flavour;
use crate::error::{EngineError, ErrorKind, Result};

/// Custom sections that carry one text each, as tools for registries write them.
const LABELS: [&str; 7] = ["version", "description", "authors", "licenses", "source", "homepage", "revision"];

/// Describes a file:
/// `{kind, size, sha256, name, async, producers, metadata, imports, exports}`
/// and, for a component, `{wit, packages}`: its world and what that refers to,
/// as WIT text. Imports and exports of a component are
/// `{name, interface, version, kind}`, those of a module
/// `{module, name, kind, type}`.
///
/// # Errors
/// `Artifact`, when the file is damaged or no WebAssembly.
pub fn inspect(bytes: &[u8]) -> Result<Json> {
    let mut told = Map::new();
    let precompiled = wasmtime::Engine::detect_precompiled(bytes);
    let described = match precompiled {
        Some(_) => None,
        None => Some(artifact::describe(bytes)?),
    };
    let kind = match described.as_ref().map(|described| described.kind) {
        None => "precompiled",
        Some(Kind::Component) => "component",
        Some(Kind::Module) => "module",
    };
    told.insert("kind".into(), kind.into());
    told.insert("size".into(), bytes.len().into());
    told.insert("sha256".into(), artifact::hex(&artifact::digest(bytes)).into());
    let Some(described) = described else {
        let of = match precompiled {
            Some(wasmtime::Precompiled::Module) => "module",
            _ => "component",
        };
        told.insert("of".into(), of.into());
        return Ok(Json::Object(told));
    };
    told.insert("async".into(), (described.flavour == Flavour::Concurrent).into());
    validate(&described.binary)?;
    metadata(&described.binary, &mut told)?;
    match described.kind {
        Kind::Component => component(&described.binary, &mut told),
        Kind::Module => module(&described.binary, &mut told)?,
    }
    Ok(Json::Object(told))
}

fn validate(binary: &[u8]) -> Result<()> {
    let valid = Validator::new_with_features(WasmFeatures::all()).validate_all(binary);
    valid.map(|_| ()).map_err(|e| damaged(&e))
}

fn damaged(error: &dyn std::fmt::Display) -> EngineError {
    EngineError::new(ErrorKind::Artifact, format!("damaged WebAssembly binary: {error}"))
}

/// Who made it. A component's tools write their names into the modules inside.
fn metadata(binary: &[u8], told: &mut Map<String, Json>) -> Result<()> {
    let mut name = Json::Null;
    let mut labels = Map::new();
    let mut producers = Map::new();
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(binary) {
        match payload.map_err(|e| damaged(&e))? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CustomSection(section) if section.name() == "producers" => {
                gather(section.data(), section.data_offset(), &mut producers);
            }
            Payload::CustomSection(section) if depth == 0 => {
                if let Some(own) = own_name(&section) {
                    name = own.into();
                } else if LABELS.contains(&section.name()) {
                    labels.insert(section.name().into(), String::from_utf8_lossy(section.data()).into());
                }
            }
            _ => {}
        }
    }
    told.insert("name".into(), name);
    told.insert("producers".into(), Json::Object(producers));
    told.insert("metadata".into(), Json::Object(labels));
    Ok(())
}

fn own_name(section: &wasmparser::CustomSectionReader<'_>) -> Option<String> {
    match section.as_known() {
        KnownCustom::Name(names) => names.into_iter().flatten().find_map(|name| match name {
            wasmparser::Name::Module { name, .. } => Some(name.to_string()),
            _ => None,
        }),
        KnownCustom::ComponentName(names) => names.into_iter().flatten().find_map(|name| match name {
            wasmparser::ComponentName::Component { name, .. } => Some(name.to_string()),
            _ => None,
        }),
        _ => None,
    }
}

/// A damaged section tells nothing; the code is not harmed by it.
fn gather(data: &[u8], offset: usize, producers: &mut Map<String, Json>) {
    let Ok(own) = Producers::from_bytes(data, offset) else { return };
    for (field, values) in own.iter() {
        let known = producers.entry(field.clone()).or_insert_with(|| json!({}));
        for (name, version) in values.iter() {
            if let Json::Object(known) = known {
                known.entry(name.clone()).or_insert_with(|| version.clone().into());
            }
        }
    }
}

/// Some components, such as those that import a core module, have no WIT;
/// then `wit` is null and `wit_error` says why.
fn component(binary: &[u8], told: &mut Map<String, Json>) {
    match wit_component::decode(binary) {
        Ok(DecodedWasm::Component(resolve, world)) => {
            let Some(world) = resolve.worlds.get(world) else { return };
            told.insert("imports".into(), items(&resolve, &world.imports));
            told.insert("exports".into(), items(&resolve, &world.exports));
            print(&resolve, world.package, told);
        }
        Ok(DecodedWasm::WitPackage(resolve, package)) => {
            told.insert("kind".into(), "wit-package".into());
            print(&resolve, Some(package), told);
        }
        Err(error) => {
            told.insert("wit".into(), Json::Null);
            told.insert("wit_error".into(), format!("{error:#}").into());
        }
    }
}

fn print(resolve: &Resolve, package: Option<PackageId>, told: &mut Map<String, Json>) {
    let text = |package: PackageId| {
        let mut printer = WitPrinter::default();
        printer.emit_docs(false);
        printer.print(resolve, package, &[]).map(|()| printer.output.to_string()).unwrap_or_default()
    };
    let Some(package) = package else { return };
    told.insert("wit".into(), text(package).into());
    let others = resolve.packages.iter().filter(|(id, _)| *id != package);
    let others: Map<String, Json> = others.map(|(id, other)| (other.name.to_string(), text(id).into())).collect();
    told.insert("packages".into(), Json::Object(others));
}

fn items<'a>(resolve: &Resolve, items: impl IntoIterator<Item = (&'a WorldKey, &'a WorldItem)>) -> Json {
    let listed = items.into_iter().map(|(key, item)| {
        let name = resolve.name_world_key(key);
        let (interface, version) = match name.split_once('@') {
            Some((interface, version)) => (interface.to_string(), Json::from(version)),
            None => (name.clone(), Json::Null),
        };
        let kind = match item {
            WorldItem::Interface { .. } => "interface",
            WorldItem::Function(_) => "function",
            WorldItem::Type { .. } => "type",
        };
        let mut told = json!({"name": name, "interface": interface, "version": version, "kind": kind});
        if let (WorldKey::Name(_), WorldItem::Interface { id, .. }) = (key, item)
            && let (Some(known), Some(told)) = (resolve.id_of(*id), told.as_object_mut())
        {
            told.insert("implements".into(), known.into());
        }
        told
    });
    Json::Array(listed.collect())
}

/// Imports and exports of a core module with their types.
fn module(binary: &[u8], told: &mut Map<String, Json>) -> Result<()> {
    let mut validator = Validator::new_with_features(WasmFeatures::all());
    let types = validator.validate_all(binary).map_err(|e| damaged(&e))?;
    let types = types.as_ref();
    let mut imports = Vec::new();
    let mut exports = Vec::new();
    for import in types.core_imports().into_iter().flatten() {
        let (module, name, ty) = import;
        let (kind, ty) = entity(types, &ty);
        imports.push(json!({"module": module, "name": name, "kind": kind, "type": ty}));
    }
    for (name, ty) in types.core_exports().into_iter().flatten() {
        let (kind, ty) = entity(types, &ty);
        exports.push(json!({"name": name, "kind": kind, "type": ty}));
    }
    told.insert("imports".into(), Json::Array(imports));
    told.insert("exports".into(), Json::Array(exports));
    Ok(())
}

fn entity(types: wasmparser::types::TypesRef<'_>, ty: &wasmparser::types::EntityType) -> (&'static str, String) {
    use wasmparser::types::EntityType;
    match ty {
        EntityType::Func(id) | EntityType::FuncExact(id) => {
            let Some(ty) = types.get(*id) else { return ("func", "func".into()) };
            let wasmparser::CompositeInnerType::Func(ty) = &ty.composite_type.inner else {
                return ("func", "func".into());
            };
            let list =
                |types: &[wasmparser::ValType]| types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let result = match ty.results() {
                [] => String::new(),
                results => format!(" -> {}", list(results)),
            };
            ("func", format!("func({}){result}", list(ty.params())))
        }
        EntityType::Table(table) => {
            ("table", format!("table {} {}", limits(table.initial, table.maximum), table.element_type))
        }
        EntityType::Memory(memory) => ("memory", format!("memory {}", limits(memory.initial, memory.maximum))),
        EntityType::Global(global) => {
            let ty = global.content_type;
            ("global", if global.mutable { format!("global (mut {ty})") } else { format!("global {ty}") })
        }
        EntityType::Tag(_) => ("tag", "tag".into()),
    }
}

fn limits(initial: u64, maximum: Option<u64>) -> String {
    maximum.map_or(initial.to_string(), |maximum| format!("{initial}..{maximum}"))
}
