//! Opening a socket for the arguments: names are resolved, and the first candidate that can be
//! bound and connected is taken.

use std::io;

use asyncio_executor::ErrorContext;
use asyncio_loop::socket::{Protocol, SockAddr, Socket, Type};
use asyncio_loop::{Address, LoopRef};

use super::arguments::{Arguments, Plan, Wanted};
use super::batch::Batching;
use super::candidates::{self, Candidate, Found};
use crate::misuse::misuse;
use crate::sys;

/// A socket that is bound and connected as was asked for, and not blocking.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) socket: Socket,
    pub(super) peer: Peer,
    /// For sockets that receive and send many datagrams at a time.
    pub(super) batching: Option<Batching>,
}

/// Where datagrams go, if nothing else is said.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Peer {
    /// Nowhere: each names its address.
    Any,
    /// Here, and nowhere else; they come from everywhere. What `allow_broadcast` makes of a remote
    /// address: answers to a broadcast do not come from the broadcast address.
    Default(SockAddr),
    /// Here, and nowhere else; they come from here only.
    Connected(SockAddr),
}

impl Peer {
    /// The endpoint's own address; or else this one.
    pub(super) fn address<'a>(&'a self, address: Option<&'a SockAddr>) -> Option<&'a SockAddr> {
        match self {
            Self::Any => address,
            Self::Default(own) | Self::Connected(own) => Some(own),
        }
    }

    /// Whether a datagram may go to `address`, and where the kernel has to be told to send it:
    /// `None` on a connected socket.
    ///
    /// # Errors
    /// `InvalidInput`, with asyncio's message: another address than the endpoint's own; none, and it
    /// has none.
    pub(super) fn target<'a>(
        &'a self,
        address: Option<&'a SockAddr>,
    ) -> io::Result<Option<&'a SockAddr>> {
        match (self, address) {
            (Self::Any, None) => Err(misuse("an address is expected: not connected")),
            (Self::Any, Some(address)) => Ok(Some(address)),
            (Self::Default(own) | Self::Connected(own), Some(address)) if address != own => {
                let own = Address::from(own.clone());
                Err(misuse(format!("Invalid address: must be None or {own}")))
            }
            (Self::Default(own), _) => Ok(Some(own)),
            (Self::Connected(_), _) => Ok(None),
        }
    }
}

/// # Errors
/// What [`Arguments::plan`] refuses; what the resolver reports; the first error of the kernel, when
/// no candidate works.
pub(super) async fn open(
    event_loop: &LoopRef,
    arguments: Arguments,
    batch: bool,
) -> io::Result<Opened> {
    let mut opened = open_one(event_loop, arguments).await?;
    if batch {
        opened.batching = Some(Batching::new(&opened.socket)?);
    }
    Ok(opened)
}

async fn open_one(event_loop: &LoopRef, arguments: Arguments) -> io::Result<Opened> {
    let options = Options {
        reuse_port: arguments.reuse_port,
        allow_broadcast: arguments.allow_broadcast,
    };
    let candidates = match arguments.plan()? {
        Plan::Given(socket) => return given(socket),
        Plan::Candidate(candidate) => vec![candidate],
        Plan::Resolve {
            local,
            remote,
            wanted,
        } => {
            let local = wanted.resolve(event_loop, local).await?;
            let remote = wanted.resolve(event_loop, remote).await?;
            candidates::join(local, remote)?
        }
    };
    let mut first_error = None;
    for candidate in candidates {
        match options.open(event_loop, candidate) {
            Ok(opened) => return Ok(opened),
            Err(error) => _ = first_error.get_or_insert(error),
        }
    }
    // There is a candidate, so there is an error.
    Err(first_error.unwrap_or_else(|| io::ErrorKind::InvalidInput.into()))
}

fn given(socket: Socket) -> io::Result<Opened> {
    socket.set_nonblocking(true)?;
    let peer = match socket.peer_addr() {
        Ok(address) => Peer::Connected(address),
        Err(_) => Peer::Any,
    };
    Ok(Opened {
        socket,
        peer,
        batching: None,
    })
}

impl Wanted {
    /// What an argument stands for; `None` when it was not given.
    async fn resolve(
        &self,
        event_loop: &LoopRef,
        address: Option<Address>,
    ) -> io::Result<Option<Vec<Found>>> {
        let found = match address {
            None => return Ok(None),
            Some(Address::Host(host, port)) => {
                let found = event_loop.getaddrinfo(&*host, port, self.hints()).await?;
                found.into_iter().map(Found::from).collect()
            }
            Some(Address::Socket(address)) => {
                let family = address.domain();
                let found = Found {
                    family,
                    // As `getaddrinfo` says it.
                    protocol: self.proto.or(Some(Protocol::UDP)),
                    address,
                };
                let fits = self.family.is_none_or(|wanted| wanted == family);
                fits.then_some(found).into_iter().collect()
            }
            // `Arguments::plan` lets no path through.
            Some(other) => return Err(misuse(format!("{other} is not the address of a host"))),
        };
        Ok(Some(found))
    }
}

struct Options {
    reuse_port: bool,
    allow_broadcast: bool,
}

impl Options {
    fn open(&self, event_loop: &LoopRef, candidate: Candidate) -> io::Result<Opened> {
        let Candidate {
            family,
            protocol,
            local,
            remote,
        } = candidate;
        let socket = Socket::new(family, Type::DGRAM, protocol)?;
        if self.reuse_port {
            sys::set_reuse_port(&socket)?;
        }
        if self.allow_broadcast {
            socket.set_broadcast(true)?;
        }
        socket.set_nonblocking(true)?;
        if let Some(local) = &local {
            if let Err(error) = sys::remove_stale(local, Type::DGRAM) {
                let context = ErrorContext::new("cannot check or remove a stale Unix socket");
                event_loop.call_exception_handler(&context.caused_by(&error).with_source(local));
            }
            socket.bind(local)?;
        }
        let peer = match remote {
            None => Peer::Any,
            Some(remote) if self.allow_broadcast => Peer::Default(remote),
            Some(remote) => {
                // It does not wait: a datagram socket only notes the address.
                socket.connect(&remote)?;
                Peer::Connected(remote)
            }
        };
        Ok(Opened {
            socket,
            peer,
            batching: None,
        })
    }
}
