//! Conversions between lifted Rust values and [`Value`].

use std::borrow::Cow;

use wasmtime::component::{ComponentNamedList, ComponentType, Lower, Resource};

use crate::hostcall::CallError;
use crate::state::State;
use crate::value::{Object, Value};

/// The host's side of a resource, as the guest's handle refers to it.
pub struct Handle(pub Object);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.dropped();
    }
}

pub fn drop_handle(state: &mut State, rep: u32) -> wasmtime::Result<()> {
    state.table.delete(Resource::<Handle>::new_own(rep))?;
    Ok(())
}

/// Trap text for an answer of the wrong shape.
pub fn unexpected(wanted: &str, got: &Value) -> wasmtime::Error {
    wasmtime::format_err!("the host answered with {} where {wanted} is expected", got.describe())
}

pub trait ToValue {
    fn to_value(self, state: &mut State) -> wasmtime::Result<Value>;
}

pub trait FromValue: Sized {
    fn from_value(value: Value, state: &mut State) -> wasmtime::Result<Self>;
}

/// The parameters of a function, as a tuple.
pub trait Arguments {
    fn into_values(self, state: &mut State) -> wasmtime::Result<Vec<Value>>;
}

/// What a function returns, as the runtime wants it.
pub trait Returned: Sized + 'static {
    type Wire: ComponentNamedList + Lower + Send + Sync + 'static;
    fn from_outcome(outcome: Result<Value, CallError>, state: &mut State) -> wasmtime::Result<Self::Wire>;
}

/// No result at all.
pub struct Nothing;

pub fn trap(error: CallError) -> wasmtime::Error {
    match error {
        CallError::Trap(text) => wasmtime::Error::msg(text),
        CallError::Err(_) => wasmtime::format_err!("the host raised an error where the function has none"),
    }
}

impl Returned for Nothing {
    type Wire = ();
    fn from_outcome(outcome: Result<Value, CallError>, _: &mut State) -> wasmtime::Result<()> {
        outcome.map(|_| ()).map_err(trap)
    }
}

impl<T, E> Returned for Result<T, E>
where
    T: FromValue + ComponentType + Lower + Send + Sync + 'static,
    E: FromValue + ComponentType + Lower + Send + Sync + 'static,
{
    type Wire = (Result<T, E>,);
    fn from_outcome(outcome: Result<Value, CallError>, state: &mut State) -> wasmtime::Result<Self::Wire> {
        match outcome {
            Ok(value) => Ok((Ok(T::from_value(value, state)?),)),
            Err(CallError::Err(value)) => Ok((Err(E::from_value(value, state)?),)),
            Err(error) => Err(trap(error)),
        }
    }
}

macro_rules! arguments {
    ($($name:ident)*) => {
        impl<$($name: ToValue),*> Arguments for ($($name,)*) {
            #[allow(non_snake_case, unused_variables)]
            fn into_values(self, state: &mut State) -> wasmtime::Result<Vec<Value>> {
                let ($($name,)*) = self;
                Ok(vec![$($name.to_value(state)?),*])
            }
        }
    };
}
arguments!();
arguments!(A);
arguments!(A B);
arguments!(A B C);

impl ToValue for String {
    fn to_value(self, _: &mut State) -> wasmtime::Result<Value> {
        Ok(Value::Text(self))
    }
}

impl ToValue for Vec<u8> {
    fn to_value(self, _: &mut State) -> wasmtime::Result<Value> {
        Ok(Value::Bytes(self))
    }
}

impl ToValue for i64 {
    fn to_value(self, _: &mut State) -> wasmtime::Result<Value> {
        Ok(Value::Signed(self))
    }
}

impl ToValue for u64 {
    fn to_value(self, _: &mut State) -> wasmtime::Result<Value> {
        Ok(Value::Unsigned(self))
    }
}

impl ToValue for u32 {
    fn to_value(self, _: &mut State) -> wasmtime::Result<Value> {
        Ok(Value::Unsigned(self.into()))
    }
}

impl<T: ToValue> ToValue for Option<T> {
    fn to_value(self, state: &mut State) -> wasmtime::Result<Value> {
        self.map_or(Ok(Value::None), |value| value.to_value(state))
    }
}

impl ToValue for Vec<String> {
    fn to_value(self, _: &mut State) -> wasmtime::Result<Value> {
        Ok(Value::List(self.into_iter().map(Value::Text).collect()))
    }
}

impl ToValue for Vec<(String, Vec<u8>)> {
    fn to_value(self, _: &mut State) -> wasmtime::Result<Value> {
        let pair = |(key, value)| Value::Tuple(vec![Value::Text(key), Value::Bytes(value)]);
        Ok(Value::List(self.into_iter().map(pair).collect()))
    }
}

impl ToValue for Resource<Handle> {
    fn to_value(self, state: &mut State) -> wasmtime::Result<Value> {
        let object = super::object(state.table.get(&self)?);
        if self.owned() {
            state.table.delete(self)?;
        }
        Ok(Value::Object(object))
    }
}

impl FromValue for () {
    fn from_value(_: Value, _: &mut State) -> wasmtime::Result<Self> {
        Ok(())
    }
}

impl FromValue for bool {
    fn from_value(value: Value, _: &mut State) -> wasmtime::Result<Self> {
        match value {
            Value::Bool(value) => Ok(value),
            other => Err(unexpected("a bool", &other)),
        }
    }
}

impl FromValue for String {
    fn from_value(value: Value, _: &mut State) -> wasmtime::Result<Self> {
        match value {
            Value::Text(text) => Ok(text),
            other => Err(unexpected("a string", &other)),
        }
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: Value, _: &mut State) -> wasmtime::Result<Self> {
        match value {
            Value::Bytes(bytes) => Ok(bytes),
            other => Err(unexpected("bytes", &other)),
        }
    }
}

macro_rules! integers {
    ($($ty:ty)*) => {$(
        impl FromValue for $ty {
            fn from_value(value: Value, _: &mut State) -> wasmtime::Result<Self> {
                let number = match value {
                    Value::Signed(number) => number.try_into().ok(),
                    Value::Unsigned(number) => number.try_into().ok(),
                    other => return Err(unexpected("an integer", &other)),
                };
                number.ok_or_else(|| wasmtime::format_err!("the host's number is out of range for {}", stringify!($ty)))
            }
        }
    )*};
}
integers!(i64 u64 u32);

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value, state: &mut State) -> wasmtime::Result<Self> {
        match value {
            Value::None => Ok(None),
            value => T::from_value(value, state).map(Some),
        }
    }
}

macro_rules! lists {
    ($($ty:ty),*) => {$(
        impl FromValue for Vec<$ty> {
            fn from_value(value: Value, state: &mut State) -> wasmtime::Result<Self> {
                match value {
                    Value::List(items) | Value::Tuple(items) => {
                        items.into_iter().map(|item| FromValue::from_value(item, state)).collect()
                    }
                    other => Err(unexpected("a list", &other)),
                }
            }
        }
    )*};
}
lists!(String, (String, String), (String, Option<Vec<u8>>), Option<(String, Vec<u8>)>);

impl<A: FromValue, B: FromValue> FromValue for (A, B) {
    fn from_value(value: Value, state: &mut State) -> wasmtime::Result<Self> {
        let items = match value {
            Value::Tuple(items) | Value::List(items) => items,
            other => return Err(unexpected("a pair", &other)),
        };
        let mut items = items.into_iter();
        match (items.next(), items.next(), items.next()) {
            (Some(a), Some(b), None) => Ok((A::from_value(a, state)?, B::from_value(b, state)?)),
            _ => Err(wasmtime::format_err!("the host answered with a tuple of another length than 2")),
        }
    }
}

impl FromValue for Resource<Handle> {
    fn from_value(value: Value, state: &mut State) -> wasmtime::Result<Self> {
        match value {
            Value::Object(object) => Ok(state.table.push(Handle(object))?),
            other => Err(unexpected("a resource", &other)),
        }
    }
}

/// A variant's case and payload; a bare string is a case without payload.
pub fn case(value: Value) -> wasmtime::Result<(Cow<'static, str>, Value)> {
    match value {
        Value::Variant(case, payload) => Ok((case, payload.map_or(Value::None, |p| *p))),
        Value::Text(case) => Ok((Cow::Owned(case), Value::None)),
        other => Err(unexpected("a variant", &other)),
    }
}

/// The text of an error; a payload that is no text is not shown to the guest.
pub fn text(value: Value) -> String {
    match value {
        Value::Text(text) => text,
        _ => String::new(),
    }
}
