//! Core modules of WASI 0.1 as components, by the adapter that the WASI project
//! publishes. A command exports `wasi:cli/run` afterwards.

use std::borrow::Cow;

use wasi_preview1_component_adapter_provider as adapters;
use wasm_encoder::{ExportKind, ExportSection, Module, RawSection};
use wasmparser::{ExternalKind, Parser, Payload};
use wit_component::ComponentEncoder;

use crate::error::{EngineError, ErrorKind, Result};

const START: &str = "_start";

/// The component that a core module, binary or text, makes. With `entrypoint` that
/// export takes the place of `_start`.
///
/// # Errors
/// `Artifact`, for a module that imports more than WASI 0.1, or has no such export.
pub fn componentize(module: &[u8], entrypoint: Option<&str>) -> Result<Vec<u8>> {
    let module = wat::parse_bytes(module)
        .map_err(|error| EngineError::new(ErrorKind::Artifact, format!("not valid WebAssembly text: {error}")))?;
    let renamed = match entrypoint {
        Some(name) if name != START => Cow::Owned(started_by(&module, name)?),
        _ => module,
    };
    let adapter = match exports(&renamed, START) {
        true => adapters::WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
        false => adapters::WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
    };
    ComponentEncoder::default()
        .module(&renamed)
        .and_then(|encoder| encoder.adapter(adapters::WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, adapter))
        .and_then(|encoder| encoder.validate(true).encode())
        .map_err(|error| {
            let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
            EngineError::new(ErrorKind::Artifact, format!("the core module makes no component: {}", causes.join(": ")))
                .hint("a core module can import WASI 0.1 (wasi_snapshot_preview1) and nothing else")
        })
}

fn exports(module: &[u8], name: &str) -> bool {
    Parser::new(0).parse_all(module).any(|payload| match payload {
        Ok(Payload::ExportSection(section)) => section.into_iter().flatten().any(|export| export.name == name),
        _ => false,
    })
}

fn started_by(module: &[u8], entrypoint: &str) -> Result<Vec<u8>> {
    let damaged = |error: wasmparser::BinaryReaderError| {
        EngineError::new(ErrorKind::Artifact, format!("not valid WebAssembly: {error}"))
    };
    let mut out = Module::new();
    let mut found = false;
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload.map_err(damaged)?;
        if let Payload::ExportSection(section) = payload {
            let mut kept = ExportSection::new();
            for export in section {
                let export = export.map_err(damaged)?;
                let name = match export.name {
                    name if name == entrypoint && export.kind == ExternalKind::Func => {
                        found = true;
                        START
                    }
                    START => continue,
                    name => name,
                };
                kept.export(name, ExportKind::from(export.kind), export.index);
            }
            out.section(&kept);
        } else if let Some((id, range)) = payload.as_section()
            && let Some(data) = module.get(range)
        {
            out.section(&RawSection { id, data });
        }
    }
    if found {
        return Ok(out.finish());
    }
    Err(EngineError::new(ErrorKind::Artifact, format!("the module exports no function {entrypoint:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMAND: &str = r#"(module
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1)
        (func (export "_start"))
        (func (export "other") (call $exit (i32.const 3))))"#;

    #[test]
    fn a_command_of_wasi_0_1_makes_a_component_that_runs() {
        let module = wat::parse_str(COMMAND).unwrap();
        for entrypoint in [None, Some("_start"), Some("other")] {
            let component = componentize(&module, entrypoint).unwrap();
            let text = String::from_utf8_lossy(&component);
            assert!(text.contains("wasi:cli/run@0.2."), "{entrypoint:?}");
            assert_eq!(componentize(COMMAND.as_bytes(), entrypoint).unwrap(), component);
        }
    }

    #[test]
    fn other_imports_and_unknown_entry_points_are_refused() {
        let strange = wat::parse_str(r#"(module (import "env" "f" (func)) (func (export "_start")))"#).unwrap();
        assert_eq!(componentize(&strange, None).unwrap_err().kind, ErrorKind::Artifact);
        let module = wat::parse_str(COMMAND).unwrap();
        assert!(componentize(&module, Some("nope")).unwrap_err().message.contains("nope"));
    }
}
