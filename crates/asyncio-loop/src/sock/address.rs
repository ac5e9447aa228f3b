//! Where to connect or send to.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use asyncio_reactor::{AsSource, Async};
use socket2::{Domain, SockAddr, SockRef};

use crate::resolve::{AddrInfoHints, getaddrinfo};

/// Where [`sock_connect`](crate::sock_connect) and [`sock_sendto`](crate::sock_sendto) go: made
/// from a [`SocketAddr`], a host and a port, a path, or a [`SockAddr`] of any family.
///
/// A host that is not an address is resolved by the running loop, for the family, type and
/// protocol of the socket; as in asyncio the first answer is taken.
#[derive(Clone)]
#[non_exhaustive]
pub enum Address {
    /// As the system has it.
    Socket(SockAddr),
    /// A name, or an address as text, and a port.
    Host(String, u16),
    /// Of a Unix socket.
    Path(PathBuf),
}

impl Address {
    /// The address for `sock`.
    pub(super) async fn resolve<S: AsSource>(self, sock: &Async<S>) -> io::Result<SockAddr> {
        let (host, port) = match self {
            Self::Socket(address) => return Ok(address),
            Self::Path(path) => return SockAddr::unix(path),
            Self::Host(host, port) => (host, port),
        };
        let hints = hints_of(sock)?;
        let found = getaddrinfo(&*host, port, hints).await?;
        // It is never empty.
        let first = found.first().ok_or(io::ErrorKind::NotFound)?;
        Ok(first.address.into())
    }
}

/// What a name has to be resolved to, for this socket.
fn hints_of<S: AsSource>(sock: &Async<S>) -> io::Result<AddrInfoHints> {
    let source = sock.get_ref().as_source();
    let sock = SockRef::from(&source);
    let family = sock.local_addr()?.domain();
    if family != Domain::IPV4 && family != Domain::IPV6 {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "a host and a port are no address for a socket of this family",
        ));
    }
    Ok(AddrInfoHints::new().family(family).socktype(sock.r#type()?))
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Socket(address.into())
    }
}

impl From<SockAddr> for Address {
    fn from(address: SockAddr) -> Self {
        Self::Socket(address)
    }
}

impl From<(IpAddr, u16)> for Address {
    fn from((ip, port): (IpAddr, u16)) -> Self {
        Self::Socket(SocketAddr::new(ip, port).into())
    }
}

impl From<(&str, u16)> for Address {
    fn from((host, port): (&str, u16)) -> Self {
        Self::Host(host.to_owned(), port)
    }
}

impl From<(String, u16)> for Address {
    fn from((host, port): (String, u16)) -> Self {
        Self::Host(host, port)
    }
}

impl From<&Path> for Address {
    fn from(path: &Path) -> Self {
        Self::Path(path.to_owned())
    }
}

impl From<PathBuf> for Address {
    fn from(path: PathBuf) -> Self {
        Self::Path(path)
    }
}

/// As people write them: `127.0.0.1:80`, `example.org:80`, `/run/socket`.
impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host, port) => write!(formatter, "{host}:{port}"),
            Self::Path(path) => write!(formatter, "{}", path.display()),
            Self::Socket(address) => match address.as_socket() {
                Some(internet) => write!(formatter, "{internet}"),
                None => write_local(address, formatter),
            },
        }
    }
}

/// As people write them: a [`SockAddr`] by itself shows its family and its size, and what `main`
/// returns as an error is shown so.
impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(unix)]
fn write_local(address: &SockAddr, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    match (address.as_pathname(), address.as_abstract_namespace()) {
        (Some(path), _) => write!(formatter, "{}", path.display()),
        (None, Some(name)) => write!(formatter, "@{}", name.escape_ascii()),
        (None, None) => write!(formatter, "address of family {}", address.family()),
    }
}

#[cfg(not(unix))]
fn write_local(address: &SockAddr, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(formatter, "address of family {}", address.family())
}
