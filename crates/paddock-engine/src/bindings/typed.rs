//! Conversions between lifted Rust values and [`Value`].

use std::borrow::Cow;
use std::marker::PhantomData;

use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentNamedList, ComponentType, Lower, Resource};

use super::stream::parts;
use crate::hostcall::CallError;
use crate::state::State;
use crate::value::{Object, Value};

/// The instance's store, in which resources and streams live.
pub type Store<'a> = StoreContextMut<'a, State>;

/// The host's side of a resource, as the guest's handle refers to it.
pub struct Handle(Option<Object>);

impl Handle {
    pub fn new(object: Object) -> Self {
        Self(Some(object))
    }

    pub fn object(&self) -> wasmtime::Result<Object> {
        self.0.clone().ok_or_else(|| wasmtime::format_err!("a resource was used after it was given away"))
    }

    /// The guest gives the object to the host side, which is not told of a drop.
    pub fn give(mut self) -> wasmtime::Result<Object> {
        self.0.take().ok_or_else(|| wasmtime::format_err!("a resource was given away twice"))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let Some(object) = &self.0 {
            object.dropped();
        }
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

pub trait ToValue: Sized {
    fn to_value(self, store: &mut Store<'_>) -> wasmtime::Result<Value>;

    /// A list of such values; one of bytes is no list.
    fn list(items: Vec<Self>, store: &mut Store<'_>) -> wasmtime::Result<Value> {
        Ok(Value::List(items.into_iter().map(|item| item.to_value(store)).collect::<wasmtime::Result<_>>()?))
    }
}

pub trait FromValue: Sized {
    fn from_value(value: Value, store: &mut Store<'_>) -> wasmtime::Result<Self>;

    /// A list of such values; one of bytes is no list.
    fn list(value: Value, store: &mut Store<'_>) -> wasmtime::Result<Vec<Self>> {
        match value {
            Value::List(items) | Value::Tuple(items) => {
                items.into_iter().map(|item| Self::from_value(item, store)).collect()
            }
            other => Err(unexpected("a list", &other)),
        }
    }

    /// What a stream's source gives at once: one item, or some bytes.
    fn item(value: Value, items: &mut Vec<Self>, store: &mut Store<'_>) -> wasmtime::Result<()> {
        items.push(Self::from_value(value, store)?);
        Ok(())
    }
}

/// The parameters of a function, as a tuple.
pub trait Arguments {
    fn into_values(self, store: &mut Store<'_>) -> wasmtime::Result<Vec<Value>>;
}

/// What a function returns, as the runtime wants it.
pub trait Returned: Sized + 'static {
    type Wire: ComponentNamedList + Lower + Send + Sync + 'static;
    fn from_outcome(outcome: Result<Value, CallError>, store: &mut Store<'_>) -> wasmtime::Result<Self::Wire>;
}

/// No result at all.
pub struct Nothing;

/// A result that is no `result`, so that an error has no place in it.
pub struct Plain<T>(PhantomData<T>);

pub fn trap(error: CallError) -> wasmtime::Error {
    match error {
        CallError::Trap(text) => wasmtime::Error::msg(text),
        CallError::Err(_) => wasmtime::format_err!("the host raised an error where the function has none"),
    }
}

impl Returned for Nothing {
    type Wire = ();
    fn from_outcome(outcome: Result<Value, CallError>, _: &mut Store<'_>) -> wasmtime::Result<()> {
        outcome.map(|_| ()).map_err(trap)
    }
}

impl<T> Returned for Plain<T>
where
    T: FromValue + ComponentType + Lower + Send + Sync + 'static,
{
    type Wire = (T,);
    fn from_outcome(outcome: Result<Value, CallError>, store: &mut Store<'_>) -> wasmtime::Result<(T,)> {
        Ok((T::from_value(outcome.map_err(trap)?, store)?,))
    }
}

impl<T, E> Returned for Result<T, E>
where
    T: FromValue + ComponentType + Lower + Send + Sync + 'static,
    E: FromValue + ComponentType + Lower + Send + Sync + 'static,
{
    type Wire = (Result<T, E>,);
    fn from_outcome(outcome: Result<Value, CallError>, store: &mut Store<'_>) -> wasmtime::Result<Self::Wire> {
        match outcome {
            Ok(value) => Ok((Ok(T::from_value(value, store)?),)),
            Err(CallError::Err(value)) => Ok((Err(E::from_value(value, store)?),)),
            Err(error) => Err(trap(error)),
        }
    }
}

impl Arguments for () {
    fn into_values(self, _: &mut Store<'_>) -> wasmtime::Result<Vec<Value>> {
        Ok(Vec::new())
    }
}

macro_rules! arguments {
    ($($name:ident)*) => {
        impl<$($name: ToValue),*> Arguments for ($($name,)*) {
            #[allow(non_snake_case)]
            fn into_values(self, store: &mut Store<'_>) -> wasmtime::Result<Vec<Value>> {
                let ($($name,)*) = self;
                Ok(vec![$($name.to_value(store)?),*])
            }
        }
    };
}
arguments!(A);
arguments!(A B);
arguments!(A B C);
arguments!(A B C D);

macro_rules! tuples {
    ($count:literal: $($name:ident)*) => {
        impl<$($name: ToValue),*> ToValue for ($($name,)*) {
            #[allow(non_snake_case)]
            fn to_value(self, store: &mut Store<'_>) -> wasmtime::Result<Value> {
                let ($($name,)*) = self;
                Ok(Value::Tuple(vec![$($name.to_value(store)?),*]))
            }
        }

        impl<$($name: FromValue),*> FromValue for ($($name,)*) {
            #[allow(non_snake_case)]
            fn from_value(value: Value, store: &mut Store<'_>) -> wasmtime::Result<Self> {
                let [$($name),*]: [Value; $count] = tuple(value, $count)?
                    .try_into()
                    .map_err(|_| wasmtime::format_err!("the host answered with a tuple of another length than {}", $count))?;
                Ok(($($name::from_value($name, store)?,)*))
            }
        }
    };
}
tuples!(2: A B);
tuples!(3: A B C);
tuples!(4: A B C D);
tuples!(6: A B C D E F);
tuples!(7: A B C D E F G);
tuples!(8: A B C D E F G H);

fn tuple(value: Value, count: usize) -> wasmtime::Result<Vec<Value>> {
    match value {
        Value::Tuple(items) | Value::List(items) => Ok(items),
        Value::Stream(stream) => parts(stream, count),
        other => Err(unexpected("a tuple", &other)),
    }
}

impl ToValue for String {
    fn to_value(self, _: &mut Store<'_>) -> wasmtime::Result<Value> {
        Ok(Value::Text(self))
    }
}

impl FromValue for String {
    fn from_value(value: Value, _: &mut Store<'_>) -> wasmtime::Result<Self> {
        match value {
            Value::Text(text) => Ok(text),
            other => Err(unexpected("a string", &other)),
        }
    }
}

impl ToValue for bool {
    fn to_value(self, _: &mut Store<'_>) -> wasmtime::Result<Value> {
        Ok(Value::Bool(self))
    }
}

impl FromValue for bool {
    fn from_value(value: Value, _: &mut Store<'_>) -> wasmtime::Result<Self> {
        match value {
            Value::Bool(value) => Ok(value),
            other => Err(unexpected("a bool", &other)),
        }
    }
}

impl FromValue for () {
    fn from_value(_: Value, _: &mut Store<'_>) -> wasmtime::Result<Self> {
        Ok(())
    }
}

fn integer<T: TryFrom<i64> + TryFrom<u64>>(value: Value) -> wasmtime::Result<T> {
    let number = match value {
        Value::Signed(number) => number.try_into().ok(),
        Value::Unsigned(number) => number.try_into().ok(),
        other => return Err(unexpected("an integer", &other)),
    };
    number.ok_or_else(|| wasmtime::format_err!("the host's number is out of range for {}", std::any::type_name::<T>()))
}

macro_rules! integers {
    ($($kind:ident: $($ty:ty)*);*) => {$($(
        impl ToValue for $ty {
            fn to_value(self, _: &mut Store<'_>) -> wasmtime::Result<Value> {
                Ok(Value::$kind(self.into()))
            }
        }

        impl FromValue for $ty {
            fn from_value(value: Value, _: &mut Store<'_>) -> wasmtime::Result<Self> {
                integer(value)
            }
        }
    )*)*};
}
integers!(Signed: i8 i16 i32 i64; Unsigned: u16 u32 u64);

impl ToValue for u8 {
    fn to_value(self, _: &mut Store<'_>) -> wasmtime::Result<Value> {
        Ok(Value::Unsigned(self.into()))
    }

    fn list(items: Vec<u8>, _: &mut Store<'_>) -> wasmtime::Result<Value> {
        Ok(Value::Bytes(items))
    }
}

impl FromValue for u8 {
    fn from_value(value: Value, _: &mut Store<'_>) -> wasmtime::Result<Self> {
        integer(value)
    }

    fn list(value: Value, _: &mut Store<'_>) -> wasmtime::Result<Vec<u8>> {
        match value {
            Value::Bytes(bytes) => Ok(bytes),
            Value::List(items) | Value::Tuple(items) => items.into_iter().map(integer).collect(),
            other => Err(unexpected("bytes", &other)),
        }
    }

    fn item(value: Value, items: &mut Vec<u8>, store: &mut Store<'_>) -> wasmtime::Result<()> {
        let bytes = <Self as FromValue>::list(value, store)?;
        if items.is_empty() {
            *items = bytes;
        } else {
            items.extend(bytes);
        }
        Ok(())
    }
}

fn float(value: Value) -> wasmtime::Result<f64> {
    match value {
        Value::Float(number) => Ok(number),
        Value::Signed(number) => Ok(number as f64),
        Value::Unsigned(number) => Ok(number as f64),
        other => Err(unexpected("a number", &other)),
    }
}

macro_rules! floats {
    ($($ty:ty)*) => {$(
        impl ToValue for $ty {
            fn to_value(self, _: &mut Store<'_>) -> wasmtime::Result<Value> {
                Ok(Value::Float(self.into()))
            }
        }

        impl FromValue for $ty {
            fn from_value(value: Value, _: &mut Store<'_>) -> wasmtime::Result<Self> {
                Ok(float(value)? as $ty)
            }
        }
    )*};
}
floats!(f32 f64);

impl<T: ToValue> ToValue for Vec<T> {
    fn to_value(self, store: &mut Store<'_>) -> wasmtime::Result<Value> {
        T::list(self, store)
    }
}

impl<T: FromValue> FromValue for Vec<T> {
    fn from_value(value: Value, store: &mut Store<'_>) -> wasmtime::Result<Self> {
        T::list(value, store)
    }
}

impl<T: ToValue> ToValue for Option<T> {
    fn to_value(self, store: &mut Store<'_>) -> wasmtime::Result<Value> {
        self.map_or(Ok(Value::None), |value| value.to_value(store))
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value, store: &mut Store<'_>) -> wasmtime::Result<Self> {
        match value {
            Value::None => Ok(None),
            value => T::from_value(value, store).map(Some),
        }
    }
}

impl ToValue for Resource<Handle> {
    fn to_value(self, store: &mut Store<'_>) -> wasmtime::Result<Value> {
        let table = &mut store.data_mut().table;
        Ok(Value::Object(if self.owned() { table.delete(self)?.give()? } else { table.get(&self)?.object()? }))
    }
}

impl FromValue for Resource<Handle> {
    fn from_value(value: Value, store: &mut Store<'_>) -> wasmtime::Result<Self> {
        match value {
            Value::Object(object) => Ok(store.data_mut().table.push(Handle::new(object))?),
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
