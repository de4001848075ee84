//! What a host chooses once for its engine.

use std::path::PathBuf;

/// How machine code is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compiler {
    /// Optimising just-in-time compiler.
    #[default]
    Cranelift,
    /// Baseline compiler: compiles fast, runs slower.
    Winch,
    /// Portable interpreter: no native code is made.
    Pulley,
}

impl Compiler {
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "cranelift" => Some(Self::Cranelift),
            "winch" => Some(Self::Winch),
            "pulley" => Some(Self::Pulley),
            _ => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Cranelift => "cranelift",
            Self::Winch => "winch",
            Self::Pulley => "pulley",
        }
    }
}

/// Where compiled code is kept, and the user's key that authenticates it.
#[derive(Clone, Debug)]
pub struct CacheOptions {
    pub directory: PathBuf,
    pub key: [u8; 32],
}

/// Options of an [`Engine`](crate::engine::Engine).
#[derive(Clone, Debug)]
pub struct EngineOptions {
    pub compiler: Compiler,
    /// Whether guests burn fuel; the amount is each instance's own limit.
    pub fuel: bool,
    /// Preallocate slots for instances; falls back to allocation on demand
    /// where the address space does not suffice.
    pub pooling: bool,
    /// Slots of the pool: instances alive at once in one flavour.
    pub instances: u32,
    pub cache: Option<CacheOptions>,
    /// Stack of a guest in bytes.
    pub stack: usize,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            compiler: Compiler::default(),
            fuel: false,
            pooling: true,
            instances: 1100,
            cache: None,
            stack: 512 << 10,
        }
    }
}
