//! What is asked of the resolver, and what it answers.

use std::net::SocketAddr;

use socket2::{Domain, Protocol, Type};

use super::sys;

/// What to look for: the keyword arguments of asyncio's `getaddrinfo`.
///
/// # Examples
/// ```
/// use asyncio_loop::AddrInfoHints;
/// use asyncio_loop::socket::{Domain, Type};
///
/// let hints = AddrInfoHints::new().family(Domain::IPV4).socktype(Type::STREAM);
/// # let _ = hints;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "hints are for `getaddrinfo`"]
pub struct AddrInfoHints {
    pub(super) family: Option<Domain>,
    pub(super) socktype: Option<Type>,
    pub(super) protocol: Option<Protocol>,
    flags: i32,
}

impl AddrInfoHints {
    /// No hints: every family, type and protocol.
    pub fn new() -> Self {
        Self::default()
    }

    /// Addresses of this family only; asyncio's `family`.
    pub fn family(mut self, family: Domain) -> Self {
        self.family = Some(family);
        self
    }

    /// For sockets of this type only; asyncio's `type`. Without it each address comes once for
    /// each type.
    pub fn socktype(mut self, socktype: Type) -> Self {
        self.socktype = Some(socktype);
        self
    }

    /// For this protocol only; asyncio's `proto`.
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = Some(protocol);
        self
    }

    /// Addresses to bind to: without a host the wildcard, and not the loopback address
    /// (`AI_PASSIVE`).
    pub fn passive(self, on: bool) -> Self {
        self.flag(sys::AI_PASSIVE, on)
    }

    /// The host's canonical name too, with the first address (`AI_CANONNAME`).
    pub fn canonical_name(self, on: bool) -> Self {
        self.flag(sys::AI_CANONNAME, on)
    }

    /// No name server: the host is an address, or an error (`AI_NUMERICHOST`).
    pub fn numeric_host(self, on: bool) -> Self {
        self.flag(sys::AI_NUMERICHOST, on)
    }

    /// The service is a number, or an error (`AI_NUMERICSERV`).
    pub fn numeric_service(self, on: bool) -> Self {
        self.flag(sys::AI_NUMERICSERV, on)
    }

    /// Only families of which this machine has an address (`AI_ADDRCONFIG`).
    pub fn address_config(self, on: bool) -> Self {
        self.flag(sys::AI_ADDRCONFIG, on)
    }

    /// IPv4 addresses in IPv6 form if there are no others (`AI_V4MAPPED`); with
    /// [`all`](Self::all) also beside the others.
    ///
    /// # Platform-specific behaviour
    /// Without effect on NetBSD and OpenBSD, which do not map addresses.
    pub fn v4_mapped(self, on: bool) -> Self {
        self.flag(sys::AI_V4MAPPED, on)
    }

    /// `AI_ALL`; see [`v4_mapped`](Self::v4_mapped).
    pub fn all(self, on: bool) -> Self {
        self.flag(sys::AI_ALL, on)
    }

    fn flag(mut self, flag: i32, on: bool) -> Self {
        self.flags = if on {
            self.flags | flag
        } else {
            self.flags & !flag
        };
        self
    }

    pub(super) fn raw(&self) -> dns_lookup::AddrInfoHints {
        dns_lookup::AddrInfoHints {
            flags: self.flags,
            address: self.family.map_or(0, i32::from),
            socktype: self.socktype.map_or(0, i32::from),
            protocol: self.protocol.map_or(0, i32::from),
        }
    }
}

/// One address that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AddrInfo {
    /// For a socket of this family.
    pub family: Domain,
    /// Of this type.
    pub socktype: Type,
    /// And of this protocol; `None` is the type's usual one.
    pub protocol: Option<Protocol>,
    /// The host's canonical name, with the first address, if it was asked for.
    pub canonname: Option<String>,
    /// The address, with the service's port.
    pub address: SocketAddr,
}

impl From<dns_lookup::AddrInfo> for AddrInfo {
    fn from(info: dns_lookup::AddrInfo) -> Self {
        Self {
            family: Domain::from(info.address),
            socktype: Type::from(info.socktype),
            protocol: (info.protocol != 0).then(|| Protocol::from(info.protocol)),
            canonname: info.canonname,
            address: info.sockaddr,
        }
    }
}

/// The service to look up: the `port` of asyncio's `getaddrinfo`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Service<'a> {
    /// None in particular: port 0.
    #[default]
    Any,
    /// A port.
    Port(u16),
    /// A name of the system's list (`"https"`), or a port as text. An empty one is none in
    /// particular.
    Named(&'a str),
}

impl<'a> Service<'a> {
    /// The port, if no list has to be asked for it.
    pub(super) fn port(self) -> Option<u16> {
        match self {
            Self::Any | Self::Named("") => Some(0),
            Self::Port(port) => Some(port),
            Self::Named(name) if name.bytes().all(|byte| byte.is_ascii_digit()) => {
                name.parse().ok()
            }
            Self::Named(_) => None,
        }
    }

    pub(super) fn text(self) -> Option<String> {
        match self {
            Self::Any | Self::Named("") => None,
            Self::Port(port) => Some(port.to_string()),
            Self::Named(name) => Some(name.to_owned()),
        }
    }
}

impl From<u16> for Service<'_> {
    fn from(port: u16) -> Self {
        Self::Port(port)
    }
}

impl From<Option<u16>> for Service<'_> {
    fn from(port: Option<u16>) -> Self {
        port.map_or(Self::Any, Self::Port)
    }
}

impl<'a> From<&'a str> for Service<'a> {
    fn from(name: &'a str) -> Self {
        Self::Named(name)
    }
}

/// What to write of an address's names: the flags of `getnameinfo`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "flags are for `getnameinfo`"]
pub struct NameInfoFlags(i32);

impl NameInfoFlags {
    /// No flags: names where there are some, numbers elsewhere.
    pub fn new() -> Self {
        Self::default()
    }

    /// The host's address instead of its name (`NI_NUMERICHOST`).
    pub fn numeric_host(self, on: bool) -> Self {
        self.flag(sys::NI_NUMERICHOST, on)
    }

    /// The port instead of the service's name (`NI_NUMERICSERV`).
    pub fn numeric_service(self, on: bool) -> Self {
        self.flag(sys::NI_NUMERICSERV, on)
    }

    /// A host without a name is an error (`NI_NAMEREQD`).
    pub fn name_required(self, on: bool) -> Self {
        self.flag(sys::NI_NAMEREQD, on)
    }

    /// The name of the datagram service, where the two differ (`NI_DGRAM`).
    pub fn datagram(self, on: bool) -> Self {
        self.flag(sys::NI_DGRAM, on)
    }

    /// Hosts of this domain without their domain (`NI_NOFQDN`).
    pub fn no_domain(self, on: bool) -> Self {
        self.flag(sys::NI_NOFQDN, on)
    }

    fn flag(self, flag: i32, on: bool) -> Self {
        Self(if on { self.0 | flag } else { self.0 & !flag })
    }

    pub(super) fn raw(self) -> i32 {
        self.0
    }
}
