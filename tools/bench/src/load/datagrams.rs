//! The load on a UDP echo server.
//!
//! It keeps a number of datagrams in flight and counts the echoes, by a blocking socket. One that is
//! lost is an error, after a while: on one machine none is, as long as so few are in flight.

use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use super::{Order, in_two_parts};

/// How long an echo may take.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn run(order: Order) -> io::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.connect(order.address)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let message = vec![b'x'; order.load.bytes];
    in_two_parts(order, |messages| {
        let window = messages.min(order.load.window as u64);
        for _ in 0..window {
            socket.send(&message)?;
        }
        let mut buffer = vec![0; 64 * 1024];
        for begun in window..messages + window {
            socket.recv(&mut buffer)?;
            if begun < messages {
                socket.send(&message)?;
            }
        }
        Ok(())
    })
}
