//! Declares a WIT record, variant or enum, with its conversions to and from
//! [`Value`](crate::value::Value): one line for each field or case.

/// `record!(Column { name: String = "name" })`
macro_rules! record {
    ($name:ident { $($field:ident: $ty:ty = $wit:literal),+ $(,)? }) => {
        #[derive(::wasmtime::component::ComponentType, ::wasmtime::component::Lift, ::wasmtime::component::Lower)]
        #[component(record)]
        struct $name {
            $(#[component(name = $wit)] $field: $ty,)+
        }

        impl $crate::bindings::typed::ToValue for $name {
            fn to_value(
                self,
                store: &mut $crate::bindings::typed::Store<'_>,
            ) -> ::wasmtime::Result<$crate::value::Value> {
                Ok($crate::value::Value::Record(vec![$(($wit.into(), self.$field.to_value(store)?)),+]))
            }
        }

        impl $crate::bindings::typed::FromValue for $name {
            fn from_value(
                mut value: $crate::value::Value,
                store: &mut $crate::bindings::typed::Store<'_>,
            ) -> ::wasmtime::Result<Self> {
                Ok(Self {
                    $($field: $crate::bindings::typed::FromValue::from_value(
                        $crate::bindings::shapes::field(&mut value, $wit)?,
                        store,
                    )?,)+
                })
            }
        }
    };
}

/// `variant!(Error { NotFound = "not-found", Other(String) = "other" })`
macro_rules! variant {
    ($name:ident { $($case:ident $(($ty:ty))? = $wit:literal),+ $(,)? }) => {
        #[derive(::wasmtime::component::ComponentType, ::wasmtime::component::Lift, ::wasmtime::component::Lower)]
        #[component(variant)]
        enum $name {
            $(#[component(name = $wit)] $case $(($ty))?,)+
        }

        impl $crate::bindings::typed::ToValue for $name {
            fn to_value(
                self,
                store: &mut $crate::bindings::typed::Store<'_>,
            ) -> ::wasmtime::Result<$crate::value::Value> {
                let (case, payload) = match self {
                    $(Self::$case $((payload!(inner: $ty)))? => ($wit, payload!(store $(, inner: $ty)?)),)+
                };
                Ok($crate::value::Value::Variant(case.into(), payload))
            }
        }

        impl $crate::bindings::typed::FromValue for $name {
            fn from_value(
                value: $crate::value::Value,
                store: &mut $crate::bindings::typed::Store<'_>,
            ) -> ::wasmtime::Result<Self> {
                let (case, inner) = $crate::bindings::typed::case(value)?;
                $(if $crate::value::same_name(&case, $wit) {
                    return Ok(Self::$case $((<$ty as $crate::bindings::typed::FromValue>::from_value(inner, store)?))?);
                })+
                Err($crate::bindings::shapes::no_case(&case))
            }
        }
    };
}

/// The name by which `variant!` refers to a payload, and the payload's value.
macro_rules! payload {
    ($inner:ident: $ty:ty) => {
        $inner
    };
    ($store:ident) => {
        None
    };
    ($store:ident, $inner:ident: $ty:ty) => {
        Some(Box::new(<$ty as $crate::bindings::typed::ToValue>::to_value($inner, $store)?))
    };
}

/// `cases!(Qos { AtMostOnce = "at-most-once" })`: a WIT enum.
macro_rules! cases {
    ($name:ident { $($case:ident = $wit:literal),+ $(,)? }) => {
        #[derive(
            ::wasmtime::component::ComponentType, ::wasmtime::component::Lift, ::wasmtime::component::Lower, Clone, Copy,
        )]
        #[component(enum)]
        #[repr(u8)]
        enum $name {
            $(#[component(name = $wit)] $case,)+
        }

        impl $crate::bindings::typed::ToValue for $name {
            fn to_value(self, _: &mut $crate::bindings::typed::Store<'_>) -> ::wasmtime::Result<$crate::value::Value> {
                Ok($crate::value::Value::Text(match self { $(Self::$case => $wit,)+ }.into()))
            }
        }

        impl $crate::bindings::typed::FromValue for $name {
            fn from_value(
                value: $crate::value::Value,
                _: &mut $crate::bindings::typed::Store<'_>,
            ) -> ::wasmtime::Result<Self> {
                let (case, _) = $crate::bindings::typed::case(value)?;
                $(if $crate::value::same_name(&case, $wit) {
                    return Ok(Self::$case);
                })+
                Err($crate::bindings::shapes::no_case(&case))
            }
        }
    };
}

pub(super) use {cases, payload, record, variant};

use crate::value::Value;

/// A record's field in the host's answer.
pub fn field(value: &mut Value, name: &str) -> wasmtime::Result<Value> {
    match value.field(name) {
        Some(part) => Ok(part),
        None => Err(wasmtime::format_err!("the host answered with {} without the field {name:?}", value.describe())),
    }
}

pub fn no_case(case: &str) -> wasmtime::Error {
    wasmtime::format_err!("the host answered with the case {case:?}, which the type does not have")
}
