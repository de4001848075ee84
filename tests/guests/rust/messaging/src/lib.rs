//! `wasmcloud:messaging@0.2.0`, both sides.
//!
//! `/publish?subject=&body=&reply-to=&n=` (n messages, each body followed by
//! ` I` when n is given), `/request?subject=&body=&timeout=` (milliseconds;
//! answers with the reply's body), `/received` what the handler got, one line
//! each in order: version, subject, reply-to or `-`, body; `/tried?body=` how
//! often a message with this body came; `/clear`.
//!
//! The handler writes into the key-value store `default`. A message `poison`
//! fails, `trap` traps, `slow N` takes N milliseconds, `once …` fails the
//! first time that it comes; whoever asks for a reply is sent `re: ` and the
//! body. The version is the environment's `VERSION`.

wit_bindgen::generate!({
    world: "paddock:services/messaging",
    path: ["../../wit/p2", "../../wit/services"],
    generate_all,
});

#[path = "../../kit/args.rs"]
mod args;
#[path = "../../kit/http.rs"]
mod http;
#[path = "../../kit/inbox.rs"]
mod inbox;

use http::{Request, text};
use wasi::clocks::monotonic_clock;
use wasi::http::types::{IncomingRequest, ResponseOutparam};
use wasi::keyvalue0_2_0_draft2 as keyvalue;
use wasmcloud::messaging::consumer::{publish, request};
use wasmcloud::messaging::types::BrokerMessage;

struct Messaging;

impl exports::wasmcloud::messaging::handler::Guest for Messaging {
    fn handle_message(message: BrokerMessage) -> Result<(), String> {
        let body = String::from_utf8_lossy(&message.body).into_owned();
        let tries = inbox::tried(&body)?;
        match body.split_once(' ').unwrap_or((&body, "")) {
            ("poison", _) => return Err("poison".to_owned()),
            ("once", _) if tries == 1 => return Err("the first time".to_owned()),
            ("trap", _) => std::arch::wasm32::unreachable(),
            ("slow", ms) => pause(ms.parse().unwrap_or(100)),
            _ => {}
        }
        inbox::append(&message.subject, message.reply_to.as_deref(), &body)?;
        if let Some(subject) = message.reply_to {
            let body = format!("re: {body}").into_bytes();
            publish(&BrokerMessage { subject, body, reply_to: None })?;
        }
        Ok(())
    }
}

fn pause(ms: u64) {
    monotonic_clock::subscribe_duration(ms * 1_000_000).block();
}

impl exports::wasi::http::incoming_handler::Guest for Messaging {
    fn handle(incoming: IncomingRequest, out: ResponseOutparam) {
        let incoming = Request::new(incoming);
        let outcome = match incoming.path.as_str() {
            "/publish" => send(&incoming),
            "/request" => ask(&incoming),
            "/received" => inbox::received(),
            "/tried" => inbox::tries(args::text(&incoming.query, "body", "")),
            "/clear" => inbox::clear(),
            other => return text(out, 404, &format!("no route {other}\n")),
        };
        match outcome {
            Ok(body) => text(out, 200, &body),
            Err(why) => text(out, 500, &format!("error: {why}\n")),
        }
    }
}

fn body(incoming: &Request) -> Vec<u8> {
    match incoming.arg("body") {
        Some(body) => body.as_bytes().to_vec(),
        None => incoming.body().all().unwrap_or_default(),
    }
}

fn send(incoming: &Request) -> Result<String, String> {
    let subject = args::text(&incoming.query, "subject", "subject").to_owned();
    let reply_to = incoming.arg("reply-to").map(str::to_owned);
    let body = body(incoming);
    let Some(count) = incoming.arg("n") else {
        publish(&BrokerMessage { subject, body, reply_to })?;
        return Ok("ok".to_owned());
    };
    for number in 0..count.parse().unwrap_or(1) {
        let body = [&body, format!(" {number}").as_bytes()].concat();
        publish(&BrokerMessage { subject: subject.clone(), body, reply_to: reply_to.clone() })
            .map_err(|why| format!("after {number}: {why}"))?;
    }
    Ok(format!("{count} published"))
}

fn ask(incoming: &Request) -> Result<String, String> {
    let subject = args::text(&incoming.query, "subject", "subject");
    let timeout = args::number(&incoming.query, "timeout", 2000);
    let reply = request(subject, &body(incoming), timeout)?;
    Ok(String::from_utf8_lossy(&reply.body).into_owned())
}

export!(Messaging);
