//! `wasi:config`, `fermyon:spin/config`, `fermyon:spin/variables` and
//! `spin:variables`: names and types as in those packages' WIT.

use wasmtime::component::{ComponentType, Lower};

use super::Binder;
use super::typed::{FromValue, Store, case, text};
use crate::value::Value;

macro_rules! text_errors {
    ($name:ident: $($variant:ident = $case:literal),+; else $other:ident = $other_case:literal) => {
        #[derive(ComponentType, Lower)]
        #[component(variant)]
        enum $name {
            $(#[component(name = $case)] $variant(String),)+
            #[component(name = $other_case)]
            $other(String),
        }

        impl FromValue for $name {
            fn from_value(value: Value, _: &mut Store<'_>) -> wasmtime::Result<Self> {
                let (case, payload) = case(value)?;
                Ok(match case.as_ref() {
                    $($case => Self::$variant(text(payload)),)+
                    _ => Self::$other(text(payload)),
                })
            }
        }
    };
}
text_errors!(WasiError: Upstream = "upstream"; else Io = "io");
text_errors!(ConfigError: Provider = "provider", InvalidKey = "invalid-key", InvalidSchema = "invalid-schema"; else Other = "other");
text_errors!(VariablesError: InvalidName = "invalid-name", Undefined = "undefined", Provider = "provider"; else Other = "other");

/// False when the version is not one of ours.
pub fn bind(b: &mut Binder<'_>, path: &str, version: &str) -> wasmtime::Result<bool> {
    match (path, version) {
        ("wasi:config/store", "0.2.0-draft-2024-09-27" | "0.2.0-rc.1" | "0.2.0-draft")
        | ("wasi:config/runtime", "0.2.0-draft") => {
            b.func::<(String,), Result<Option<String>, WasiError>>("get")?;
            b.func::<(), Result<Vec<(String, String)>, WasiError>>("get-all")?;
        }
        ("fermyon:spin/config", "") => b.func::<(String,), Result<String, ConfigError>>("get-config")?,
        ("fermyon:spin/variables", "2.0.0") => b.func::<(String,), Result<String, VariablesError>>("get")?,
        ("spin:variables/variables", "3.0.0") => b.async_func::<(String,), Result<String, VariablesError>>("get")?,
        _ => return Ok(false),
    }
    Ok(true)
}
