//! Calls into the prebuilt guests, and values that go to JSON and back.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Type, Val};

use super::*;
use crate::command;
use crate::events::Event;
use crate::options::EngineOptions;

struct Silent;

impl Events for Silent {
    fn emit(&self, _: Event) {}
}

static ENGINE: LazyLock<Arc<Engine>> =
    LazyLock::new(|| Engine::new(EngineOptions { pooling: false, ..EngineOptions::default() }).unwrap());

fn guest(path: &str) -> Arc<Artifact> {
    let path = format!("{}/../../tests/guests/{path}", env!("CARGO_MANIFEST_DIR"));
    ENGINE.load(&std::fs::read(path).unwrap()).unwrap()
}

fn call(artifact: &Arc<Artifact>, name: &str, arguments: &[&str]) -> Result<Invoked> {
    let call = Call { name: name.into(), arguments: arguments.iter().map(ToString::to_string).collect() };
    let options = RunOptions::default();
    command::block_on(invoke(&ENGINE, Arc::clone(artifact), &call, options, &Bound::new(), Arc::new(Silent), None))
}

fn printed(artifact: &Arc<Artifact>, name: &str, arguments: &[&str]) -> String {
    call(artifact, name, arguments).unwrap().json.unwrap_or_default()
}

#[test]
fn exports_of_core_modules_take_and_print_numbers() {
    let add = guest("wat/add.wat");
    assert_eq!(printed(&add, "add", &["1", "2"]), "3");
    assert_eq!(printed(&add, "add64", &["9007199254740993", "0x1"]), "9007199254740994");
    assert_eq!(printed(&add, "half", &["3"]), "1.5");
    assert_eq!(printed(&add, "half", &["inf"]), "\"inf\"");
    assert_eq!(printed(&add, "swap", &["1", "-2"]), "[-2,1]");
    assert_eq!(call(&add, "nothing", &[]).unwrap(), Invoked { exit: 0, json: None });
}

#[test]
fn a_mistaken_call_of_a_core_module_is_explained() {
    let add = guest("wat/add.wat");
    let error = call(&add, "add", &["1", "two"]).unwrap_err();
    assert_eq!(error.message, "parameter 2 of add: expected i32, got \"two\"");
    assert_eq!(error.hint.unwrap(), "its signature is add(i32, i32) -> i32");
    assert!(call(&add, "add", &["1"]).unwrap_err().message.contains("takes 2 arguments, 1 given"));
    let error = call(&add, "ad", &[]).unwrap_err();
    assert!(error.message.contains("swap(i32, i32) -> i32, i32"), "{error}");
    assert_eq!(error.hint.unwrap(), "did you mean add?");
    let trap = call(&add, "trap", &[]).unwrap_err();
    assert_eq!(trap.kind, ErrorKind::Guest);
    assert!(trap.message.contains("unreachable"), "{trap}");
}

#[test]
fn every_type_of_value_goes_in_and_comes_out() {
    let typed = guest("rust/typed/typed.wasm");
    let cases: &[(&str, &[&str], &str)] = &[
        ("add", &["1", "2"], "3"),
        ("repeat", &["ab", "2"], "\"abab\""),
        ("repeat", &["12", "2"], "\"1212\""),
        ("repeat", &["\"a\\\"\"", "1"], "\"a\\\"\""),
        ("sum", &["[1,2,-3]"], "0"),
        ("shapes.move-by", &[r#"{"x":1,"y":2}"#, "3", "4"], r#"{"x":4,"y":6}"#),
        ("shapes#area", &["nothing"], "0.0"),
        ("area", &[r#"{"polygon":[{"x":0,"y":0},{"x":2,"y":0},{"x":2,"y":2},{"x":0,"y":2}]}"#], "4.0"),
        ("paddock:typed/shapes@1.0.0#next", &["green"], "\"deep-blue\""),
        ("paddock:typed/shapes#both", &[r#"["read","write"]"#, r#"["write","run-it"]"#], r#"["write"]"#),
        ("swap", &[r#"["a",18446744073709551615]"#], r#"[18446744073709551615,"a"]"#),
        ("find", &[r#"["one","two"]"#, "t"], "\"two\""),
        ("find", &["[]", "t"], "null"),
        ("divide", &["7", "2"], r#"{"ok":3}"#),
        ("reverse", &["[1,2,255]"], "[255,2,1]"),
        ("upper", &["x"], "\"X\""),
        ("not", &["true"], "false"),
        ("mean", &["[0.1,0.1]"], "0.1"),
        ("check", &["0"], r#"{"ok":null}"#),
    ];
    for (name, arguments, wanted) in cases {
        let invoked = call(&typed, name, arguments).unwrap_or_else(|e| panic!("{name} {arguments:?}: {e}"));
        if !wanted.is_empty() {
            assert_eq!(invoked.json.as_deref(), Some(*wanted), "{name} {arguments:?}");
        }
    }
    assert_eq!(call(&typed, "divide", &["7", "0"]).unwrap().exit, 1);
}

#[test]
fn a_mistake_inside_a_value_is_located() {
    let typed = guest("rust/typed/typed.wasm");
    let message = |name: &str, arguments: &[&str]| call(&typed, name, arguments).unwrap_err().message;
    let nested = message("area", &[r#"{"polygon":[{"x":0,"y":0},{"x":"a","y":0}]}"#]);
    assert!(
        nested.contains("\"shape\"") && nested.ends_with("at .polygon[1].x: expected s32, got the string \"a\""),
        "{nested}"
    );
    assert!(message("sum", &["[1, 99999999999999999999]"]).contains("at [1]: expected s64"));
    assert!(message("move-by", &[r#"{"x":1}"#, "1", "1"]).contains("without the field \"y\""));
    assert!(message("next", &["purple"]).contains("expected enum { red, green, deep-blue }"));
    assert!(message("reverse", &["oops"]).contains("expected list<u8> in JSON"));
    assert!(message("nonsense", &[]).contains("add: func(a: s32, b: s32) -> s32"));
    let trap = call(&typed, "fail", &["boom"]).unwrap_err();
    assert!(trap.message.contains("in (innermost first):"), "{trap}");
}

#[test]
fn a_time_limit_ends_an_endless_loop() {
    let text = b"(module (func (export \"_start\") (loop br 0)))";
    let artifact = ENGINE.load(text).unwrap();
    let mut options = RunOptions::default();
    options.limits.time = Some(Duration::from_millis(50));
    let ended = command::block_on(command::run(&ENGINE, artifact, options, &Bound::new(), Arc::new(Silent), None));
    assert_eq!(ended.unwrap_err().message, "the time limit of 50ms is over");
}

/// xorshift64*: the same values on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// Edges of a range more often than chance would have them.
    fn bits(&mut self) -> u64 {
        match self.below(4) {
            0 => 0,
            1 => u64::MAX,
            2 => 1 << self.below(64),
            _ => self.next(),
        }
    }
}

/// A random value of a type.
fn any(random: &mut Random, ty: &Type) -> Val {
    match ty {
        Type::Bool => Val::Bool(random.below(2) == 0),
        Type::S8 => Val::S8(random.bits() as i8),
        Type::U8 => Val::U8(random.bits() as u8),
        Type::S16 => Val::S16(random.bits() as i16),
        Type::U16 => Val::U16(random.bits() as u16),
        Type::S32 => Val::S32(random.bits() as i32),
        Type::U32 => Val::U32(random.bits() as u32),
        Type::S64 => Val::S64(random.bits() as i64),
        Type::U64 => Val::U64(random.bits()),
        Type::Float32 => Val::Float32(f32::from_bits(random.next() as u32)),
        Type::Float64 => Val::Float64(f64::from_bits(random.next())),
        Type::Char => Val::Char(char::from_u32(random.next() as u32 % 0x11_0000).unwrap_or('\u{fffd}')),
        Type::String => Val::String((0..random.below(6)).map(|_| random.next() as u8 as char).collect()),
        Type::List(list) => Val::List((0..random.below(5)).map(|_| any(random, &list.ty())).collect()),
        Type::Record(record) => {
            Val::Record(record.fields().map(|f| (f.name.to_string(), any(random, &f.ty))).collect())
        }
        Type::Tuple(tuple) => Val::Tuple(tuple.types().map(|ty| any(random, &ty)).collect()),
        Type::Variant(variant) => {
            let case = variant.cases().nth(random.below(variant.cases().len())).unwrap();
            Val::Variant(case.name.to_string(), case.ty.map(|ty| Box::new(any(random, &ty))))
        }
        Type::Enum(names) => Val::Enum(names.names().nth(random.below(names.names().len())).unwrap().to_string()),
        Type::Option(option) => Val::Option((random.below(3) > 0).then(|| Box::new(any(random, &option.ty())))),
        Type::Result(parts) => {
            let mut side = |ty: Option<Type>| ty.map(|ty| Box::new(any(random, &ty)));
            Val::Result(match (parts.ok(), parts.err()) {
                (ok, None) => Ok(side(ok)),
                (None, err) => Err(side(err)),
                (ok, err) => {
                    if random.below(2) == 0 {
                        Ok(ok.map(|ty| Box::new(any(random, &ty))))
                    } else {
                        Err(err.map(|ty| Box::new(any(random, &ty))))
                    }
                }
            })
        }
        Type::Flags(flags) => Val::Flags(flags.names().filter(|_| random.below(2) == 0).map(Into::into).collect()),
        other => panic!("no values of {}", signature::text(other)),
    }
}

/// Takes a value apart or exchanges parts, so that it mostly no longer fits.
fn damage(random: &mut Random, json: &mut Json) {
    match json {
        Json::Array(items) if !items.is_empty() && random.below(3) > 0 => {
            let at = random.below(items.len());
            damage(random, &mut items[at]);
        }
        Json::Object(object) if !object.is_empty() && random.below(3) > 0 => {
            let at = random.below(object.len());
            damage(random, object.iter_mut().nth(at).unwrap().1);
        }
        _ => {
            *json = match random.below(6) {
                0 => Json::Null,
                1 => Json::from(random.bits()),
                2 => Json::from(-0.5),
                3 => Json::String("\u{0}\u{10ffff}".into()),
                4 => Json::Array(vec![Json::Null; random.below(4)]),
                _ => Json::Object([("ok".to_string(), Json::Null)].into_iter().collect()),
            }
        }
    }
}

/// One component type with everything that JSON carries, nested.
fn rich() -> Vec<Type> {
    // What has a name in WIT has to be exported by the instance that uses it.
    let text = r#"(component (import "i" (instance
      (type $p (record (field "x" s8) (field "y-z" (option f32)))) (export "point" (type $point (eq $p)))
      (type $c (enum "red" "deep-blue")) (export "colour" (type $colour (eq $c)))
      (type $r (flags "read" "run-it" "write")) (export "rights" (type $rights (eq $r)))
      (type $s (variant (case "none") (case "at" $point) (case "many" (list u64)))) (export "shape" (type $shape (eq $s)))
      (type $deep (result (list (tuple $shape (option (option u16)) char)) (error $colour)))
      (export "f" (func
        (param "a" $deep) (param "b" (list (option $deep))) (param "c" $rights) (param "d" (tuple s64 f64 string bool))
        (param "e" (result)) (param "f" (result (error string))) (param "g" (option (list (result u32))))
        (param "h" (option (option (option s16)))) (param "i" (list u8)) (param "j" (tuple s32 u32)))))))"#;
    let component = wasmtime::component::Component::new(ENGINE.wasmtime(Flavour::Plain), text);
    let component = match component {
        Ok(component) => component,
        Err(error) => panic!("{error:#}"),
    };
    let ty = component.component_type();
    let ComponentItem::ComponentInstance(instance) = ty.get_import(component.engine(), "i").unwrap().ty else {
        panic!("no instance");
    };
    let ComponentItem::ComponentFunc(func) = instance.get_export(component.engine(), "f").unwrap().ty else {
        panic!("no function");
    };
    func.params().map(|(_, ty)| ty).collect()
}

/// Runs for `PADDOCK_FUZZ_SECONDS` (2 unless told). What goes to JSON comes
/// back the same; JSON that does not fit is refused and never panics.
#[test]
fn random_values_survive_json_and_damaged_json_is_refused() {
    let seconds = std::env::var("PADDOCK_FUZZ_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(2);
    let end = Instant::now() + Duration::from_secs(seconds);
    let types = rich();
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut rounds = 0_u64;
    while Instant::now() < end {
        for ty in &types {
            let json = write::value(&any(&mut random, ty)).unwrap();
            let text = json.to_string();
            let back = read::value(ty, &serde_json::from_str(&text).unwrap());
            let back = back.unwrap_or_else(|e| panic!("{text} as {}: {e}", signature::text(ty)));
            assert_eq!(write::value(&back).unwrap().to_string(), text);
            let mut broken = json;
            damage(&mut random, &mut broken);
            match read::value(ty, &broken) {
                // Damage may leave a value that fits; then it is carried on as any other.
                Ok(val) => drop(write::value(&val).unwrap()),
                Err(mismatch) => assert!(mismatch.to_string().contains("expected")),
            }
            let cut: String = text.chars().take(random.below(text.chars().count() + 1)).collect();
            let _ = read::argument(ty, &cut);
            rounds += 1;
        }
    }
    assert!(rounds > 100);
}
