//! `wasmcloud:messaging@0.3.0`, both sides: bodies are streams. The routes of
//! `messaging`, and `/publish?size=` (a body of that many letters, written in
//! parts), `/request` without `timeout=` leaves the time to the host.
//!
//! The handler is that of `messaging`, but a message `poison` is rejected, and
//! `again` asks to be sent once more.

wit_bindgen::generate!({
    world: "paddock:services/messaging3",
    path: [
        "../../wit/p3",
        "../../wit/p2/deps/wasi-config-rc1.wit",
        "../../wit/p2/deps/wasi-keyvalue-draft2.wit",
        "../../wit/services3",
    ],
    generate_all,
});

#[path = "../../kit/args.rs"]
mod args;
#[path = "../../kit/checksum.rs"]
mod checksum;
#[path = "../../kit/http3.rs"]
mod http;
#[path = "../../kit/inbox.rs"]
mod inbox;

use args::Query;
use exports::wasi::http::handler::Guest as HttpGuest;
use exports::wasmcloud::messaging::handler::Guest as MessageGuest;
use http::{split, text};
use wasi::clocks::monotonic_clock;
use wasi::http::types::{ErrorCode, Request, Response};
use wasi::keyvalue;
use wasmcloud::messaging::consumer::{publish, request};
use wasmcloud::messaging::types::{BrokerMessage, Error, HandleMessageError};
use wit_bindgen::rt::async_support::{StreamReader, spawn_local};

struct Messaging;

impl MessageGuest for Messaging {
    async fn handle_message(message: BrokerMessage) -> Result<(), HandleMessageError> {
        let body = String::from_utf8_lossy(&message.body.collect().await).into_owned();
        let tries = inbox::tried(&body).map_err(HandleMessageError::Other)?;
        match body.split_once(' ').unwrap_or((&body, "")) {
            ("poison", _) => return Err(HandleMessageError::Reject),
            ("again", _) => return Err(HandleMessageError::Retry),
            ("once", _) if tries == 1 => {
                return Err(HandleMessageError::Other("the first time".to_owned()));
            }
            ("trap", _) => std::arch::wasm32::unreachable(),
            ("slow", ms) => {
                monotonic_clock::wait_for(ms.parse().unwrap_or(100) * 1_000_000).await;
            }
            _ => {}
        }
        inbox::append(&message.subject, message.reply_to.as_deref(), &body)
            .map_err(HandleMessageError::Other)?;
        if let Some(subject) = message.reply_to {
            let body = stream(vec![format!("re: {body}").into_bytes()]);
            let reply = BrokerMessage { subject, body, reply_to: None };
            publish(reply).await.map_err(|error| HandleMessageError::Other(why(error)))?;
        }
        Ok(())
    }
}

/// A stream that is given these parts one after the other.
fn stream(parts: Vec<Vec<u8>>) -> StreamReader<u8> {
    let (mut writer, reader) = wit_stream::new();
    spawn_local(async move {
        for part in parts {
            if !writer.write_all(part).await.is_empty() {
                return;
            }
        }
    });
    reader
}

fn why(error: Error) -> String {
    match error {
        Error::SubjectInvalid => "subject-invalid".to_owned(),
        Error::AccessDenied => "access-denied".to_owned(),
        Error::Timeout => "timeout".to_owned(),
        Error::BrokerUnavailable => "broker-unavailable".to_owned(),
        Error::MessageTooLarge => "message-too-large".to_owned(),
        Error::QuotaExceeded => "quota-exceeded".to_owned(),
        Error::Other(why) => format!("other({why})"),
    }
}

impl HttpGuest for Messaging {
    async fn handle(incoming: Request) -> Result<Response, ErrorCode> {
        let (path, query) = split(&incoming.get_path_with_query().unwrap_or_default());
        let outcome = match path.as_str() {
            "/publish" => send(&query).await,
            "/request" => ask(&query).await,
            "/received" => inbox::received(),
            "/tried" => inbox::tries(args::text(&query, "body", "")),
            "/clear" => inbox::clear(),
            other => return Ok(text(404, &format!("no route {other}\n"))),
        };
        Ok(match outcome {
            Ok(body) => text(200, &body),
            Err(why) => text(500, &format!("error: {why}\n")),
        })
    }
}

fn parts(query: &Query, number: Option<u32>) -> Vec<Vec<u8>> {
    if let Some(size) = args::one(query, "size").and_then(|size| size.parse::<usize>().ok()) {
        let starts = (0..size).step_by(8192);
        return starts.map(|at| checksum::letters(at, 8192.min(size - at))).collect();
    }
    let body = args::text(query, "body", "");
    vec![match number {
        Some(number) => format!("{body} {number}").into_bytes(),
        None => body.as_bytes().to_vec(),
    }]
}

async fn send(query: &Query) -> Result<String, String> {
    let message = |number| BrokerMessage {
        subject: args::text(query, "subject", "subject").to_owned(),
        body: stream(parts(query, number)),
        reply_to: args::one(query, "reply-to").map(str::to_owned),
    };
    let Some(count) = args::one(query, "n") else {
        publish(message(None)).await.map_err(why)?;
        return Ok("ok".to_owned());
    };
    for number in 0..count.parse().unwrap_or(1) {
        let sent = publish(message(Some(number))).await;
        sent.map_err(|error| format!("after {number}: {}", why(error)))?;
    }
    Ok(format!("{count} published"))
}

async fn ask(query: &Query) -> Result<String, String> {
    let subject = args::text(query, "subject", "subject").to_owned();
    let timeout = args::one(query, "timeout").and_then(|ms| ms.parse().ok());
    let reply = request(subject, stream(parts(query, None)), timeout).await.map_err(why)?;
    Ok(String::from_utf8_lossy(&reply.body.collect().await).into_owned())
}

export!(Messaging);
