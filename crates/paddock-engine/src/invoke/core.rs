//! Exports of core modules, called with JSON.

use serde_json::Value as Json;
use wasmtime::{ExternType, FuncType, Module, Val, ValType};

use super::{Call, Invoked, close, counted, misfit, write};
use crate::command::{RunOptions, module};
use crate::engine::Engine;
use crate::error::{EngineError, ErrorKind, Result};

pub async fn invoke(engine: &Engine, code: &Module, call: &Call, options: &RunOptions) -> Result<Invoked> {
    let ty = find(code, &call.name)?;
    let signature = signature(&call.name, &ty);
    counted(call, ty.params().len(), &signature)?;
    let mut arguments = Vec::with_capacity(call.arguments.len());
    for (i, (ty, text)) in ty.params().zip(&call.arguments).enumerate() {
        let value = argument(&ty, text)
            .ok_or_else(|| misfit(&call.name, i, None, &format!("expected {ty}, got {text:?}"), &signature))?;
        arguments.push(value);
    }
    let mut store = module::store(engine, code, options)?;
    let linker = module::linker(&mut store, code)?;
    let mut results: Vec<Val> = ty.results().map(|_| Val::I32(0)).collect();
    let ended = module::bounded(&mut store, options, async |store| {
        let instance = module::start(store, &linker, code).await?;
        let Some(func) = instance.get_func(&mut *store, &call.name) else {
            wasmtime::bail!("the export {:?} is gone", call.name);
        };
        func.call_async(&mut *store, &arguments, &mut results).await
    })
    .await?;
    if let Err(exit) = ended {
        return Ok(Invoked { exit, json: None });
    }
    Ok(Invoked { exit: 0, json: print(&results)? })
}

fn functions(code: &Module) -> impl Iterator<Item = (&str, FuncType)> {
    code.exports().filter_map(|export| match export.ty() {
        ExternType::Func(ty) => Some((export.name(), ty)),
        _ => None,
    })
}

fn find(code: &Module, name: &str) -> Result<FuncType> {
    if let Some((_, ty)) = functions(code).find(|(export, _)| *export == name) {
        return Ok(ty);
    }
    let known: Vec<(String, String)> =
        functions(code).map(|(name, ty)| (name.to_string(), signature(name, &ty))).collect();
    Err(close("module", name, &known))
}

pub fn signature(name: &str, ty: &FuncType) -> String {
    let types =
        |types: &mut dyn Iterator<Item = ValType>| types.map(|ty| ty.to_string()).collect::<Vec<_>>().join(", ");
    let parameters = types(&mut ty.params());
    match ty.results().len() {
        0 => format!("{name}({parameters})"),
        _ => format!("{name}({parameters}) -> {}", types(&mut ty.results())),
    }
}

/// Integers signed or unsigned, in decimal or hexadecimal; vectors as
/// hexadecimal; floats also as `nan`, `inf`, `-inf`.
fn argument(ty: &ValType, text: &str) -> Option<Val> {
    let text = serde_json::from_str::<String>(text).unwrap_or_else(|_| text.to_string());
    let hexadecimal = || u128::from_str_radix(text.strip_prefix("0x")?, 16).ok();
    match ty {
        ValType::I32 => {
            let number = text.parse::<i64>().ok().or_else(|| hexadecimal()?.try_into().ok())?;
            let wrapped = i32::try_from(number).ok().or_else(|| u32::try_from(number).ok().map(u32::cast_signed))?;
            Some(Val::I32(wrapped))
        }
        ValType::I64 => {
            let number = text.parse::<i128>().ok().or_else(|| hexadecimal()?.try_into().ok())?;
            let wrapped = i64::try_from(number).ok().or_else(|| u64::try_from(number).ok().map(u64::cast_signed))?;
            Some(Val::I64(wrapped))
        }
        ValType::F32 => text.parse::<f32>().ok().map(|n| Val::F32(n.to_bits())),
        ValType::F64 => text.parse::<f64>().ok().map(|n| Val::F64(n.to_bits())),
        ValType::V128 => text.parse::<u128>().ok().or_else(hexadecimal).map(|n| Val::V128(n.into())),
        ValType::Ref(_) => None,
    }
}

/// Nothing, the one result, or an array of several.
fn print(results: &[Val]) -> Result<Option<String>> {
    let mut values = results.iter().map(json).collect::<Result<Vec<Json>>>()?;
    Ok(match values.len() {
        0 => None,
        1 => values.pop().map(|value| value.to_string()),
        _ => Some(Json::Array(values).to_string()),
    })
}

fn json(value: &Val) -> Result<Json> {
    Ok(match value {
        Val::I32(n) => Json::from(*n),
        Val::I64(n) => Json::from(*n),
        Val::F32(bits) => write::single(f32::from_bits(*bits)),
        Val::F64(bits) => write::double(f64::from_bits(*bits)),
        Val::V128(bits) => Json::String(format!("{:#034x}", bits.as_u128())),
        _ => {
            return Err(EngineError::new(ErrorKind::Usage, "the function returns a reference, which JSON can't carry"));
        }
    })
}
