//! Sockets of WASI 0.2, by hand: the standard library here knows none. Over the bindings of
//! the crate that includes this file, as `http.rs`.
#![allow(dead_code)]

use crate::wasi::io::streams::{InputStream, OutputStream, StreamError};
use crate::wasi::sockets::instance_network::instance_network;
use crate::wasi::sockets::ip_name_lookup::resolve_addresses;
use crate::wasi::sockets::network::{
    ErrorCode, IpAddress, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress,
};
use crate::wasi::sockets::tcp::ShutdownType;
use crate::wasi::sockets::tcp_create_socket::create_tcp_socket;
use crate::wasi::sockets::udp::OutgoingDatagram;
use crate::wasi::sockets::udp_create_socket::create_udp_socket;

pub fn parse(address: &str, port: &str) -> IpSocketAddress {
    let port = port.parse().expect("the port is a number");
    match address.parse().expect("the address is of IP") {
        std::net::IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            IpSocketAddress::Ipv4(Ipv4SocketAddress { port, address: (a, b, c, d) })
        }
        std::net::IpAddr::V6(v6) => {
            let [a, b, c, d, e, f, g, h] = v6.segments();
            let address = (a, b, c, d, e, f, g, h);
            IpSocketAddress::Ipv6(Ipv6SocketAddress { port, flow_info: 0, address, scope_id: 0 })
        }
    }
}

fn family(address: &IpSocketAddress) -> IpAddressFamily {
    match address {
        IpSocketAddress::Ipv4(_) => IpAddressFamily::Ipv4,
        IpSocketAddress::Ipv6(_) => IpAddressFamily::Ipv6,
    }
}

/// Calls until the answer is another than "would block".
fn wait<T>(
    subscribe: impl Fn() -> crate::wasi::io::poll::Pollable,
    finish: impl Fn() -> Result<T, ErrorCode>,
) -> Result<T, ErrorCode> {
    loop {
        match finish() {
            Err(ErrorCode::WouldBlock) => subscribe().block(),
            other => return other,
        }
    }
}

fn send(stream: &OutputStream, bytes: &[u8]) -> Result<(), ErrorCode> {
    stream.blocking_write_and_flush(bytes).map_err(|_| ErrorCode::ConnectionReset)
}

fn read_all(stream: &InputStream) -> Result<Vec<u8>, ErrorCode> {
    let mut whole = Vec::new();
    loop {
        match stream.blocking_read(4096) {
            Ok(bytes) => whole.extend(bytes),
            Err(StreamError::Closed) => return Ok(whole),
            Err(_) => return Err(ErrorCode::ConnectionReset),
        }
    }
}

pub fn tcp(address: IpSocketAddress, text: &str) -> Result<String, ErrorCode> {
    let socket = create_tcp_socket(family(&address))?;
    socket.start_connect(&instance_network(), address)?;
    let (input, output) = wait(|| socket.subscribe(), || socket.finish_connect())?;
    send(&output, text.as_bytes())?;
    socket.shutdown(ShutdownType::Send)?;
    Ok(String::from_utf8_lossy(&read_all(&input)?).into_owned())
}

pub fn listen(address: IpSocketAddress) -> Result<String, ErrorCode> {
    let socket = create_tcp_socket(family(&address))?;
    socket.start_bind(&instance_network(), address)?;
    wait(|| socket.subscribe(), || socket.finish_bind())?;
    socket.start_listen()?;
    wait(|| socket.subscribe(), || socket.finish_listen())?;
    let (_peer, input, output) = wait(|| socket.subscribe(), || socket.accept())?;
    let bytes = read_all(&input)?;
    send(&output, &bytes)?;
    Ok(format!("{} bytes sent back", bytes.len()))
}

pub fn udp(address: IpSocketAddress, text: &str) -> Result<String, ErrorCode> {
    let family = family(&address);
    let any = if family == IpAddressFamily::Ipv4 { "0.0.0.0" } else { "::" };
    let socket = create_udp_socket(family)?;
    socket.start_bind(&instance_network(), parse(any, "0"))?;
    wait(|| socket.subscribe(), || socket.finish_bind())?;
    let (input, output) = socket.stream(Some(address))?;
    while output.check_send()? == 0 {
        output.subscribe().block();
    }
    output.send(&[OutgoingDatagram { data: text.as_bytes().to_vec(), remote_address: None }])?;
    loop {
        if let Some(datagram) = input.receive(1)?.first() {
            return Ok(String::from_utf8_lossy(&datagram.data).into_owned());
        }
        input.subscribe().block();
    }
}

pub fn resolve(name: &str) -> Result<String, ErrorCode> {
    let found = resolve_addresses(&instance_network(), name)?;
    let mut lines = Vec::new();
    while let Some(address) = wait(|| found.subscribe(), || found.resolve_next_address())? {
        lines.push(match address {
            IpAddress::Ipv4((a, b, c, d)) => std::net::Ipv4Addr::new(a, b, c, d).to_string(),
            IpAddress::Ipv6((a, b, c, d, e, f, g, h)) => {
                std::net::Ipv6Addr::new(a, b, c, d, e, f, g, h).to_string()
            }
        });
    }
    Ok(lines.join("\n"))
}
