//! Where to listen.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};

use asyncio_futures::gather;
use asyncio_loop::LoopRef;
use socket2::Socket;

use crate::Port;
use crate::connect::destination::{Candidate, Hints};

/// Where [`create_server`](crate::create_server) listens: made from a host or several and a port,
/// from addresses, or from a socket that is bound already (asyncio's `sock`).
#[derive(Debug)]
#[non_exhaustive]
pub enum ListenOn {
    /// Every address that one of these hosts has; an empty host is every address of this machine.
    Hosts(Vec<String>, Port),
    /// These addresses.
    Addresses(Vec<SocketAddr>),
    /// A socket that is bound, or listens already.
    Socket(Socket),
}

/// The addresses to listen on, in order, each once.
pub(super) async fn resolve(
    event_loop: &LoopRef,
    hints: Hints,
    hosts: Vec<String>,
    port: Port,
) -> io::Result<Vec<Candidate>> {
    let look_ups = hosts.into_iter().map(|host| {
        let (event_loop, port) = (event_loop.clone(), port.clone());
        async move {
            let host = (!host.is_empty()).then_some(&*host);
            hints.resolve(&event_loop, host, port.service()).await
        }
    });
    let mut candidates = Vec::new();
    for found in gather(look_ups).await? {
        for candidate in found? {
            if !candidates.contains(&candidate) {
                candidates.push(candidate);
            }
        }
    }
    Ok(candidates)
}

impl From<(&str, u16)> for ListenOn {
    fn from((host, port): (&str, u16)) -> Self {
        Self::Hosts(vec![host.to_owned()], Port::Number(port))
    }
}

impl From<(String, u16)> for ListenOn {
    fn from((host, port): (String, u16)) -> Self {
        Self::Hosts(vec![host], Port::Number(port))
    }
}

impl<const N: usize> From<([&str; N], u16)> for ListenOn {
    fn from((hosts, port): ([&str; N], u16)) -> Self {
        Self::Hosts(hosts.map(str::to_owned).into(), Port::Number(port))
    }
}

impl From<(&[&str], u16)> for ListenOn {
    fn from((hosts, port): (&[&str], u16)) -> Self {
        let hosts = hosts.iter().map(|&host| host.to_owned()).collect();
        Self::Hosts(hosts, Port::Number(port))
    }
}

impl From<(Vec<String>, u16)> for ListenOn {
    fn from((hosts, port): (Vec<String>, u16)) -> Self {
        Self::Hosts(hosts, Port::Number(port))
    }
}

impl From<(&str, &str)> for ListenOn {
    fn from((host, service): (&str, &str)) -> Self {
        Self::Hosts(vec![host.to_owned()], Port::Service(service.to_owned()))
    }
}

impl From<(IpAddr, u16)> for ListenOn {
    fn from(address: (IpAddr, u16)) -> Self {
        SocketAddr::from(address).into()
    }
}

impl From<SocketAddr> for ListenOn {
    fn from(address: SocketAddr) -> Self {
        Self::Addresses(vec![address])
    }
}

impl From<Vec<SocketAddr>> for ListenOn {
    fn from(addresses: Vec<SocketAddr>) -> Self {
        Self::Addresses(addresses)
    }
}

impl From<&[SocketAddr]> for ListenOn {
    fn from(addresses: &[SocketAddr]) -> Self {
        Self::Addresses(addresses.to_vec())
    }
}

impl From<Socket> for ListenOn {
    fn from(socket: Socket) -> Self {
        Self::Socket(socket)
    }
}

impl From<TcpListener> for ListenOn {
    fn from(listener: TcpListener) -> Self {
        Self::Socket(listener.into())
    }
}
