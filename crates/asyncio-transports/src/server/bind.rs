//! Sockets bound to addresses.

use std::io;

use asyncio_executor::ErrorContext;
use asyncio_loop::LoopRef;
use socket2::{Domain, Socket};

use crate::connect::destination::Candidate;
use crate::connect::errors::BindError;
use crate::sys;

/// So often another port is tried, where the kernel chooses one and it is to be the same for
/// several addresses. Each try fails only if somebody uses just that port on one of the others.
const PORT_TRIES_MAX: u32 = 16;

/// asyncio's options of a listening socket.
#[derive(Clone, Copy, Debug)]
pub(super) struct SocketOptions {
    pub(super) reuse_address: bool,
    pub(super) reuse_port: bool,
    pub(super) keep_alive: bool,
}

/// Binds a socket to each of the addresses that this machine has.
///
/// Port 0 is one that the kernel chooses, and the same for all addresses: who connects to a name
/// that has several finds the server on each.
///
/// # Errors
/// [`BindError`] when an address is in use; the sockets before are closed. `AddrNotAvailable` when
/// this machine has none of the addresses. What the kernel reports when it can make no socket.
pub(super) fn bind_all(
    event_loop: &LoopRef,
    candidates: &[Candidate],
    options: SocketOptions,
) -> io::Result<Vec<Socket>> {
    let mut tries = 0;
    loop {
        tries += 1;
        let mut chosen = None;
        match try_bind_all(event_loop, candidates, options, &mut chosen) {
            Err(error)
                if chosen.is_some()
                    && error.kind() == io::ErrorKind::AddrInUse
                    && tries < PORT_TRIES_MAX => {}
            result => return result,
        }
    }
}

/// `chosen` becomes the port that the kernel has chosen.
fn try_bind_all(
    event_loop: &LoopRef,
    candidates: &[Candidate],
    options: SocketOptions,
    chosen: &mut Option<u16>,
) -> io::Result<Vec<Socket>> {
    let mut sockets = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        let mut address = candidate.address;
        if let (0, Some(port)) = (address.port(), *chosen) {
            address.set_port(port);
        }
        let socket = match candidate.socket() {
            Ok(socket) => socket,
            // The server would serve fewer addresses than it was told to, and say nothing.
            Err(error) if super::sys::is_out_of_resources(&error) => return Err(error),
            // A family that this system does not have.
            Err(error) => {
                note(
                    event_loop,
                    "create_server() failed to create a socket",
                    &error,
                );
                continue;
            }
        };
        options.set(&socket, candidate.family())?;
        match socket.bind(&address.into()) {
            Ok(()) => {}
            // A family that is not enabled (bpo-30945).
            Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => {
                let error = BindError::raise(address, error);
                note(event_loop, "create_server() passes over an address", &error);
                continue;
            }
            Err(error) => return Err(BindError::raise(address, error)),
        }
        if candidate.address.port() == 0 && chosen.is_none() {
            let bound = socket.local_addr()?.as_socket();
            *chosen = bound.map(|bound| bound.port());
        }
        sockets.push(socket);
    }
    if sockets.is_empty() {
        let addresses: Vec<_> = candidates.iter().map(|it| it.address).collect();
        return Err(io::Error::new(
            io::ErrorKind::AddrNotAvailable,
            format!("could not bind on any address out of {addresses:?}"),
        ));
    }
    Ok(sockets)
}

impl SocketOptions {
    fn set(self, socket: &Socket, family: Domain) -> io::Result<()> {
        if self.reuse_address {
            socket.set_reuse_address(true)?;
        }
        if self.reuse_port {
            sys::set_reuse_port(socket)?;
        }
        if self.keep_alive {
            socket.set_keepalive(true)?;
        }
        // One socket for each family, also where one could serve both: else the second could not
        // be bound.
        if family == Domain::IPV6 {
            socket.set_only_v6(true)?;
        }
        Ok(())
    }
}

/// What asyncio logs in debug mode.
fn note(event_loop: &LoopRef, message: &str, error: &io::Error) {
    if event_loop.get_debug() {
        event_loop.call_exception_handler(&ErrorContext::new(message).caused_by(error));
    }
}
