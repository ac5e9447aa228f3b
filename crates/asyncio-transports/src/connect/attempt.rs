//! Attempts to connect: one, and several in a race.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use asyncio_futures::staggered_race;
use asyncio_loop::{Address, ConnectError, LoopRef};
use socket2::{Domain, SockAddr, Socket};

use super::destination::Candidate;
use super::errors::BindError;
use super::open::Stream;

/// Connects to one of `candidates`: the first; the next as soon as the one begun before has failed,
/// or after `delay`. Whoever is first wins, and the sockets of the others are closed.
///
/// # Errors
/// All of them, in the order of the attempts.
///
/// # Cancel safety
/// Yes: all sockets are closed.
pub(super) async fn connect_to_any(
    event_loop: &LoopRef,
    candidates: Vec<Candidate>,
    local: Option<&[Candidate]>,
    delay: Option<Duration>,
) -> Result<Stream, Vec<io::Error>> {
    // Nobody to race with: most callers have one address.
    if let [only] = candidates[..] {
        return connect_to(event_loop, only, local).await;
    }
    let attempts = candidates
        .into_iter()
        .map(|candidate| move || connect_to(event_loop, candidate, local));
    let (winner, errors) = staggered_race(attempts, delay).await;
    match winner {
        Some((stream, _)) => Ok(stream),
        None => Err(errors.into_iter().flatten().flatten().collect()),
    }
}

/// Makes, binds and connects one socket.
async fn connect_to(
    event_loop: &LoopRef,
    candidate: Candidate,
    local: Option<&[Candidate]>,
) -> Result<Stream, Vec<io::Error>> {
    let mut errors = Vec::new();
    let connected = async {
        let socket = candidate.socket()?;
        if let Some(local) = local {
            bind_to_any(&socket, candidate.family(), local, &mut errors)?;
        }
        let to = SockAddr::from(candidate.address);
        let socket = event_loop.connect_socket(socket, &to).await?;
        // Who has chosen this end's port may mean it.
        if local.is_none() && is_connected_to_itself(&socket, candidate.address) {
            return Err(refused(candidate.address));
        }
        // A connect to every address is one to this machine.
        let peer = (!candidate.address.ip().is_unspecified()).then_some(to);
        Ok(Stream::new(socket, peer))
    };
    match connected.await {
        Ok(stream) => Ok(stream),
        Err(error) => {
            errors.push(error);
            Err(errors)
        }
    }
}

/// Binds to the first of the local addresses that can be bound to.
fn bind_to_any(
    socket: &Socket,
    family: Domain,
    local: &[Candidate],
    errors: &mut Vec<io::Error>,
) -> io::Result<()> {
    for candidate in local.iter().filter(|it| it.family() == family) {
        match socket.bind(&candidate.address.into()) {
            Ok(()) => return Ok(()),
            Err(error) => errors.push(BindError::raise(candidate.address, error)),
        }
    }
    Err(errors.pop().unwrap_or_else(|| {
        let kind = io::ErrorKind::AddrNotAvailable;
        let message = format!("no matching local address with family={family:?} found");
        io::Error::new(kind, message)
    }))
}

/// Whether both ends are this socket.
///
/// TCP can open a connection from both sides at once (RFC 9293, section 3.5), and one side can be
/// both: when nobody listens on a port of the range that the kernel chooses from, sooner or later
/// it chooses that very port for the socket that connects to it, and the connect succeeds. Nobody
/// has ever wanted that.
fn is_connected_to_itself(socket: &Socket, to: SocketAddr) -> bool {
    let own = socket.local_addr().ok().and_then(|own| own.as_socket());
    own.is_some_and(|own| {
        own.port() == to.port() && (own.ip() == to.ip() || to.ip().is_unspecified())
    })
}

fn refused(address: SocketAddr) -> io::Error {
    let error = io::Error::new(
        io::ErrorKind::ConnectionRefused,
        "nobody listens there, and the socket was connected to itself",
    );
    let address = Address::from(address);
    io::Error::new(error.kind(), ConnectError { address, error })
}
