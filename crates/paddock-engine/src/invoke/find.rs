//! A component's exported function by a name that may be shortened.

use wasmtime::component::Component;
use wasmtime::component::types::{ComponentFunc, ComponentItem};

use super::{Found, close, signature};
use crate::error::{EngineError, ErrorKind, Result};

/// A function before its index is known.
struct Candidate {
    interface: Option<String>,
    function: String,
    ty: ComponentFunc,
}

impl Candidate {
    fn name(&self) -> String {
        match &self.interface {
            Some(interface) => format!("{interface}#{}", self.function),
            None => self.function.clone(),
        }
    }

    /// Whether `name` is one of the ways to write this function.
    fn answers(&self, name: &str) -> bool {
        let Some(interface) = &self.interface else { return name == self.function };
        let Some((path, function)) = name.rsplit_once('#').or_else(|| split_dot(name)) else {
            return name == self.function;
        };
        let unversioned = interface.split_once('@').map_or(interface.as_str(), |(path, _)| path);
        let short = unversioned.rsplit_once('/').map_or(unversioned, |(_, short)| short);
        function == self.function && [interface.as_str(), unversioned, short].contains(&path)
    }
}

/// `interface.function`: a version has dots of its own, but never the last.
fn split_dot(name: &str) -> Option<(&str, &str)> {
    name.rsplit_once('.')
}

/// # Errors
/// `Usage`, when no function or more than one has that name.
pub fn function(component: &Component, name: &str) -> Result<Found> {
    let all = candidates(component);
    let exact = all.iter().find(|candidate| candidate.interface.is_none() && candidate.function == name);
    let matching: Vec<&Candidate> = match exact {
        Some(exact) => vec![exact],
        None => all.iter().filter(|candidate| candidate.answers(name)).collect(),
    };
    match matching.as_slice() {
        [] => {
            let known: Vec<(String, String)> = all
                .iter()
                .flat_map(|candidate| {
                    let text = signature::function(&candidate.name(), &candidate.ty);
                    [(candidate.name(), text)]
                })
                .collect();
            Err(nearest(name, &all, &known))
        }
        [one] => located(component, one),
        several => {
            let names: Vec<String> = several.iter().map(|candidate| candidate.name()).collect();
            Err(EngineError::new(ErrorKind::Usage, format!("several interfaces export {name:?}"))
                .hint(format!("name one of: {}", names.join(", "))))
        }
    }
}

/// The short names are what a mistyped name is compared with as well.
fn nearest(name: &str, all: &[Candidate], known: &[(String, String)]) -> EngineError {
    let error = close("component", name, known);
    if error.hint.is_some() {
        return error;
    }
    let near =
        all.iter().map(|candidate| (super::distance(name, &candidate.function), candidate.function.as_str())).min();
    match near {
        Some((steps, near)) if steps <= 1 + name.chars().count() / 3 => error.hint(format!("did you mean {near}?")),
        _ => error,
    }
}

fn located(component: &Component, candidate: &Candidate) -> Result<Found> {
    let instance = match &candidate.interface {
        Some(interface) => component.get_export_index(None, interface),
        None => None,
    };
    let index = component.get_export_index(instance.as_ref(), &candidate.function);
    let index = index.ok_or_else(|| EngineError::new(ErrorKind::Host, "an export that was listed is gone"))?;
    Ok(Found { name: candidate.name(), index, ty: candidate.ty.clone() })
}

fn candidates(component: &Component) -> Vec<Candidate> {
    let engine = component.engine();
    let mut all = Vec::new();
    for (name, item) in component.component_type().exports(engine) {
        match item.ty {
            ComponentItem::ComponentFunc(ty) => all.push(Candidate { interface: None, function: name.into(), ty }),
            ComponentItem::ComponentInstance(instance) => {
                for (function, item) in instance.exports(engine) {
                    // `[method]` and its kin need a resource, which has no JSON.
                    if let ComponentItem::ComponentFunc(ty) = item.ty
                        && !function.starts_with('[')
                    {
                        all.push(Candidate { interface: Some(name.into()), function: function.into(), ty });
                    }
                }
            }
            _ => {}
        }
    }
    all
}
