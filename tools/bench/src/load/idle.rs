//! Connections that have had one echo each and then say nothing. They all stay, those of the
//! warm-up, too.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use super::{Order, in_two_parts};

pub(super) fn run(order: Order) -> io::Result<()> {
    let message = vec![b'x'; order.load.bytes];
    let mut echo = vec![0; order.load.bytes];
    let mut all = Vec::new();
    in_two_parts(order, |connections| {
        for _ in 0..connections {
            let mut stream = TcpStream::connect(order.address)?;
            stream.set_nodelay(true)?;
            stream.write_all(&message)?;
            stream.read_exact(&mut echo)?;
            all.push(stream);
        }
        Ok(())
    })
}
