//! The load on a UDP echo server: the same for all, in a process of its own.
//!
//! It keeps a number of datagrams in flight and counts the echoes, by a blocking socket. One that is
//! lost is an error, after a while: on one machine none is, as long as so few are in flight.

use std::io::{self, BufRead};
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use crate::cores;
use crate::load::{Order, tell};

/// How long an echo may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Does what is ordered, with standard input and output as the way to who measures.
///
/// # Errors
///
/// What the kernel reports; and that an echo did not come.
pub fn run(order: Order) -> io::Result<()> {
    cores::pin_to_last();
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.connect(order.address)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let message = vec![b'x'; order.load.bytes];
    let exchange = |messages: u64| {
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
        io::Result::Ok(())
    };
    exchange(order.warm_up)?;
    tell("warm")?;
    io::stdin().lock().read_line(&mut String::new())?;
    exchange(order.messages)?;
    tell("done")
}
