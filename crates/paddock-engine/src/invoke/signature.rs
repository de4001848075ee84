//! Types and functions in WIT notation, for messages.
//!
//! A compiled component keeps no names of its types, so a record is written
//! out by its fields.

use wasmtime::component::Type;
use wasmtime::component::types::ComponentFunc;

/// A function as WIT writes it, without `;`.
pub fn function(name: &str, ty: &ComponentFunc) -> String {
    let parameters: Vec<String> = ty.params().map(|(name, ty)| format!("{name}: {}", text(&ty))).collect();
    let result = ty.results().next().map_or(String::new(), |ty| format!(" -> {}", text(&ty)));
    let kind = if ty.async_() { "async func" } else { "func" };
    format!("{name}: {kind}({}){result}", parameters.join(", "))
}

/// A type in WIT notation.
pub fn text(ty: &Type) -> String {
    let or_none = |ty: Option<Type>| ty.map_or("_".into(), |ty| text(&ty));
    match ty {
        Type::List(list) => format!("list<{}>", text(&list.ty())),
        Type::FixedLengthList(list) => format!("list<{}, {}>", text(&list.ty()), list.len()),
        Type::Map(map) => format!("map<{}, {}>", text(&map.key()), text(&map.value())),
        Type::Record(record) => {
            let fields: Vec<String> = record.fields().map(|f| format!("{}: {}", f.name, text(&f.ty))).collect();
            format!("record {{ {} }}", fields.join(", "))
        }
        Type::Tuple(tuple) => {
            let parts: Vec<String> = tuple.types().map(|ty| text(&ty)).collect();
            format!("tuple<{}>", parts.join(", "))
        }
        Type::Variant(variant) => {
            let cases: Vec<String> = variant
                .cases()
                .map(|case| case.ty.map_or(case.name.to_string(), |ty| format!("{}({})", case.name, text(&ty))))
                .collect();
            format!("variant {{ {} }}", cases.join(", "))
        }
        Type::Enum(names) => format!("enum {{ {} }}", names.names().collect::<Vec<_>>().join(", ")),
        Type::Flags(flags) => format!("flags {{ {} }}", flags.names().collect::<Vec<_>>().join(", ")),
        Type::Option(option) => format!("option<{}>", text(&option.ty())),
        Type::Result(parts) => match (parts.ok(), parts.err()) {
            (None, None) => "result".into(),
            (Some(ok), None) => format!("result<{}>", text(&ok)),
            (ok, Some(err)) => format!("result<{}, {}>", or_none(ok), text(&err)),
        },
        Type::Future(future) => format!("future<{}>", or_none(future.ty())),
        Type::Stream(stream) => format!("stream<{}>", or_none(stream.ty())),
        plain => word(plain).into(),
    }
}

fn word(ty: &Type) -> &'static str {
    match ty {
        Type::Bool => "bool",
        Type::S8 => "s8",
        Type::U8 => "u8",
        Type::S16 => "s16",
        Type::U16 => "u16",
        Type::S32 => "s32",
        Type::U32 => "u32",
        Type::S64 => "s64",
        Type::U64 => "u64",
        Type::Float32 => "f32",
        Type::Float64 => "f64",
        Type::Char => "char",
        Type::String => "string",
        Type::Own(_) => "own<resource>",
        Type::Borrow(_) => "borrow<resource>",
        Type::ErrorContext => "error-context",
        _ => "?",
    }
}
