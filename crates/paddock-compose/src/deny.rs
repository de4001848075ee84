//! A component that exports what another one imports, and traps when it is called, or
//! answers that there is nothing.

// SAFETY: what is indexed are arenas of one `Resolve`, by ids which it gave itself.
#![allow(clippy::indexing_slicing)]

use std::collections::{BTreeMap, HashMap, HashSet};
use std::convert::Infallible;

use anyhow::{Result, bail};
use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{CodeSection, Function, MemoryType, Module, NameMap, NameSection};
use wasmparser::{ExternalKind, FunctionBody, Parser, Payload, TypeRef};
use wit_component::{ComponentEncoder, DecodedWasm, StringEncoding};
use wit_parser::{
    Function as WitFunction, InterfaceId, LiftLowerAbi, ManglingAndAbi, Resolve, Type, TypeDefKind, WorldId, WorldItem,
    WorldKey,
};

use crate::Denied;

/// How the names of functions begin that trap because something is not inherited.
pub const DENIED: &str = "denied: ";

/// Where an answer of zeros lies: an empty list, an option of nothing.
const ZEROS: i32 = 16;
/// Where arguments go, each over the other: nobody reads them.
const ARGUMENTS: i32 = 1024;
const REALLOC: &str = "cabi_realloc";

/// The texts of what is denied, by export.
type Texts = HashMap<String, Option<String>>;

pub struct Denying {
    pub component: Vec<u8>,
    /// What it exports; more than was asked for where an interface has types of a denied one.
    pub interfaces: Vec<String>,
}

/// The text about what was denied, by the name of the function that trapped.
pub fn denial(function: &str) -> Option<&str> {
    function.strip_prefix(DENIED)
}

/// Exports those imports of `component` that are named.
pub fn denying(component: &[u8], denied: &[Denied]) -> Result<Denying> {
    let DecodedWasm::Component(mut resolve, world) = wit_component::decode(component)? else {
        bail!("it holds interfaces and no code");
    };
    let texts = turned(&mut resolve, world, denied)?;
    let abi = ManglingAndAbi::Legacy(LiftLowerAbi::Sync);
    let module = wit_component::dummy_module(&resolve, world, abi);
    let mut module = spoken(&module, &texts, &empty(&resolve, world, &texts))?;
    wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    let component = ComponentEncoder::default().module(&module)?.validate(false).encode()?;
    Ok(Denying { component, interfaces: texts.into_keys().collect() })
}

/// Makes exports of the denied imports of a world; of the others only types stay.
/// Answers the texts by export.
fn turned(resolve: &mut Resolve, world: WorldId, denied: &[Denied]) -> Result<Texts> {
    let asked: HashMap<&str, &Option<String>> = denied.iter().map(|(name, text)| (name.as_str(), text)).collect();
    let whole = &mut resolve.worlds[world];
    whole.exports.clear();
    let imports = std::mem::take(&mut whole.imports);
    let mut texts = Texts::new();
    let mut closed: HashMap<InterfaceId, Option<String>> = HashMap::new();
    let mut kept = Vec::new();
    // An interface stands behind those whose types it has.
    for (key, item) in imports {
        let name = resolve.name_world_key(&key);
        let text = match &item {
            WorldItem::Interface { id, .. } => {
                let through = resolve.interface_direct_deps(*id).find_map(|dep| closed.get(&dep));
                let text = asked.get(name.as_str()).copied().cloned().or_else(|| through.cloned());
                closed.extend(text.clone().map(|text| (*id, text)));
                text
            }
            _ => asked.get(name.as_str()).copied().cloned(),
        };
        match text {
            Some(text) => {
                texts.insert(name, text);
                resolve.worlds[world].exports.insert(key, item);
            }
            None => kept.push((key, item)),
        }
    }
    let needed = needed(resolve, world, &kept);
    for (key, item) in kept {
        match &item {
            WorldItem::Interface { id, .. } if needed.contains(id) => resolve.interfaces[*id].functions.clear(),
            WorldItem::Type { .. } => {}
            _ => continue,
        }
        resolve.worlds[world].imports.insert(key, item);
    }
    Ok(texts)
}

/// The interfaces whose types are used by what is exported, or by types of the world itself.
fn needed(resolve: &Resolve, world: WorldId, kept: &[(WorldKey, WorldItem)]) -> HashSet<InterfaceId> {
    let mut open: Vec<InterfaceId> = Vec::new();
    for item in resolve.worlds[world].exports.values() {
        if let WorldItem::Interface { id, .. } = item {
            open.extend(resolve.interface_direct_deps(*id));
        }
    }
    for (_, item) in kept {
        if let WorldItem::Type { id, .. } = item {
            open.extend(resolve.type_interface_dep(*id));
        }
    }
    let mut found = HashSet::new();
    while let Some(id) = open.pop() {
        if found.insert(id) {
            open.extend(resolve.interface_direct_deps(id));
        }
    }
    found
}

/// The exports of the module whose answer can be that there is nothing, of interfaces that
/// have no text.
fn empty(resolve: &Resolve, world: WorldId, texts: &Texts) -> HashSet<String> {
    let mut found = HashSet::new();
    for (key, item) in &resolve.worlds[world].exports {
        let name = resolve.name_world_key(key);
        if let (WorldItem::Interface { id, .. }, Some(None)) = (item, texts.get(&name)) {
            let functions = resolve.interfaces[*id].functions.values().filter(|function| listing(resolve, function));
            found.extend(functions.map(|function| format!("{name}#{}", function.name)));
        }
    }
    found
}

/// Whether a function takes nothing and answers a list or an option, through memory.
fn listing(resolve: &Resolve, function: &WitFunction) -> bool {
    let Some(Type::Id(id)) = function.result else { return false };
    let kind = resolve.types.get(id).map(|ty| &ty.kind);
    function.params.is_empty() && matches!(kind, Some(TypeDefKind::List(_) | TypeDefKind::Option(_)))
}

/// The module with functions that are called by the texts of their interfaces; those which
/// are `empty` answer with zeros.
fn spoken(module: &[u8], texts: &Texts, empty: &HashSet<String>) -> Result<Vec<u8>> {
    let (next, exports) = functions(module)?;
    let mut names = NameMap::new();
    let mut constants = HashMap::new();
    for (index, export) in &exports {
        let interface = export.split_once('#').map_or(export.as_str(), |(interface, _)| interface);
        if let Some(Some(text)) = texts.get(interface) {
            names.append(*index, &format!("{DENIED}{text} ({export})"));
        }
        if empty.contains(export) {
            constants.insert(*index, ZEROS);
        }
        if export == REALLOC {
            constants.insert(*index, ARGUMENTS);
        }
    }
    let mut out = Module::new();
    Answering { next, constants }.parse_core_module(&mut out, Parser::new(0), module)?;
    let mut section = NameSection::new();
    section.functions(&names);
    out.section(&section);
    Ok(out.finish())
}

/// How many functions a module imports, and those that it exports, by index.
fn functions(module: &[u8]) -> Result<(u32, BTreeMap<u32, String>)> {
    let mut imported = 0;
    let mut exported = BTreeMap::new();
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    imported += u32::from(matches!(import?.ty, TypeRef::Func(_)));
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    if export.kind == ExternalKind::Func {
                        exported.entry(export.index).or_insert_with(|| export.name.to_string());
                    }
                }
            }
            _ => {}
        }
    }
    Ok((imported, exported))
}

/// Writes other bodies for some functions, which answer a constant, and the page of memory
/// that it points to. A text is found only when the call itself traps, so its arguments have
/// to arrive; those that are larger than the page end the guest without one.
struct Answering {
    next: u32,
    constants: HashMap<u32, i32>,
}

impl Reencode for Answering {
    type Error = Infallible;

    fn memory_type(&mut self, ty: wasmparser::MemoryType) -> Result<MemoryType, reencode::Error> {
        let mut memory = reencode::utils::memory_type(self, ty);
        memory.minimum = memory.minimum.max(1);
        Ok(memory)
    }

    fn parse_function_body(&mut self, code: &mut CodeSection, body: FunctionBody<'_>) -> Result<(), reencode::Error> {
        let index = self.next;
        self.next += 1;
        let Some(constant) = self.constants.get(&index) else {
            return reencode::utils::parse_function_body(self, code, body);
        };
        let mut function = Function::new([]);
        function.instructions().i32_const(*constant).end();
        code.function(&function);
        Ok(())
    }
}
