//! Paddock's engine: loads, links, limits and runs WebAssembly, and serves it
//! over HTTP. It knows no Python; what it can't answer itself leaves through
//! [`hostcall`].

pub mod adapt;
pub mod artifact;
mod bindings;
mod cache;
pub mod call;
pub mod command;
pub mod component;
pub mod compose;
mod deadline;
pub mod engine;
pub mod error;
pub mod events;
pub mod hostcall;
pub mod http;
pub mod inspect;
pub mod invoke;
pub mod limits;
pub mod linker;
mod observed;
pub mod options;
pub mod outbound;
mod pipe;
mod spin_http;
pub mod state;
mod stdio;
pub mod value;
