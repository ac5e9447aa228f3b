//! Both ends of a relay: a connection to it, and the listener that it connects to, whose address is
//! told first. What is sent to the one is read from the other, as fast as the relay takes it.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use rustix::event::{PollFd, PollFlags, poll};

use super::{Order, bind_and_tell, in_two_parts};

/// How much is sent or read by one system call, at most.
const CHUNK: usize = 256 * 1024;

pub(super) fn run(order: Order) -> io::Result<()> {
    let target = bind_and_tell()?;
    let mut source = TcpStream::connect(order.address)?;
    let (mut sink, _) = target.accept()?;
    for end in [&source, &sink] {
        end.set_nodelay(true)?;
        end.set_nonblocking(true)?;
    }
    let message = vec![b'x'; CHUNK];
    let mut scratch = vec![0; CHUNK];
    in_two_parts(order, |messages| {
        let mut unsent = messages * order.load.bytes as u64;
        let mut unread = unsent;
        while unread > 0 {
            let wants = if unsent > 0 {
                PollFlags::OUT
            } else {
                PollFlags::empty()
            };
            let mut ends = [
                PollFd::new(&source, wants),
                PollFd::new(&sink, PollFlags::IN),
            ];
            match poll(&mut ends, None) {
                Err(rustix::io::Errno::INTR) => continue,
                waited => waited?,
            };
            let [source_is, sink_is] = ends.map(|end| end.revents());
            if unsent > 0 && !source_is.is_empty() {
                let count = message.len().min(unsent.try_into().unwrap_or(CHUNK));
                unsent -= unless_blocked(source.write(&message[..count]))?;
            }
            if !sink_is.is_empty() {
                unread -= unless_blocked(sink.read(&mut scratch))?;
            }
        }
        Ok(())
    })
}

/// How much went through; nothing at all is the end of a connection.
fn unless_blocked(result: io::Result<usize>) -> io::Result<u64> {
    match result {
        Ok(0) => Err(io::Error::other("the relay has closed a connection")),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        result => result.map(|count| count as u64),
    }
}
