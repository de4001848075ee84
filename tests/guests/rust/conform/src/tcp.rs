//! One line to a TCP echo, and back.

use crate::wasi::http::types::IncomingRequest;
use crate::wasi::sockets::instance_network::instance_network;
use crate::wasi::sockets::network::{
    ErrorCode, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress,
};
use crate::wasi::sockets::tcp_create_socket::create_tcp_socket;
use crate::{Outcome, ensure, header};

const MESSAGE: &[u8] = b"there and back again";

/// As the binding generators of Rust print it: `access-denied (error 1)`.
fn shown(error: ErrorCode) -> String {
    error.to_string()
}

fn address(text: &str) -> Option<IpSocketAddress> {
    let address: std::net::SocketAddrV4 = text.parse().ok()?;
    let [a, b, c, d] = address.ip().octets();
    Some(IpSocketAddress::Ipv4(Ipv4SocketAddress { port: address.port(), address: (a, b, c, d) }))
}

pub fn check(request: &IncomingRequest) -> Outcome {
    let address = address(&header(request, "address")?).ok_or("no address")?;
    let socket = create_tcp_socket(IpAddressFamily::Ipv4).map_err(shown)?;
    socket.start_connect(&instance_network(), address).map_err(shown)?;
    let (input, output) = loop {
        match socket.finish_connect() {
            Err(ErrorCode::WouldBlock) => socket.subscribe().block(),
            connected => break connected.map_err(shown)?,
        }
    };
    output.blocking_write_and_flush(MESSAGE).map_err(|error| error.to_string())?;
    let mut echo = Vec::new();
    while echo.len() < MESSAGE.len() {
        echo.extend(input.blocking_read(1024).map_err(|error| error.to_string())?);
    }
    ensure(echo == MESSAGE, "the echo")?;
    Ok(Vec::new())
}
