//! A UDP echo server by hand: epoll, level-triggered, one buffer, a `recvfrom` and a `sendto` for each
//! datagram, as many as there are, and a shared wait.

use std::io;
use std::net::UdpSocket;

use rustix::event::epoll::{self, EventData, EventFlags};

/// Serves for ever.
pub(super) fn serve(socket: UdpSocket) {
    run(&socket).expect("epoll failed");
}

fn run(socket: &UdpSocket) -> io::Result<()> {
    socket.set_nonblocking(true)?;
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    epoll::add(&epoll, socket, EventData::new_u64(0), EventFlags::IN)?;
    let mut events = Vec::with_capacity(64);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        events.clear();
        match epoll::wait(&epoll, rustix::buffer::spare_capacity(&mut events), None) {
            Err(rustix::io::Errno::INTR) => continue,
            waited => waited?,
        };
        loop {
            match socket.recv_from(&mut buffer) {
                Ok((count, from)) => _ = socket.send_to(&buffer[..count], from)?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
    }
}
