//! New sockets, not blocking and not inherited by child processes: in one system call where the
//! system has flags for that.

pub(crate) use system::{accept, stream_socket};

#[cfg(any(
    target_os = "android",
    target_os = "dragonfly",
    target_os = "freebsd",
    target_os = "illumos",
    target_os = "linux",
    target_os = "netbsd",
    target_os = "openbsd"
))]
mod system {
    use std::io;

    use rustix::net::SocketFlags;
    use socket2::{Domain, Protocol, SockAddr, Socket, Type};

    pub(crate) fn stream_socket(family: Domain, protocol: Option<Protocol>) -> io::Result<Socket> {
        Socket::new(family, Type::STREAM.nonblocking(), protocol)
    }

    pub(crate) fn accept(listener: &Socket) -> io::Result<(Socket, SockAddr)> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        listener.accept4(flags.bits() as i32)
    }
}

#[cfg(not(any(
    target_os = "android",
    target_os = "dragonfly",
    target_os = "freebsd",
    target_os = "illumos",
    target_os = "linux",
    target_os = "netbsd",
    target_os = "openbsd"
)))]
mod system {
    use std::io;

    use socket2::{Domain, Protocol, SockAddr, Socket, Type};

    pub(crate) fn stream_socket(family: Domain, protocol: Option<Protocol>) -> io::Result<Socket> {
        let socket = Socket::new(family, Type::STREAM, protocol)?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    }

    pub(crate) fn accept(listener: &Socket) -> io::Result<(Socket, SockAddr)> {
        let (socket, peer) = listener.accept()?;
        socket.set_nonblocking(true)?;
        Ok((socket, peer))
    }
}
