//! A command that imports `wasi:keyvalue/store` twice, under the labels `cache`
//! and `sessions`: `set LABEL STORE KEY VALUE`, `get LABEL STORE KEY` ("none" for
//! nothing). What fails is told on stderr, and the exit code is 1.

wit_bindgen::generate!({
    world: "paddock:labels/labels",
    path: ["../../wit/p2", "../../wit/labels"],
    generate_all,
});

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["set", label, name, key, value] => set(label, name, key, value),
        ["get", label, name, key] => get(label, name, key),
        _ => Err("no such command".to_owned()),
    };
    match done {
        Ok(line) => println!("{line}"),
        Err(error) => {
            eprintln!("error: {error}");
            std::process::exit(1);
        }
    }
}

fn set(label: &str, name: &str, key: &str, value: &str) -> Result<String, String> {
    match label {
        "cache" => cache::open(name).and_then(|bucket| bucket.set(key, value.as_bytes())).map_err(|e| format!("{e:?}")),
        _ => sessions::open(name).and_then(|bucket| bucket.set(key, value.as_bytes())).map_err(|e| format!("{e:?}")),
    }?;
    Ok("ok".into())
}

fn get(label: &str, name: &str, key: &str) -> Result<String, String> {
    let value = match label {
        "cache" => cache::open(name).and_then(|bucket| bucket.get(key)).map_err(|e| format!("{e:?}")),
        _ => sessions::open(name).and_then(|bucket| bucket.get(key)).map_err(|e| format!("{e:?}")),
    }?;
    Ok(value.map_or_else(|| "none".into(), |value| String::from_utf8_lossy(&value).into_owned()))
}
