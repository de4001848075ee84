//! What Spin's MQTT trigger calls. Prints `mqtt: TOPIC BODY`; the message
//! `poison` is an error.

wit_bindgen::generate!({
    world: "paddock:triggers/mqtt",
    path: "../../wit/triggers",
    generate_all,
});

struct Trigger;

impl Guest for Trigger {
    fn handle_message(message: Vec<u8>, metadata: Metadata) -> Result<(), Error> {
        if message == b"poison" {
            return Err(Error::Other("poison".to_owned()));
        }
        println!("mqtt: {} {}", metadata.topic, String::from_utf8_lossy(&message));
        Ok(())
    }
}

export!(Trigger);
