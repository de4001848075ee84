//! `wasi:keyvalue` 0.2.0-draft and -draft2, `fermyon:spin/key-value` and
//! `spin:key-value@3.0.0`: names and types as in those packages' WIT.

use wasmtime::component::{ComponentType, Lift, Lower, Resource};

use super::Binder;
use super::stream::Rows;
use super::typed::{FromValue, Handle, Nothing, Store, case, text, unexpected};
use crate::value::Value;

type Bucket = Resource<Handle>;

/// A variant of cases without payload and a last one with a text, which is also
/// what an unknown case becomes.
macro_rules! errors {
    ($name:ident: $($variant:ident = $case:literal),+; else $other:ident = $other_case:literal) => {
        #[derive(ComponentType, Lower, Lift)]
        #[component(variant)]
        enum $name {
            $(#[component(name = $case)] $variant,)+
            #[component(name = $other_case)]
            $other(String),
        }

        impl FromValue for $name {
            fn from_value(value: Value, _: &mut Store<'_>) -> wasmtime::Result<Self> {
                let (case, payload) = case(value)?;
                Ok(match case.as_ref() {
                    $($case => Self::$variant,)+
                    _ => Self::$other(text(payload)),
                })
            }
        }
    };
}
errors!(Error: NoSuchStore = "no-such-store", AccessDenied = "access-denied"; else Other = "other");
errors!(
    SpinError: StoreTableFull = "store-table-full", NoSuchStore = "no-such-store", AccessDenied = "access-denied";
    else Other = "other"
);
// The oldest Spin interface, which has numbers for handles.
errors!(
    OldSpinError: StoreTableFull = "store-table-full", NoSuchStore = "no-such-store", AccessDenied = "access-denied",
    InvalidStore = "invalid-store", NoSuchKey = "no-such-key";
    else Io = "io"
);

#[derive(ComponentType, Lower)]
#[component(variant)]
enum CasError {
    #[component(name = "store-error")]
    StoreError(Error),
    #[component(name = "cas-failed")]
    CasFailed(Resource<Handle>),
}

impl FromValue for CasError {
    fn from_value(value: Value, store: &mut Store<'_>) -> wasmtime::Result<Self> {
        let (case, payload) = case(value)?;
        match case.as_ref() {
            "cas-failed" => Ok(Self::CasFailed(FromValue::from_value(payload, store)?)),
            "store-error" => Ok(Self::StoreError(FromValue::from_value(payload, store)?)),
            _ => Err(wasmtime::format_err!("the host answered with an unknown error case {case:?}")),
        }
    }
}

macro_rules! key_response {
    ($name:ident, $cursor:ty) => {
        #[derive(ComponentType, Lower)]
        #[component(record)]
        struct $name {
            keys: Vec<String>,
            cursor: Option<$cursor>,
        }

        impl FromValue for $name {
            fn from_value(mut value: Value, store: &mut Store<'_>) -> wasmtime::Result<Self> {
                match (value.field("keys"), value.field("cursor")) {
                    (Some(keys), Some(cursor)) => Ok(Self {
                        keys: FromValue::from_value(keys, store)?,
                        cursor: FromValue::from_value(cursor, store)?,
                    }),
                    _ => Err(unexpected("a record of keys and cursor", &value)),
                }
            }
        }
    };
}
key_response!(NumberedKeys, u64);
key_response!(NamedKeys, String);

/// `wasi:keyvalue`; false when the version is not one of ours.
pub fn wasi(b: &mut Binder<'_>, path: &str, version: &str) -> wasmtime::Result<bool> {
    let second = match version {
        "0.2.0-draft" => false,
        "0.2.0-draft2" => true,
        _ => return Ok(false),
    };
    match (path, second) {
        ("wasi:keyvalue/store", second) => {
            b.resource("bucket")?;
            b.func::<(String,), Result<Bucket, Error>>("open")?;
            bucket(b)?;
            match second {
                false => b.func::<(Bucket, Option<u64>), Result<NumberedKeys, Error>>("[method]bucket.list-keys")?,
                true => b.func::<(Bucket, Option<String>), Result<NamedKeys, Error>>("[method]bucket.list-keys")?,
            }
        }
        ("wasi:keyvalue/atomics", false) => {
            b.func::<(Bucket, String, u64), Result<u64, Error>>("increment")?;
        }
        ("wasi:keyvalue/atomics", true) => {
            b.resource("cas")?;
            b.func::<(Bucket, String), Result<Resource<Handle>, Error>>("[static]cas.new")?;
            b.func::<(Resource<Handle>,), Result<Option<Vec<u8>>, Error>>("[method]cas.current")?;
            b.func::<(Bucket, String, i64), Result<i64, Error>>("increment")?;
            b.func::<(Resource<Handle>, Vec<u8>), Result<(), CasError>>("swap")?;
        }
        (_, second) => {
            match second {
                false => b.func::<(Bucket, Vec<String>), Result<Vec<Option<(String, Vec<u8>)>>, Error>>("get-many")?,
                true => b.func::<(Bucket, Vec<String>), Result<Vec<(String, Option<Vec<u8>>)>, Error>>("get-many")?,
            }
            b.func::<(Bucket, Vec<(String, Vec<u8>)>), Result<(), Error>>("set-many")?;
            b.func::<(Bucket, Vec<String>), Result<(), Error>>("delete-many")?;
        }
    }
    Ok(true)
}

fn bucket(b: &mut Binder<'_>) -> wasmtime::Result<()> {
    b.func::<(Bucket, String), Result<Option<Vec<u8>>, Error>>("[method]bucket.get")?;
    b.func::<(Bucket, String, Vec<u8>), Result<(), Error>>("[method]bucket.set")?;
    b.func::<(Bucket, String), Result<(), Error>>("[method]bucket.delete")?;
    b.func::<(Bucket, String), Result<bool, Error>>("[method]bucket.exists")
}

/// Spin's families; false when the version is not one of ours.
pub fn spin(b: &mut Binder<'_>, path: &str, version: &str) -> wasmtime::Result<bool> {
    match (path, version) {
        ("fermyon:spin/key-value", "") => numbered(b)?,
        ("fermyon:spin/key-value", "2.0.0") => {
            b.resource("store")?;
            b.func::<(String,), Result<Bucket, SpinError>>("[static]store.open")?;
            b.func::<(Bucket, String), Result<Option<Vec<u8>>, SpinError>>("[method]store.get")?;
            b.func::<(Bucket, String, Vec<u8>), Result<(), SpinError>>("[method]store.set")?;
            b.func::<(Bucket, String), Result<(), SpinError>>("[method]store.delete")?;
            b.func::<(Bucket, String), Result<bool, SpinError>>("[method]store.exists")?;
            b.func::<(Bucket,), Result<Vec<String>, SpinError>>("[method]store.get-keys")?;
        }
        ("spin:key-value/key-value", "3.0.0") => {
            b.resource("store")?;
            b.async_func::<(String,), Result<Bucket, SpinError>>("[static]store.open")?;
            b.async_func::<(Bucket, String), Result<Option<Vec<u8>>, SpinError>>("[method]store.get")?;
            b.async_func::<(Bucket, String, Vec<u8>), Result<(), SpinError>>("[method]store.set")?;
            b.async_func::<(Bucket, String), Result<(), SpinError>>("[method]store.delete")?;
            b.async_func::<(Bucket, String), Result<bool, SpinError>>("[method]store.exists")?;
            b.async_func::<(Bucket,), Rows<String, SpinError>>("[method]store.get-keys")?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn numbered(b: &mut Binder<'_>) -> wasmtime::Result<()> {
    b.func::<(String,), Result<u32, OldSpinError>>("open")?;
    b.func::<(u32, String), Result<Vec<u8>, OldSpinError>>("get")?;
    b.func::<(u32, String, Vec<u8>), Result<(), OldSpinError>>("set")?;
    b.func::<(u32, String), Result<(), OldSpinError>>("delete")?;
    b.func::<(u32, String), Result<bool, OldSpinError>>("exists")?;
    b.func::<(u32,), Result<Vec<String>, OldSpinError>>("get-keys")?;
    b.func::<(u32,), Nothing>("close")
}
