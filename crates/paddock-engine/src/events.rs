//! What a host tells about its guests while they run.

/// Which of a guest's outputs a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    Stdout,
    Stderr,
}

#[derive(Clone, Debug)]
pub enum EventKind {
    /// A line that the guest printed.
    Line { output: Output, text: String },
    /// A limit was reached.
    Limit { limit: &'static str, value: String },
    /// The guest trapped, or a call into it could not be carried out.
    Failed { reason: String },
    /// Something was asked for that is not granted; `grant` is the manifest
    /// line which would allow it.
    Denied { what: String, grant: String },
    /// Something that is granted was used; told once, to audit.
    Allowed { what: String, grant: String },
}

#[derive(Clone, Debug)]
pub struct Event {
    pub application: String,
    pub component: String,
    pub instance: u64,
    pub kind: EventKind,
}

/// Receives events from any thread and must not block.
pub trait Events: Send + Sync {
    fn emit(&self, event: Event);
}
