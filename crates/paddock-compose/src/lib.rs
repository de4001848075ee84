//! Components plugged into components, before anything is compiled. It runs no guest,
//! knows no engine, and decides nothing: who calls says what goes where.

mod deny;
mod names;
mod plug;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub use deny::{DENIED, denial};
pub use names::{Names, names};

/// A component whose exports answer imports of another one.
pub struct Plug<'a> {
    /// What it is called in errors.
    pub name: &'a str,
    pub component: &'a [u8],
    /// Import of the other one, export of this one.
    pub wiring: &'a [(String, String)],
}

/// An import that is taken away. With a text its functions trap, and `denial` finds the text
/// in the backtrace; without one they answer an empty list, or none, where they can.
pub type Denied = (String, Option<String>);

/// Why components don't fit together; the text is for the user who wants them to.
#[derive(Debug)]
pub struct Misfit(pub String);

/// One component: `socket` with what `plugs` answer for it, and its exports. Imports of
/// `socket` that are `denied` are answered by nothing that leads out.
///
/// All of them are binary components. Each plug gets an instance of its own in each
/// instance of what comes out. Imports that nobody answers stay imports, one for all.
///
/// # Errors
/// `Misfit`, when an import or export is not there or has another type, and for bytes that
/// are no component.
pub fn compose(socket: &[u8], plugs: &[Plug<'_>], denied: &[Denied]) -> Result<Vec<u8>, Misfit> {
    // The bytes are strangers', and the libraries below assert a thing or two of them.
    match catch_unwind(AssertUnwindSafe(|| plug::composed(socket, plugs, denied))) {
        Ok(composed) => composed.map_err(|error| Misfit(one_line(&error))),
        Err(_) => Err(Misfit("its interfaces are of a shape that can't be composed".into())),
    }
}

fn one_line(error: &anyhow::Error) -> String {
    let mut causes: Vec<String> = Vec::new();
    for cause in error.chain() {
        let text = cause.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        if !causes.iter().any(|known| known.contains(&text)) {
            causes.push(text);
        }
    }
    causes.join(": ")
}

#[cfg(test)]
mod tests;
