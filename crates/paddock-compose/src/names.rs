//! What a component imports and exports, by name, without a look at its code.

use wasmparser::{Parser, Payload};

use crate::Misfit;

/// Full names in the order of the binary.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Names {
    pub imports: Vec<String>,
    pub exports: Vec<String>,
}

/// The names at the outside of a binary component.
///
/// # Errors
/// `Misfit`, when the binary is damaged.
pub fn names(component: &[u8]) -> Result<Names, Misfit> {
    let damaged = |error: wasmparser::BinaryReaderError| Misfit(format!("damaged WebAssembly binary: {error}"));
    let mut names = Names::default();
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(damaged)? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    names.imports.push(import.map_err(damaged)?.name.name.to_string());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    names.exports.push(export.map_err(damaged)?.name.name.to_string());
                }
            }
            _ => {}
        }
    }
    Ok(names)
}
