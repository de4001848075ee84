//! Interfaces of a user's own, typed by the component that imports them.
//!
//! Values pass as the runtime's dynamic `Val`, which spends some forty bytes on
//! each byte of a `list<u8>`; [`LARGEST`] bounds what one call may carry.

use std::pin::Pin;

use wasmtime::component::types::{ComponentFunc, ComponentInstance, ComponentItem};
use wasmtime::component::{Resource, ResourceAny, ResourceType, StreamReader, Type, Val};
use wasmtime::{AsContextMut, StoreContextMut};

use super::typed::{Handle, case, drop_handle, trap, unexpected};
use super::{Binder, outcome};
use crate::hostcall::CallError;
use crate::state::State;
use crate::value::{Object, Value};

/// Bytes of one list of bytes that crosses the dynamic path.
pub const LARGEST: usize = 4 << 20;

type Result<T> = wasmtime::Result<T>;

/// Binds every function and resource which the component imports.
pub fn bind(b: &mut Binder<'_>, wanted: &ComponentInstance, engine: &wasmtime::Engine) -> Result<()> {
    for (name, item) in wanted.exports(engine) {
        match item.ty {
            ComponentItem::ComponentFunc(func) if func.async_() => concurrent(b, name)?,
            ComponentItem::ComponentFunc(_) => blocking(b, name)?,
            ComponentItem::Resource(_) => {
                b.instance.resource(name, ResourceType::host::<Handle>(), |mut store, rep| {
                    drop_handle(store.data_mut(), rep)
                })?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn blocking(b: &mut Binder<'_>, name: &str) -> Result<()> {
    let slot = b.slot(name);
    b.instance.func_new_async(name, move |mut store, ty, arguments, results| {
        Box::new(async move {
            let arguments = from_vals(&mut store, &ty, arguments)?;
            let reply = store.data_mut().call(slot, arguments)?;
            let answer = outcome(reply).await;
            answer_into(&mut store, &ty, answer, results)
        })
    })
}

fn concurrent(b: &mut Binder<'_>, name: &str) -> Result<()> {
    let slot = b.slot(name);
    b.instance.func_new_concurrent(name, move |accessor, ty, arguments, results| {
        Box::pin(async move {
            let reply = accessor.with(|mut access| {
                let mut store = access.as_context_mut();
                let arguments = from_vals(&mut store, &ty, arguments)?;
                store.data_mut().call(slot, arguments)
            })?;
            let answer = outcome(reply).await;
            accessor.with(|mut access| answer_into(&mut access.as_context_mut(), &ty, answer, results))
        }) as Pin<Box<dyn Future<Output = Result<()>> + Send + '_>>
    })
}

fn from_vals(store: &mut StoreContextMut<'_, State>, ty: &ComponentFunc, vals: &[Val]) -> Result<Vec<Value>> {
    ty.params().zip(vals).map(|((_, ty), val)| from_val(store, &ty, val)).collect()
}

fn answer_into(
    store: &mut StoreContextMut<'_, State>,
    ty: &ComponentFunc,
    answer: std::result::Result<Value, CallError>,
    results: &mut [Val],
) -> Result<()> {
    let (Some(result), Some(ty)) = (results.first_mut(), ty.results().next()) else {
        return answer.map(|_| ()).map_err(trap);
    };
    *result = match (answer, &ty) {
        (Ok(value), Type::Result(parts)) => Val::Result(Ok(payload(store, parts.ok(), value)?)),
        (Err(CallError::Err(value)), Type::Result(parts)) => Val::Result(Err(payload(store, parts.err(), value)?)),
        (Ok(value), ty) => to_val(store, ty, value)?,
        (Err(error), _) => return Err(trap(error)),
    };
    Ok(())
}

pub(crate) fn payload(
    store: &mut StoreContextMut<'_, State>,
    ty: Option<Type>,
    value: Value,
) -> Result<Option<Box<Val>>> {
    ty.map(|ty| to_val(store, &ty, value).map(Box::new)).transpose()
}

pub(crate) fn from_val(store: &mut StoreContextMut<'_, State>, ty: &Type, val: &Val) -> Result<Value> {
    Ok(match (val, ty) {
        (Val::Bool(value), _) => Value::Bool(*value),
        (Val::S8(n), _) => Value::Signed((*n).into()),
        (Val::S16(n), _) => Value::Signed((*n).into()),
        (Val::S32(n), _) => Value::Signed((*n).into()),
        (Val::S64(n), _) => Value::Signed(*n),
        (Val::U8(n), _) => Value::Unsigned((*n).into()),
        (Val::U16(n), _) => Value::Unsigned((*n).into()),
        (Val::U32(n), _) => Value::Unsigned((*n).into()),
        (Val::U64(n), _) => Value::Unsigned(*n),
        (Val::Float32(n), _) => Value::Float((*n).into()),
        (Val::Float64(n), _) => Value::Float(*n),
        (Val::Char(c), _) => Value::Char(*c),
        (Val::String(text), _) => Value::Text(text.clone()),
        (Val::List(items), Type::List(list)) => from_list(store, &list.ty(), items)?,
        (Val::FixedLengthList(items), Type::FixedLengthList(list)) => from_list(store, &list.ty(), items)?,
        (Val::Record(fields), Type::Record(record)) => {
            let named = record.fields().zip(fields);
            let fields = named.map(|(field, (name, val))| Ok((name.clone().into(), from_val(store, &field.ty, val)?)));
            Value::Record(fields.collect::<Result<_>>()?)
        }
        (Val::Tuple(items), Type::Tuple(tuple)) => {
            Value::Tuple(tuple.types().zip(items).map(|(ty, val)| from_val(store, &ty, val)).collect::<Result<_>>()?)
        }
        (Val::Variant(name, inner), Type::Variant(variant)) => {
            let ty = variant.cases().find(|case| case.name == name).and_then(|case| case.ty);
            let inner = match (inner, ty) {
                (Some(inner), Some(ty)) => Some(Box::new(from_val(store, &ty, inner)?)),
                _ => None,
            };
            Value::Variant(name.clone().into(), inner)
        }
        (Val::Enum(name), _) => Value::Text(name.clone()),
        (Val::Option(inner), Type::Option(option)) => match inner {
            Some(inner) => from_val(store, &option.ty(), inner)?,
            None => Value::None,
        },
        (Val::Result(result), Type::Result(parts)) => {
            let (name, inner, ty) = match result {
                Ok(inner) => ("ok", inner, parts.ok()),
                Err(inner) => ("err", inner, parts.err()),
            };
            let inner = match (inner, ty) {
                (Some(inner), Some(ty)) => Some(Box::new(from_val(store, &ty, inner)?)),
                _ => None,
            };
            Value::Variant(name.into(), inner)
        }
        (Val::Flags(names), _) => Value::Flags(names.clone()),
        (Val::Resource(resource), ty) => Value::Object(object(store, *resource, matches!(ty, Type::Own(_)))?),
        _ => wasmtime::bail!("a value of this type can't cross to the host dynamically"),
    })
}

fn from_list(store: &mut StoreContextMut<'_, State>, ty: &Type, items: &[Val]) -> Result<Value> {
    if matches!(ty, Type::U8) {
        limit(items.len())?;
        let byte = |val: &Val| if let Val::U8(byte) = val { *byte } else { 0 };
        return Ok(Value::Bytes(items.iter().map(byte).collect()));
    }
    Ok(Value::List(items.iter().map(|val| from_val(store, ty, val)).collect::<Result<_>>()?))
}

fn limit(bytes: usize) -> Result<()> {
    wasmtime::ensure!(
        bytes <= LARGEST,
        "a list of {bytes} bytes exceeds the {LARGEST} bytes that an interface without generated bindings may carry"
    );
    Ok(())
}

fn object(store: &mut StoreContextMut<'_, State>, resource: ResourceAny, owned: bool) -> Result<Object> {
    let handle: Resource<Handle> = resource.try_into_resource(&mut *store)?;
    let table = &mut store.data_mut().table;
    if owned { table.delete(handle)?.give() } else { table.get(&handle)?.object() }
}

pub(crate) fn to_val(store: &mut StoreContextMut<'_, State>, ty: &Type, value: Value) -> Result<Val> {
    Ok(match (ty, value) {
        (Type::Bool, Value::Bool(value)) => Val::Bool(value),
        (Type::S8, value) => Val::S8(integer(value)?),
        (Type::U8, value) => Val::U8(integer(value)?),
        (Type::S16, value) => Val::S16(integer(value)?),
        (Type::U16, value) => Val::U16(integer(value)?),
        (Type::S32, value) => Val::S32(integer(value)?),
        (Type::U32, value) => Val::U32(integer(value)?),
        (Type::S64, value) => Val::S64(integer(value)?),
        (Type::U64, value) => Val::U64(integer(value)?),
        (Type::Float32, value) => Val::Float32(float(value)? as f32),
        (Type::Float64, value) => Val::Float64(float(value)?),
        (Type::Char, value) => Val::Char(character(value)?),
        (Type::String, Value::Text(text)) => Val::String(text),
        (Type::List(list), value) => Val::List(list_items(store, &list.ty(), value)?),
        (Type::FixedLengthList(list), value) => Val::FixedLengthList(list_items(store, &list.ty(), value)?),
        (Type::Record(record), mut value) => {
            let mut fields = Vec::new();
            for field in record.fields() {
                let Some(part) = value.field(field.name) else {
                    wasmtime::bail!("the host answered with {} without the field {:?}", value.describe(), field.name);
                };
                fields.push((field.name.to_string(), to_val(store, &field.ty, part)?));
            }
            Val::Record(fields)
        }
        (Type::Tuple(tuple), Value::Tuple(items) | Value::List(items)) if tuple.types().len() == items.len() => {
            let items = tuple.types().zip(items).map(|(ty, item)| to_val(store, &ty, item));
            Val::Tuple(items.collect::<Result<_>>()?)
        }
        (Type::Variant(variant), value) => {
            let (name, inner) = case(value)?;
            let Some(found) = variant.cases().find(|case| crate::value::same_name(&name, case.name)) else {
                wasmtime::bail!("the host answered with the case {name:?}, which the variant does not have");
            };
            let inner = found.ty.map(|ty| to_val(store, &ty, inner).map(Box::new)).transpose()?;
            Val::Variant(found.name.to_string(), inner)
        }
        (Type::Enum(names), Value::Text(name)) => {
            match names.names().find(|known| crate::value::same_name(&name, known)) {
                Some(known) => Val::Enum(known.to_string()),
                None => wasmtime::bail!("the host answered with {name:?}, which the enum does not have"),
            }
        }
        (Type::Option(_), Value::None) => Val::Option(None),
        (Type::Option(option), value) => Val::Option(Some(Box::new(to_val(store, &option.ty(), value)?))),
        (Type::Result(parts), value) => {
            let (name, inner) = case(value)?;
            Val::Result(match name.as_ref() {
                "ok" => Ok(payload(store, parts.ok(), inner)?),
                _ => Err(payload(store, parts.err(), inner)?),
            })
        }
        (Type::Flags(_), Value::Flags(names)) => Val::Flags(names),
        (Type::Stream(stream), Value::Bytes(bytes)) if matches!(stream.ty(), Some(Type::U8)) => {
            let reader = StreamReader::new(&mut *store, bytes)?;
            Val::Stream(reader.try_into_stream_any(&mut *store)?)
        }
        (Type::Own(_), Value::Object(object)) => {
            let handle = store.data_mut().table.push(Handle::new(object))?;
            Val::Resource(ResourceAny::try_from_resource(handle, &mut *store)?)
        }
        (ty, value) => return Err(unexpected(plain(ty), &value)),
    })
}

fn list_items(store: &mut StoreContextMut<'_, State>, ty: &Type, value: Value) -> Result<Vec<Val>> {
    match value {
        Value::Bytes(bytes) if matches!(ty, Type::U8) => {
            limit(bytes.len())?;
            Ok(bytes.into_iter().map(Val::U8).collect())
        }
        Value::List(items) | Value::Tuple(items) => items.into_iter().map(|item| to_val(store, ty, item)).collect(),
        other => Err(unexpected("a list", &other)),
    }
}

fn integer<T: TryFrom<i64> + TryFrom<u64>>(value: Value) -> Result<T> {
    let number = match value {
        Value::Signed(number) => T::try_from(number).ok(),
        Value::Unsigned(number) => T::try_from(number).ok(),
        other => return Err(unexpected("an integer", &other)),
    };
    number.ok_or_else(|| wasmtime::format_err!("the host's number is out of range for {}", std::any::type_name::<T>()))
}

fn float(value: Value) -> Result<f64> {
    match value {
        Value::Float(number) => Ok(number),
        Value::Signed(number) => Ok(number as f64),
        Value::Unsigned(number) => Ok(number as f64),
        other => Err(unexpected("a number", &other)),
    }
}

fn character(value: Value) -> Result<char> {
    match value {
        Value::Char(c) => Ok(c),
        Value::Text(text) => {
            let mut characters = text.chars();
            match (characters.next(), characters.next()) {
                (Some(c), None) => Ok(c),
                _ => wasmtime::bail!("the host answered with a string where one character is expected"),
            }
        }
        other => Err(unexpected("a character", &other)),
    }
}

fn plain(ty: &Type) -> &'static str {
    match ty {
        Type::Bool => "a bool",
        Type::String => "a string",
        Type::Tuple(_) => "a tuple of the same length",
        Type::Enum(_) => "an enum case",
        Type::Flags(_) => "flags",
        Type::Own(_) => "a resource",
        Type::Borrow(_) => "nothing (a host can't lend a resource)",
        _ => "a value of another type",
    }
}
