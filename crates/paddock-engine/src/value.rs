//! Values as they cross between guests and whoever answers their imports.
//!
//! One shape serves the typed bindings, the dynamic path and, since it is plain
//! data apart from resources, a call carried to another host. `list<u8>` is
//! bytes: a list of single values would cost some forty bytes for each.

use std::any::Any;
use std::borrow::Cow;
use std::sync::Arc;

use futures::future::BoxFuture;

use crate::hostcall::CallError;

/// A resource that the host side owns, or any object it returned.
pub trait HostObject: Any + Send + Sync {
    /// A named part of the object where a record is wanted.
    fn field(&self, name: &str) -> Option<Value>;
    /// The guest has dropped its handle.
    fn dropped(&self);
    fn as_any(&self) -> &dyn Any;
}

pub type Object = Arc<dyn HostObject>;

/// Items of a stream that the host produces, asked for one by one.
pub trait HostStream: Send + 'static {
    /// The next item; None at the end.
    fn next(&mut self) -> BoxFuture<'static, Result<Option<Value>, CallError>>;
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
    Stream(Box<dyn HostStream>),
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
