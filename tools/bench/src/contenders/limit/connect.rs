//! A client by hand: connects without blocking, waits with epoll, closes.

use std::io;
use std::net::SocketAddr;

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with, sockopt};

/// So many times, one after the other.
pub(super) fn connect(address: SocketAddr, times: u64) -> io::Result<()> {
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    for _ in 0..times {
        let socket = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
        sockopt::set_tcp_nodelay(&socket, true)?;
        match rustix::net::connect(&socket, &address) {
            Err(Errno::INPROGRESS) => {
                epoll::add(&epoll, &socket, EventData::new_u64(0), EventFlags::OUT)?;
                let mut events = Vec::with_capacity(1);
                while events.is_empty() {
                    match epoll::wait(&epoll, rustix::buffer::spare_capacity(&mut events), None) {
                        Err(Errno::INTR) => continue,
                        waited => waited?,
                    };
                }
                sockopt::socket_error(&socket)??;
            }
            connected => connected?,
        }
    }
    Ok(())
}
