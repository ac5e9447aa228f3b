//! The arguments of `create_datagram_endpoint`, and what asyncio refuses. Pure, but for asking a
//! socket that was given what it is.

use std::fmt::Write;
use std::io;

use asyncio_loop::socket::{Domain, Protocol, Socket, Type};
use asyncio_loop::{AddrInfoHints, Address};

use super::candidates::Candidate;
use crate::misuse::misuse;

/// asyncio's keyword arguments, as they were given.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    pub(super) local_addr: Option<Address>,
    pub(super) remote_addr: Option<Address>,
    pub(super) family: Option<Domain>,
    pub(super) proto: Option<Protocol>,
    pub(super) flags: Option<AddrInfoHints>,
    pub(super) reuse_port: bool,
    pub(super) allow_broadcast: bool,
    pub(super) sock: Option<Socket>,
}

/// What the arguments ask for.
#[derive(Debug)]
pub(super) enum Plan {
    /// This socket, as it is.
    Given(Socket),
    /// A socket for these addresses, for which nobody has to be asked.
    Candidate(Candidate),
    /// A socket for hosts and ports, or addresses of them.
    Resolve {
        local: Option<Address>,
        remote: Option<Address>,
        wanted: Wanted,
    },
}

/// What addresses are resolved for.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) family: Option<Domain>,
    pub(super) proto: Option<Protocol>,
    flags: AddrInfoHints,
}

impl Wanted {
    pub(super) fn hints(&self) -> AddrInfoHints {
        let mut hints = self.flags.socktype(Type::DGRAM);
        if let Some(family) = self.family {
            hints = hints.family(family);
        }
        if let Some(proto) = self.proto {
            hints = hints.protocol(proto);
        }
        hints
    }
}

impl Arguments {
    /// What is asked for.
    ///
    /// # Errors
    /// `InvalidInput`, with asyncio's message, for arguments that exclude each other.
    pub(super) fn plan(mut self) -> io::Result<Plan> {
        if let Some(sock) = self.sock.take() {
            return self.given(sock);
        }
        // Of each address that was given, whether it is a Unix socket's.
        let given: Vec<bool> = [&self.local_addr, &self.remote_addr]
            .into_iter()
            .flatten()
            .map(is_unix)
            .collect();
        let any_is_unix = given.contains(&true);
        match self.family {
            None if given.is_empty() => Err(misuse("unexpected address family")),
            None if !any_is_unix => Ok(self.resolve()),
            None | Some(Domain::UNIX) if given.contains(&false) => {
                Err(misuse("a path is expected for a Unix socket"))
            }
            None | Some(Domain::UNIX) => self.unix(),
            Some(_) if any_is_unix => Err(misuse("a host and a port are expected")),
            Some(family) if given.is_empty() => Ok(Plan::Candidate(Candidate {
                family,
                protocol: self.proto,
                local: None,
                remote: None,
            })),
            Some(_) => Ok(self.resolve()),
        }
    }

    fn given(self, sock: Socket) -> io::Result<Plan> {
        if sock.r#type()? == Type::STREAM {
            return Err(misuse(format!(
                "A datagram socket was expected, got {sock:?}"
            )));
        }
        let problems = self.modifiers();
        if !problems.is_empty() {
            return Err(misuse(format!(
                "socket modifier keyword arguments can not be used when sock is specified. \
                 ({problems})"
            )));
        }
        Ok(Plan::Given(sock))
    }

    /// The arguments that would change a socket, as asyncio lists them.
    fn modifiers(&self) -> String {
        let mut list = String::new();
        let mut name = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                let comma = if list.is_empty() { "" } else { ", " };
                // A `String` takes everything.
                let _ = write!(list, "{comma}{name}={value}");
            }
        };
        let text = |address: &Option<Address>| address.as_ref().map(ToString::to_string);
        name("local_addr", text(&self.local_addr));
        name("remote_addr", text(&self.remote_addr));
        name("family", self.family.map(|it| format!("{it:?}")));
        name("proto", self.proto.map(|it| format!("{it:?}")));
        name("flags", self.flags.map(|it| format!("{it:?}")));
        name("reuse_port", self.reuse_port.then(|| "true".to_owned()));
        let broadcast = self.allow_broadcast.then(|| "true".to_owned());
        name("allow_broadcast", broadcast);
        list
    }

    fn unix(self) -> io::Result<Plan> {
        let address = |address: Option<Address>| match address {
            Some(Address::Path(path)) => asyncio_loop::socket::SockAddr::unix(path).map(Some),
            Some(Address::Socket(address)) => Ok(Some(address)),
            _ => Ok(None),
        };
        Ok(Plan::Candidate(Candidate {
            family: Domain::UNIX,
            protocol: self.proto,
            local: address(self.local_addr)?,
            remote: address(self.remote_addr)?,
        }))
    }

    fn resolve(self) -> Plan {
        Plan::Resolve {
            local: self.local_addr,
            remote: self.remote_addr,
            wanted: Wanted {
                family: self.family,
                proto: self.proto,
                flags: self.flags.unwrap_or_default(),
            },
        }
    }
}

fn is_unix(address: &Address) -> bool {
    match address {
        Address::Path(_) => true,
        Address::Socket(address) => address.domain() == Domain::UNIX,
        _ => false,
    }
}
