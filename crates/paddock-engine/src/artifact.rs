//! Loaded WebAssembly: what it is, what it imports, and its machine code.

use std::fmt::Write;

use sha2::{Digest, Sha256};
use wasmparser::{Chunk, Encoding, Parser, Payload};
use wasmtime::Module;
use wasmtime::component::Component;

use crate::engine::Flavour;
use crate::error::{EngineError, ErrorKind, Result};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Component,
    Module,
}

/// What is known of a binary before it is compiled.
pub struct Described {
    pub kind: Kind,
    pub flavour: Flavour,
    pub binary: Vec<u8>,
}

impl Described {
    pub(crate) fn precompiled(code: &Code, flavour: Flavour) -> Self {
        let kind = match code {
            Code::Component(_) => Kind::Component,
            Code::Module(_) => Kind::Module,
        };
        Self { kind, flavour, binary: Vec::new() }
    }
}

#[derive(Clone)]
pub enum Code {
    Component(Component),
    Module(Module),
}

/// One content, compiled once and shared by every application that uses it.
pub struct Artifact {
    pub digest: String,
    /// Size in bytes of the file as given.
    pub size: usize,
    pub kind: Kind,
    pub flavour: Flavour,
    pub code: Code,
    /// Whether the machine code came from the cache.
    pub cached: bool,
    pub imports: Vec<String>,
    pub exports: Vec<String>,
    /// Imports under a label of the component's own, and the interface that each is.
    pub labels: Vec<(String, String)>,
    /// Linked forms, shared by all applications that link it in the same way.
    pub(crate) linked: crate::linker::LinkedForms,
}

impl Artifact {
    pub(crate) fn new(digest: [u8; 32], size: usize, described: Described, code: Code, cached: bool) -> Self {
        let (imports, exports) = names(&code);
        Self {
            digest: format!("sha256:{}", hex(&digest)),
            size,
            kind: described.kind,
            flavour: described.flavour,
            labels: labels(&code),
            code,
            cached,
            imports,
            exports,
            linked: Default::default(),
        }
    }

    pub fn component(&self) -> Result<&Component> {
        match &self.code {
            Code::Component(component) => Ok(component),
            Code::Module(_) => Err(EngineError::new(ErrorKind::Plan, "this is a core module, not a component")
                .hint("make a component of it with: wasm-tools component new --adapt, or run it with: paddock run")),
        }
    }
}

fn names(code: &Code) -> (Vec<String>, Vec<String>) {
    match code {
        Code::Component(component) => {
            let ty = component.component_type();
            let engine = component.engine();
            (
                ty.imports(engine).map(|(name, _)| name.to_string()).collect(),
                ty.exports(engine).map(|(name, _)| name.to_string()).collect(),
            )
        }
        Code::Module(module) => (
            module.imports().map(|i| format!("{}.{}", i.module(), i.name())).collect(),
            module.exports().map(|e| e.name().to_string()).collect(),
        ),
    }
}

fn labels(code: &Code) -> Vec<(String, String)> {
    let Code::Component(component) = code else { return Vec::new() };
    let ty = component.component_type();
    let imports = ty.imports(component.engine());
    imports.filter_map(|(label, item)| Some((label.to_string(), item.implements?.to_string()))).collect()
}

impl Code {
    pub(crate) fn compile(engine: &wasmtime::Engine, kind: Kind, binary: &[u8]) -> Result<Self> {
        let code = match kind {
            Kind::Component => Component::from_binary(engine, binary).map(Self::Component),
            Kind::Module => Module::from_binary(engine, binary).map(Self::Module),
        };
        code.map_err(|e| EngineError::from_wasm(ErrorKind::Artifact, "not valid WebAssembly for this host", &e))
    }

    pub(crate) fn serialize(&self) -> wasmtime::Result<Vec<u8>> {
        match self {
            Self::Component(component) => component.serialize(),
            Self::Module(module) => module.serialize(),
        }
    }

    #[allow(unsafe_code)]
    pub(crate) fn deserialize(engine: &wasmtime::Engine, kind: Kind, code: &[u8]) -> Option<Self> {
        // SAFETY: the bytes carry a MAC under the user's key, so this engine
        // made them, or the user said --allow-precompiled.
        unsafe {
            match kind {
                Kind::Component => Component::deserialize(engine, code).ok().map(Self::Component),
                Kind::Module => Module::deserialize(engine, code).ok().map(Self::Module),
            }
        }
    }

    pub(crate) fn deserialize_any(engine: &wasmtime::Engine, code: &[u8]) -> Option<Self> {
        Self::deserialize(engine, Kind::Component, code).or_else(|| Self::deserialize(engine, Kind::Module, code))
    }
}

pub fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Reads the kind of a file, assembling text first.
///
/// # Errors
/// `Artifact` when it is neither binary nor text WebAssembly; a mistake in text
/// is told with its line and column.
pub fn describe(bytes: &[u8]) -> Result<Described> {
    let binary = if bytes.starts_with(b"\0asm") { bytes.to_vec() } else { assemble(bytes)? };
    let (kind, asynchronous) = scan(&binary)?;
    let flavour = if asynchronous { Flavour::Concurrent } else { Flavour::Plain };
    Ok(Described { kind, flavour, binary })
}

fn assemble(bytes: &[u8]) -> Result<Vec<u8>> {
    if wasmtime::Engine::detect_precompiled(bytes).is_some() {
        return Err(EngineError::new(ErrorKind::Artifact, "this is precompiled machine code, which can do anything")
            .hint("if you made it yourself and trust it, add --allow-precompiled"));
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err(EngineError::new(
            ErrorKind::Artifact,
            "neither a WebAssembly binary (it has no \\0asm header) nor text",
        ));
    };
    if !text.trim_start().starts_with(['(', ';']) {
        return Err(EngineError::new(ErrorKind::Artifact, "neither a WebAssembly binary nor WebAssembly text"));
    }
    wat::parse_str(text).map_err(|e| EngineError::new(ErrorKind::Artifact, format!("WebAssembly text: {e}")))
}

/// Walks the sections: is it a component, and does it use asynchronous parts
/// of the component model anywhere?
fn scan(binary: &[u8]) -> Result<(Kind, bool)> {
    let bad = |e: wasmparser::BinaryReaderError| {
        EngineError::new(ErrorKind::Artifact, format!("damaged WebAssembly binary: {e}"))
    };
    let mut kind = Kind::Module;
    let mut asynchronous = false;
    let mut parser = Parser::new(0);
    let mut stack = Vec::new();
    let mut rest = binary;
    loop {
        let (payload, used) = match parser.parse(rest, true).map_err(bad)? {
            Chunk::Parsed { consumed, payload } => (payload, consumed),
            Chunk::NeedMoreData(_) => {
                return Err(EngineError::new(ErrorKind::Artifact, "damaged WebAssembly binary: it ends too early"));
            }
        };
        match payload {
            Payload::Version { encoding: Encoding::Component, .. } if stack.is_empty() => kind = Kind::Component,
            Payload::ModuleSection { parser: inner, .. } | Payload::ComponentSection { parser: inner, .. } => {
                stack.push(std::mem::replace(&mut parser, inner));
                rest = rest.get(used..).unwrap_or_default();
                continue;
            }
            Payload::ComponentTypeSection(types) => {
                for ty in types {
                    asynchronous |= uses_async(&ty.map_err(bad)?);
                }
            }
            Payload::ComponentCanonicalSection(canonicals) => {
                for canonical in canonicals {
                    asynchronous |= canonical_is_async(&canonical.map_err(bad)?);
                }
            }
            Payload::CodeSectionStart { size, .. } => {
                // Bodies are the compiler's business; skipping them keeps this cheap.
                parser.skip_section();
                rest = rest.get(used + size as usize..).unwrap_or_default();
                continue;
            }
            Payload::End(_) => match stack.pop() {
                Some(outer) => parser = outer,
                None => return Ok((kind, asynchronous)),
            },
            _ => {}
        }
        rest = rest.get(used..).unwrap_or_default();
    }
}

fn uses_async(ty: &wasmparser::ComponentType<'_>) -> bool {
    use wasmparser::{
        ComponentDefinedType as Defined, ComponentType, ComponentTypeDeclaration, InstanceTypeDeclaration,
    };
    match ty {
        ComponentType::Func(func) => func.async_,
        ComponentType::Defined(Defined::Future(_) | Defined::Stream(_)) => true,
        ComponentType::Instance(parts) => {
            parts.iter().any(|part| matches!(part, InstanceTypeDeclaration::Type(ty) if uses_async(ty)))
        }
        ComponentType::Component(parts) => {
            parts.iter().any(|part| matches!(part, ComponentTypeDeclaration::Type(ty) if uses_async(ty)))
        }
        _ => false,
    }
}

fn canonical_is_async(canonical: &wasmparser::CanonicalFunction) -> bool {
    use wasmparser::{CanonicalFunction as Canonical, CanonicalOption};
    match canonical {
        Canonical::Lift { options, .. } | Canonical::Lower { options, .. } => {
            options.iter().any(|option| matches!(option, CanonicalOption::Async | CanonicalOption::Callback(_)))
        }
        Canonical::ResourceNew { .. } | Canonical::ResourceDrop { .. } | Canonical::ResourceRep { .. } => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_binary_are_told_apart_and_mistakes_are_located() {
        assert_eq!(describe(b"(module)").unwrap().kind, Kind::Module);
        assert_eq!(describe(b"(component)").unwrap().kind, Kind::Component);
        let error = describe(b"(module\n  (funk))").err().unwrap();
        assert!(error.message.contains(":2:"), "{error}");
        assert!(describe(b"hello").is_err());
        assert!(describe(b"\0asm").is_err());
        assert!(describe(&[0xff; 9]).is_err());
    }

    #[test]
    fn only_components_that_use_async_parts_get_the_concurrent_flavour() {
        assert_eq!(describe(b"(component (type (func)))").unwrap().flavour, Flavour::Plain);
        assert_eq!(describe(b"(component (type (future u8)))").unwrap().flavour, Flavour::Concurrent);
        assert_eq!(describe(b"(component (component (type (func async))))").unwrap().flavour, Flavour::Concurrent);
    }
}
