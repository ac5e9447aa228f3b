//! Where to connect to.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};

use asyncio_loop::{AddrInfoHints, Address, LoopRef, Service};
use socket2::{Domain, Protocol, Socket, Type};

use crate::misuse::misuse;
use crate::sys;

/// Where [`create_connection`](crate::create_connection) connects to: made from a host and a port,
/// from addresses, or from a socket that is connected already (asyncio's `sock`).
///
/// So what asyncio has to check at run time, that either a host and a port or a socket is given and
/// never both, cannot be written.
#[derive(Debug)]
#[non_exhaustive]
pub enum Destination {
    /// A name, or an address as text, and a port. Every address that the name has is tried.
    Host(String, Port),
    /// Addresses that somebody else has looked up, in the order of preference.
    Addresses(Vec<SocketAddr>),
    /// A connected socket of any family, whose bytes are a stream.
    Socket(Socket),
}

impl Destination {
    /// What it is called.
    pub(super) fn host(&self) -> Option<String> {
        match self {
            Self::Host(host, _) => Some(host.clone()),
            Self::Addresses(addresses) => match addresses[..] {
                [address] => Some(address.ip().to_string()),
                _ => None,
            },
            Self::Socket(_) => None,
        }
    }
}

/// A port, or the name of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Port {
    /// By number.
    Number(u16),
    /// By the name that the system's list has for it (`"https"`), or as text.
    Service(String),
}

impl Port {
    pub(crate) fn service(&self) -> Service<'_> {
        match self {
            Self::Number(number) => Service::Port(*number),
            Self::Service(name) => Service::Named(name),
        }
    }
}

/// One address to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) protocol: Option<Protocol>,
    pub(crate) address: SocketAddr,
}

impl Candidate {
    pub(crate) fn family(&self) -> Domain {
        Domain::for_address(self.address)
    }

    /// An address that somebody has looked up.
    pub(crate) fn known(address: SocketAddr, hints: &Hints) -> Self {
        Self {
            protocol: hints.protocol,
            address,
        }
    }

    /// A socket for it, in non-blocking mode.
    pub(crate) fn socket(&self) -> io::Result<Socket> {
        sys::stream_socket(self.family(), self.protocol)
    }
}

/// What is asked of the resolver: asyncio's `family`, `proto` and `flags`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hints {
    pub(crate) family: Option<Domain>,
    pub(crate) protocol: Option<Protocol>,
    pub(crate) flags: AddrInfoHints,
}

impl Hints {
    pub(crate) fn new(flags: AddrInfoHints) -> Self {
        Self {
            family: None,
            protocol: None,
            flags,
        }
    }

    /// All addresses of a host that fit, for sockets of bytes.
    ///
    /// An address is in the list once: some resolvers answer with duplicates.
    pub(crate) async fn resolve(
        &self,
        event_loop: &LoopRef,
        host: Option<&str>,
        port: Service<'_>,
    ) -> io::Result<Vec<Candidate>> {
        let mut hints = self.flags.socktype(Type::STREAM);
        if let Some(family) = self.family {
            hints = hints.family(family);
        }
        if let Some(protocol) = self.protocol {
            hints = hints.protocol(protocol);
        }
        let mut found = Vec::new();
        for info in event_loop.getaddrinfo(host, port, hints).await? {
            let candidate = Candidate {
                protocol: info.protocol,
                address: info.address,
            };
            if !found.contains(&candidate) {
                found.push(candidate);
            }
        }
        self.fit(found)
    }

    /// Those of `candidates` that are of the family asked for; an error if there are none.
    pub(crate) fn fit(&self, mut candidates: Vec<Candidate>) -> io::Result<Vec<Candidate>> {
        candidates.retain(|it| self.family.is_none_or(|family| it.family() == family));
        if candidates.is_empty() {
            let kind = io::ErrorKind::NotFound;
            return Err(io::Error::new(kind, "getaddrinfo() returned empty list"));
        }
        Ok(candidates)
    }

    /// The addresses of this end that `address` means.
    pub(crate) async fn resolve_local(
        &self,
        event_loop: &LoopRef,
        address: &Address,
    ) -> io::Result<Vec<Candidate>> {
        let known = match address {
            Address::Host(host, port) => {
                return self.resolve(event_loop, Some(host), (*port).into()).await;
            }
            Address::Socket(address) => address.as_socket(),
            _ => None,
        };
        let Some(known) = known else {
            let message = format!("local_addr {address} is no address of the Internet");
            return Err(misuse(message));
        };
        self.fit(vec![Candidate::known(known, self)])
    }
}

impl From<(&str, u16)> for Destination {
    fn from((host, port): (&str, u16)) -> Self {
        Self::Host(host.to_owned(), Port::Number(port))
    }
}

impl From<(String, u16)> for Destination {
    fn from((host, port): (String, u16)) -> Self {
        Self::Host(host, Port::Number(port))
    }
}

impl From<(&str, &str)> for Destination {
    fn from((host, service): (&str, &str)) -> Self {
        Self::Host(host.to_owned(), Port::Service(service.to_owned()))
    }
}

impl From<(IpAddr, u16)> for Destination {
    fn from(address: (IpAddr, u16)) -> Self {
        SocketAddr::from(address).into()
    }
}

impl From<SocketAddr> for Destination {
    fn from(address: SocketAddr) -> Self {
        Self::Addresses(vec![address])
    }
}

impl From<Vec<SocketAddr>> for Destination {
    fn from(addresses: Vec<SocketAddr>) -> Self {
        Self::Addresses(addresses)
    }
}

impl From<&[SocketAddr]> for Destination {
    fn from(addresses: &[SocketAddr]) -> Self {
        Self::Addresses(addresses.to_vec())
    }
}

impl From<Socket> for Destination {
    fn from(socket: Socket) -> Self {
        Self::Socket(socket)
    }
}

impl From<TcpStream> for Destination {
    fn from(stream: TcpStream) -> Self {
        Self::Socket(stream.into())
    }
}

#[cfg(unix)]
impl From<std::os::unix::net::UnixStream> for Destination {
    fn from(stream: std::os::unix::net::UnixStream) -> Self {
        Self::Socket(stream.into())
    }
}
