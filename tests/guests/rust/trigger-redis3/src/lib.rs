//! What Spin's Redis trigger calls in its third generation, asynchronously.
//! Prints `redis3: BODY`; the message `poison` is an error.

wit_bindgen::generate!({
    world: "paddock:triggers/redis3",
    path: "../../wit/triggers",
    generate_all,
});

use exports::spin::redis::inbound_redis::{Error, Guest};

struct Trigger;

impl Guest for Trigger {
    async fn handle_message(message: Vec<u8>) -> Result<(), Error> {
        if message == b"poison" {
            return Err(Error::Other("poison".to_owned()));
        }
        println!("redis3: {}", String::from_utf8_lossy(&message));
        Ok(())
    }
}

export!(Trigger);
