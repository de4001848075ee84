use wasmparser::{KnownCustom, Name, Parser, Payload, Validator, WasmFeatures};

use super::*;

const SOCKET: &str = r#"(component
    (import "acme:a/b@0.1.0" (instance $b (export "f" (func (result u32)))))
    (import "acme:log/log" (instance (export "log" (func (param "text" string)))))
    (alias export $b "f" (func $f))
    (export "g" (func $f)))"#;
const PLUG: &str = r#"(component
    (import "acme:log/log" (instance (export "log" (func (param "text" string)))))
    (core module $m (func (export "f") (result i32) i32.const 42))
    (core instance $i (instantiate $m))
    (func $f (result u32) (canon lift (core func $i "f")))
    (instance $b (export "f" (func $f)))
    (export "acme:a/b@0.1.3" (instance $b)))"#;
/// `user` has a resource of `owner`, so that neither can be denied alone.
const RESOURCES: &str = r#"(component
    (import "acme:r/owner" (instance $owner (export "thing" (type (sub resource)))))
    (alias export $owner "thing" (type $thing))
    (import "acme:r/user" (instance
        (alias outer 1 $thing (type $outer))
        (export "thing" (type $t (eq $outer)))
        (export "use" (func (param "it" (borrow $t)) (result string)))))
    (import "acme:r/other" (instance (export "f" (func)))))"#;
const PART: &[u8] = include_bytes!("../../../tests/guests/rust/part/part.wasm");

fn wasm(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(one, other)| (one.to_string(), other.to_string())).collect()
}

fn refused(pairs: &[(&str, &str)]) -> Vec<Denied> {
    pairs.iter().map(|(name, text)| (name.to_string(), Some(text.to_string()))).collect()
}

fn plugged(plug: &[u8], wiring: &[(&str, &str)]) -> Result<Vec<u8>, Misfit> {
    compose(&wasm(SOCKET), &[Plug { name: "p", component: plug, wiring: &pairs(wiring) }], &[])
}

fn valid(component: &[u8]) -> Names {
    Validator::new_with_features(WasmFeatures::all()).validate_all(component).unwrap();
    names(component).unwrap()
}

fn function_names(binary: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for payload in Parser::new(0).parse_all(binary) {
        let Ok(Payload::CustomSection(section)) = payload else { continue };
        let KnownCustom::Name(names) = section.as_known() else { continue };
        for name in names {
            if let Ok(Name::Function(functions)) = name {
                found.extend(functions.into_iter().map(|naming| naming.unwrap().name.to_string()));
            }
        }
    }
    found
}

#[test]
fn a_plug_answers_an_import_and_the_rest_stays() {
    let names = valid(&plugged(&wasm(PLUG), &[("acme:a/b@0.1.0", "acme:a/b@0.1.3")]).unwrap());
    assert_eq!(names, Names { imports: vec!["acme:log/log".into()], exports: vec!["g".into()] });
}

#[test]
fn what_does_not_fit_is_named() {
    let other = PLUG.replace("(result u32)", "(result s64)").replace("(result i32) i32", "(result i64) i64");
    for (plug, wiring, said) in [
        (wasm(PLUG), ("acme:a/b@0.1.0", "acme:a/c"), "exports no 'acme:a/c'"),
        (wasm(PLUG), ("acme:a/c", "acme:a/b@0.1.3"), "`acme:a/c` is not an import"),
        (wasm(&other), ("acme:a/b@0.1.0", "acme:a/b@0.1.3"), "expected"),
        (wasm("(module)"), ("acme:a/b@0.1.0", "acme:a/b@0.1.3"), "not a binary-encoded WebAssembly component"),
    ] {
        let Misfit(text) = plugged(&plug, &[wiring]).unwrap_err();
        assert!(text.starts_with("'p': ") && text.contains(said), "{text}");
        assert!(!text.contains('\n'), "{text}");
    }
}

#[test]
fn a_denied_import_is_gone_and_its_functions_say_why() {
    let denied = refused(&[("acme:log/log", "no logs")]);
    let composed = compose(&wasm(SOCKET), &[], &denied).unwrap();
    assert_eq!(valid(&composed).imports, ["acme:a/b@0.1.0"]);
    let names = function_names(&composed);
    let name = names.iter().find_map(|name| denial(name)).unwrap();
    assert_eq!(name, "no logs (acme:log/log#log)");
    assert_eq!(denial("log"), None);
}

#[test]
fn an_interface_with_types_of_a_denied_one_is_denied_too() {
    let denied = refused(&[("acme:r/owner", "no")]);
    assert_eq!(valid(&compose(&wasm(RESOURCES), &[], &denied).unwrap()).imports, ["acme:r/other"]);
    let denied = refused(&[("acme:r/user", "no")]);
    let composed = compose(&wasm(RESOURCES), &[], &denied).unwrap();
    let mut imports = valid(&composed).imports;
    imports.sort();
    assert_eq!(imports, ["acme:r/other", "acme:r/owner"]);
}

#[test]
fn every_import_of_a_guest_can_be_denied_alone_and_all_together() {
    let all: Vec<_> = names(PART).unwrap().imports.into_iter().map(|name| (name, Some("no".to_string()))).collect();
    for one in &all {
        let composed = compose(PART, &[], std::slice::from_ref(one)).unwrap();
        assert!(!valid(&composed).imports.contains(&one.0), "{}", one.0);
    }
    let composed = compose(PART, &[], &all).unwrap();
    assert_eq!(valid(&composed), Names { imports: vec![], exports: names(PART).unwrap().exports });
}

#[test]
fn what_has_no_text_answers_that_there_is_nothing() {
    let lists =
        [("wasi:cli/environment@0.2.6".to_string(), None), ("wasi:filesystem/preopens@0.2.6".to_string(), None)];
    let composed = compose(PART, &[], &lists).unwrap();
    assert!(!valid(&composed).imports.contains(&lists[0].0));
    let functions = names_of_denied(&composed);
    assert!(functions.is_empty(), "{functions:?}");
    let mut both = lists.to_vec();
    both.push(("wasi:config/store@0.2.0-draft-2024-09-27".into(), Some("no".into())));
    let functions = names_of_denied(&compose(PART, &[], &both).unwrap());
    assert_eq!(functions, ["denied: no (wasi:config/store@0.2.0-draft-2024-09-27#get)"]);
}

fn names_of_denied(component: &[u8]) -> Vec<String> {
    function_names(component).into_iter().filter(|name| denial(name).is_some()).collect()
}

#[test]
fn damaged_bytes_are_refused() {
    let whole = wasm(PLUG);
    for length in 0..whole.len() {
        let wiring = [("acme:a/b@0.1.0", "acme:a/b@0.1.3")];
        // What is behind the last export only has names.
        assert!(plugged(&whole[..length], &wiring).is_err() || length > whole.len() * 2 / 3, "{length}");
        let _ = names(&whole[..length]);
    }
    for place in 8..whole.len() {
        let mut changed = whole.clone();
        changed[place] ^= 0x55;
        // Whatever comes of it, it is no panic.
        let _ = plugged(&changed, &[("acme:a/b@0.1.0", "acme:a/b@0.1.3")]);
        let _ = compose(&changed, &[], &refused(&[("acme:log/log", "no")]));
    }
}
