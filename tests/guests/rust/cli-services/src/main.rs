//! A command that imports what a host answers: `set STORE KEY VALUE`,
//! `get STORE KEY` ("none" for nothing), `config KEY`, `log TEXT`, `echo` (stdin), `loop`. What fails is
//! told on stderr, and the exit code is 1.

wit_bindgen::generate!({ world: "program", path: "../../wit/p2", generate_all });

use wasi::config0_2_0_rc_1::store as config;
use wasi::keyvalue0_2_0_draft2::store::{self, Error};
use wasi::logging0_1_0_draft::logging::{Level, log};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match carried_out(&words) {
        Ok(line) => println!("{line}"),
        Err(error) => {
            eprintln!("error: {error}");
            std::process::exit(1);
        }
    }
}

fn carried_out(words: &[&str]) -> Result<String, String> {
    match words {
        ["set", name, key, value] => {
            let bucket = store::open(name).map_err(shown)?;
            bucket.set(key, value.as_bytes()).map_err(shown)?;
            Ok("ok".into())
        }
        ["get", name, key] => {
            let value = store::open(name).and_then(|bucket| bucket.get(key)).map_err(shown)?;
            Ok(value.map_or_else(|| "none".into(), |value| String::from_utf8_lossy(&value).into_owned()))
        }
        ["config", key] => {
            let value = config::get(key).map_err(|error| format!("{error:?}"))?;
            Ok(value.unwrap_or_else(|| "none".into()))
        }
        ["log", text] => {
            log(Level::Info, "guest", text);
            Ok("ok".into())
        }
        ["echo"] => std::io::read_to_string(std::io::stdin()).map_err(|error| error.to_string()),
        ["loop"] => loop {
            std::hint::spin_loop();
        },
        _ => Err("no such command".into()),
    }
}

fn shown(error: Error) -> String {
    match error {
        Error::NoSuchStore => "no-such-store".into(),
        Error::AccessDenied => "access-denied".into(),
        Error::Other(words) => words,
    }
}
