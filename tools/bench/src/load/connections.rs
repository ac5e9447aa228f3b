//! Connections that end at once: so many are made, all of them say that nothing comes, and when
//! the server has closed them all the next are made.

use std::io::{self, Read};
use std::net::{Shutdown, TcpStream};

use super::{Order, in_two_parts};

pub(super) fn run(order: Order) -> io::Result<()> {
    let at_once = order.load.connections;
    let mut open = Vec::with_capacity(at_once);
    in_two_parts(order, |connections| {
        for _ in 0..connections / at_once as u64 {
            for _ in 0..at_once {
                open.push(TcpStream::connect(order.address)?);
            }
            for stream in &open {
                stream.shutdown(Shutdown::Write)?;
            }
            for mut stream in open.drain(..) {
                if stream.read(&mut [0])? > 0 {
                    return Err(io::Error::other("the server said something"));
                }
            }
        }
        Ok(())
    })
}
