//! A command of WASI 0.3: prints its arguments, waits a moment, copies stdin to
//! stdout, and fails if the first argument is "fail".

wit_bindgen::generate!({ world: "command", path: "../../wit/p3", generate_all });

use exports::wasi::cli::run::Guest;
use wasi::cli::{environment, stdin, stdout};
use wasi::clocks::monotonic_clock;
use wit_bindgen::rt::async_support::{StreamResult, spawn_local};

struct Command;

impl Guest for Command {
    async fn run() -> Result<(), ()> {
        let arguments = environment::get_arguments();
        let (mut out, reader) = wit_stream::new();
        let written = stdout::write_via_stream(reader);
        let fails = arguments.get(1).is_some_and(|first| first == "fail");
        spawn_local(async move {
            for argument in arguments {
                out.write_all(format!("{argument}\n").into_bytes()).await;
            }
            monotonic_clock::wait_for(1_000_000).await;
            let (mut input, _) = stdin::read_via_stream();
            loop {
                let (result, bytes) = input.read(Vec::with_capacity(4096)).await;
                out.write_all(bytes).await;
                if !matches!(result, StreamResult::Complete(_)) {
                    break;
                }
            }
        });
        written.await.map_err(|_| ())?;
        if fails { Err(()) } else { Ok(()) }
    }
}

export!(Command);
