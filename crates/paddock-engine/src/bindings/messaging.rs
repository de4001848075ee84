//! `wasmcloud:messaging/consumer` 0.2.0 and 0.3.0: names and types as in those
//! packages' WIT.

use super::Binder;

/// False when the version is not one of ours.
pub fn bind(b: &mut Binder<'_>, version: &str) -> wasmtime::Result<bool> {
    match version {
        "0.2.0" => second::bind(b)?,
        "0.3.0" => third::bind(b)?,
        _ => return Ok(false),
    }
    Ok(true)
}

mod second {
    use super::Binder;
    use crate::bindings::shapes::record;

    record!(Message { subject: String = "subject", body: Vec<u8> = "body", reply_to: Option<String> = "reply-to" });

    pub fn bind(b: &mut Binder<'_>) -> wasmtime::Result<()> {
        b.func::<(String, Vec<u8>, u32), Result<Message, String>>("request")?;
        b.func::<(Message,), Result<(), String>>("publish")
    }
}

mod third {
    use wasmtime::component::StreamReader;

    use super::Binder;
    use crate::bindings::shapes::{payload, record, variant};

    record!(Message {
        subject: String = "subject",
        body: StreamReader<u8> = "body",
        reply_to: Option<String> = "reply-to",
    });

    variant!(Error {
        SubjectInvalid = "subject-invalid",
        AccessDenied = "access-denied",
        Timeout = "timeout",
        BrokerUnavailable = "broker-unavailable",
        MessageTooLarge = "message-too-large",
        QuotaExceeded = "quota-exceeded",
        Other(String) = "other",
    });

    pub fn bind(b: &mut Binder<'_>) -> wasmtime::Result<()> {
        b.async_func::<(String, StreamReader<u8>, Option<u32>), Result<Message, Error>>("request")?;
        b.async_func::<(Message,), Result<(), Error>>("publish")
    }
}
