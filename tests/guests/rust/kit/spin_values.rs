//! Values of `fermyon:spin`'s two families of SQL types, from a parameter and
//! as `type:value`. The macros are for the types that each guest's own bindings
//! have.
#![allow(unused_macros, unused_imports)]

/// Of a module with SQLite's `Value`.
macro_rules! sqlite_values {
    ($value:ty) => {
        fn sqlite_value(param: &Param) -> Result<$value, Failure> {
            type Value = $value;
            Ok(match param.kind.as_str() {
                "null" => Value::Null,
                "int" => Value::Integer(param.number()?),
                "bool" => Value::Integer((param.text == "true").into()),
                "real" => Value::Real(param.number()?),
                "text" | "letters" => Value::Text(param.string()?),
                "blob" | "zeros" => Value::Blob(param.bytes()?),
                _ => return Err(param.wrong()),
            })
        }

        fn sqlite_shown(value: &$value) -> String {
            type Value = $value;
            match value {
                Value::Null => "null".to_owned(),
                Value::Integer(number) => format!("integer:{number}"),
                Value::Real(number) => format!("real:{number:?}"),
                Value::Text(text) => format!("text:{text}"),
                Value::Blob(bytes) => format!("blob:{}", hex(bytes)),
            }
        }
    };
}

/// Of a module with `ParameterValue`, `DbValue`, `DbDataType` and `Column`.
macro_rules! rdbms_values {
    ($($types:ident)::+) => {
        fn rdbms_value(param: &Param) -> Result<$($types)::+::ParameterValue, Failure> {
            use $($types)::+::ParameterValue as Value;
            Ok(match param.kind.as_str() {
                "null" => Value::DbNull,
                "bool" => Value::Boolean(param.number()?),
                "int8" => Value::Int8(param.number()?),
                "int16" => Value::Int16(param.number()?),
                "int32" => Value::Int32(param.number()?),
                "int" | "int64" => Value::Int64(param.number()?),
                "uint8" => Value::Uint8(param.number()?),
                "uint16" => Value::Uint16(param.number()?),
                "uint32" => Value::Uint32(param.number()?),
                "uint64" => Value::Uint64(param.number()?),
                "real32" => Value::Floating32(param.number()?),
                "real" | "real64" => Value::Floating64(param.number()?),
                "text" | "letters" => Value::Str(param.string()?),
                "blob" | "zeros" => Value::Binary(param.bytes()?),
                _ => return Err(param.wrong()),
            })
        }

        fn rdbms_shown(value: &$($types)::+::DbValue) -> String {
            use $($types)::+::DbValue as Value;
            match value {
                Value::DbNull => "null".to_owned(),
                Value::Boolean(value) => format!("boolean:{value}"),
                Value::Int8(number) => format!("int8:{number}"),
                Value::Int16(number) => format!("int16:{number}"),
                Value::Int32(number) => format!("int32:{number}"),
                Value::Int64(number) => format!("int64:{number}"),
                Value::Uint8(number) => format!("uint8:{number}"),
                Value::Uint16(number) => format!("uint16:{number}"),
                Value::Uint32(number) => format!("uint32:{number}"),
                Value::Uint64(number) => format!("uint64:{number}"),
                Value::Floating32(number) => format!("floating32:{number:?}"),
                Value::Floating64(number) => format!("floating64:{number:?}"),
                Value::Str(text) => format!("str:{text}"),
                Value::Binary(bytes) => format!("binary:{}", hex(bytes)),
                Value::Unsupported => "unsupported".to_owned(),
            }
        }

        fn rdbms_column(column: &$($types)::+::Column) -> String {
            use $($types)::+::DbDataType as Type;
            let kind = match column.data_type {
                Type::Boolean => "boolean",
                Type::Int8 => "int8",
                Type::Int16 => "int16",
                Type::Int32 => "int32",
                Type::Int64 => "int64",
                Type::Uint8 => "uint8",
                Type::Uint16 => "uint16",
                Type::Uint32 => "uint32",
                Type::Uint64 => "uint64",
                Type::Floating32 => "floating32",
                Type::Floating64 => "floating64",
                Type::Str => "str",
                Type::Binary => "binary",
                Type::Other => "other",
            };
            format!("{}:{kind}", column.name)
        }
    };
}

pub(crate) use {rdbms_values, sqlite_values};
