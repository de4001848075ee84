//! Values as they cross between guests and whoever answers their imports.
//!
//! One shape serves the typed bindings, the dynamic path and, since it is plain
//! data apart from resources and streams, a call carried to another host.
//! `list<u8>` is bytes: a list of single values would cost some forty bytes for
//! each.

use std::any::Any;
use std::borrow::Cow;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::BoxFuture;

pub use crate::bindings::Incoming;
use crate::hostcall::{CallError, Reply};

/// A resource that the host side owns, or any object it returned.
pub trait HostObject: Any + Send + Sync {
    /// A named part of the object where a record is wanted.
    fn field(&self, name: &str) -> Option<Value>;
    /// The guest has dropped its handle.
    fn dropped(&self);
    /// The object as a receiver of bytes, if it is one.
    fn sink(&self) -> Option<Arc<dyn HostSink>>;
    fn as_any(&self) -> &dyn Any;
}

pub type Object = Arc<dyn HostObject>;

/// Items of a stream that the host produces, asked for as the guest reads.
pub trait HostStream: Send + 'static {
    /// What is ready of the next items, at least one; none at the end. The
    /// source bounds what it gives at once.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Vec<Value>, CallError>>;
}

/// Where bytes go that a guest writes into an `output-stream`.
pub trait HostSink: Send + Sync {
    /// Called again only when the call before has been answered.
    fn write(&self, bytes: Vec<u8>) -> Reply;
    /// The guest has let go of the stream, and every `write` went well.
    fn close(&self) -> Reply;
    /// The stream ended in any other way: a write failed, or the guest did.
    fn dropped(&self);
}

/// A stream with what comes before it and after it.
pub struct Streamed {
    /// The first part of `tuple<H, stream<T>, future<result<_, E>>>`.
    pub head: Option<Box<Value>>,
    pub items: Box<dyn HostStream>,
}

pub enum Value {
    /// `option` without a value, and a function without a result.
    None,
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Char(char),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Value>),
    Tuple(Vec<Value>),
    Record(Vec<(Cow<'static, str>, Value)>),
    /// A variant's case and its payload.
    Variant(Cow<'static, str>, Option<Box<Value>>),
    Flags(Vec<String>),
    Object(Object),
    /// Items for a guest to read.
    Stream(Streamed),
    /// What a `future<result<_, E>>` becomes.
    Future(BoxFuture<'static, Result<Value, CallError>>),
    /// Bytes that a guest writes into a `stream<u8>`.
    Incoming(Incoming),
}

impl Value {
    /// What it is, for an error message.
    pub fn describe(&self) -> &'static str {
        match self {
            Self::None => "nothing",
            Self::Bool(_) => "a bool",
            Self::Signed(_) | Self::Unsigned(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Char(_) => "a character",
            Self::Text(_) => "a string",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "a list",
            Self::Tuple(_) => "a tuple",
            Self::Record(_) => "a record",
            Self::Variant(..) => "a variant",
            Self::Flags(_) => "flags",
            Self::Object(_) => "an object",
            Self::Stream(_) => "a stream",
            Self::Future(_) => "a future",
            Self::Incoming(_) => "a guest's stream",
        }
    }

    /// Roughly how many bytes it takes.
    pub fn weight(&self) -> usize {
        const ITSELF: usize = size_of::<Value>();
        ITSELF
            + match self {
                Self::Text(text) => text.len(),
                Self::Bytes(bytes) => bytes.len(),
                Self::List(items) | Self::Tuple(items) => items.iter().map(Self::weight).sum(),
                Self::Record(fields) => fields.iter().map(|(_, value)| value.weight()).sum(),
                Self::Variant(_, Some(payload)) => payload.weight(),
                _ => 0,
            }
    }

    /// A record's field, whichever form the record has.
    pub fn field(&mut self, name: &str) -> Option<Value> {
        match self {
            Self::Record(fields) => fields
                .iter_mut()
                .find(|(key, _)| same_name(key, name))
                .map(|(_, value)| std::mem::replace(value, Value::None)),
            Self::Object(object) => object.field(name),
            _ => None,
        }
    }
}

/// Python writes `snake_case` where WIT has `kebab-case`.
pub fn same_name(given: &str, wit: &str) -> bool {
    given.len() == wit.len() && given.bytes().zip(wit.bytes()).all(|(a, b)| a == b || (a == b'_' && b == b'-'))
}
