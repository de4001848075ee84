//! What Spin's triggers for Redis and cron call. Prints `redis: BODY` or
//! `cron: SECONDS`; the message `poison` is an error.

wit_bindgen::generate!({
    world: "paddock:triggers/spin",
    path: "../../wit/triggers",
    generate_all,
});

use exports::fermyon::spin::inbound_redis;
use fermyon::spin_cron::cron_types;

struct Triggers;

impl inbound_redis::Guest for Triggers {
    fn handle_message(message: Vec<u8>) -> Result<(), inbound_redis::Error> {
        if message == b"poison" {
            return Err(inbound_redis::Error::Error);
        }
        println!("redis: {}", String::from_utf8_lossy(&message));
        Ok(())
    }
}

impl Guest for Triggers {
    fn handle_cron_event(metadata: cron_types::Metadata) -> Result<(), cron_types::Error> {
        println!("cron: {}", metadata.timestamp);
        Ok(())
    }
}

export!(Triggers);
