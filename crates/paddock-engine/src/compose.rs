//! Components plugged into components, binary or text, before any of it is compiled.

use paddock_compose::{Denied, Misfit, Names, Plug};

use crate::artifact::{self, Kind};
use crate::error::{EngineError, ErrorKind, Result};

/// One component of `component` and of what is plugged into it; see `paddock_compose`.
///
/// # Errors
/// `Artifact`, when something is no component; `Plan`, when they don't fit together.
pub fn compose(component: &[u8], plugs: &[Plug<'_>], denied: &[Denied]) -> Result<Vec<u8>> {
    let socket = binary(component)?;
    let binaries = plugs.iter().map(|plug| binary(plug.component)).collect::<Result<Vec<_>>>()?;
    let plugs = plugs.iter().zip(&binaries).map(|(plug, component)| Plug { component, ..*plug }).collect::<Vec<_>>();
    paddock_compose::compose(&socket, &plugs, denied).map_err(|error| misfit(ErrorKind::Plan, error))
}

/// What a component imports and exports, by name.
///
/// # Errors
/// `Artifact`, when it is no component.
pub fn names(component: &[u8]) -> Result<Names> {
    paddock_compose::names(&binary(component)?).map_err(|error| misfit(ErrorKind::Artifact, error))
}

fn binary(bytes: &[u8]) -> Result<Vec<u8>> {
    let described = artifact::describe(bytes)?;
    match described.kind {
        Kind::Component => Ok(described.binary),
        Kind::Module => Err(EngineError::new(ErrorKind::Artifact, "it is a core module, not a component")
            .hint("make a component of it with: wasm-tools component new")),
    }
}

fn misfit(kind: ErrorKind, Misfit(text): Misfit) -> EngineError {
    EngineError::new(kind, text)
}
