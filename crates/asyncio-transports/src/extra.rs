//! What a transport knows of itself, asked by type.

use std::any::Any;
use std::fmt;
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};

use asyncio_loop::Address;
use socket2::SockAddr;

/// A question to a transport: what it knows of one type. Layers answer what they know, and hand the
/// question on to what they are built on; so crates above this one add types of their own, and a
/// connection stores nothing that can be found out when asked.
pub struct Query<'a> {
    /// An `Option<T>`.
    answer: &'a mut dyn Any,
}

impl Query<'_> {
    /// Has `transport` answer for the type `T`.
    pub fn ask<T: Any>(transport: impl FnOnce(&mut Query<'_>)) -> Option<T> {
        let mut answer: Option<T> = None;
        transport(&mut Query {
            answer: &mut answer,
        });
        answer
    }

    /// Answers if `T` is what is asked for and nobody has answered yet.
    pub fn offer<T: Any>(&mut self, answer: impl FnOnce() -> Option<T>) -> &mut Self {
        if let Some(slot @ None) = self.answer.downcast_mut::<Option<T>>() {
            *slot = answer();
        }
        self
    }
}

impl fmt::Debug for Query<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Query").finish_non_exhaustive()
    }
}

/// The address of the other end: asyncio's `peername`.
#[derive(Clone, PartialEq, Eq)]
pub struct PeerName(pub SockAddr);

/// The address of this end: asyncio's `sockname`.
#[derive(Clone, PartialEq, Eq)]
pub struct SockName(pub SockAddr);

/// `PeerName(127.0.0.1:80)`, where a [`SockAddr`] shows only its family and size.
impl fmt::Debug for PeerName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PeerName({})", Address::Socket(self.0.clone()))
    }
}

/// As [`PeerName`].
impl fmt::Debug for SockName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SockName({})", Address::Socket(self.0.clone()))
    }
}

/// The address of the other end, as a connection keeps it: the operating system forgets it with the
/// connection, and `connection_lost` is where it is asked for. A [`SockAddr`] has room for any
/// family, 136 bytes; most connections get along without.
#[derive(Clone, Debug, Default)]
pub(crate) enum Peer {
    #[default]
    Unknown,
    V4(SocketAddrV4),
    V6(Box<SocketAddrV6>),
    Other(Box<SockAddr>),
}

const _: () = assert!(size_of::<Peer>() <= 16);

impl Peer {
    pub(crate) fn name(&self) -> Option<PeerName> {
        let address = match self {
            Self::Unknown => return None,
            Self::V4(address) => (*address).into(),
            Self::V6(address) => (**address).into(),
            Self::Other(address) => SockAddr::clone(address),
        };
        Some(PeerName(address))
    }
}

impl From<SockAddr> for Peer {
    fn from(address: SockAddr) -> Self {
        match address.as_socket() {
            Some(SocketAddr::V4(address)) => Self::V4(address),
            Some(SocketAddr::V6(address)) => Self::V6(Box::new(address)),
            // The clients of a Unix listener have no name as a rule.
            None if crate::sys::is_unnamed(&address) => Self::Unknown,
            None => Self::Other(Box::new(address)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use asyncio_testkit::for_each_seed;

    /// Also what only some systems give back: flow labels, scopes.
    #[test]
    fn every_field_of_an_address_is_kept_j3() {
        for_each_seed(200, |rng| {
            let bits = u128::from(rng.next_u64()) << 64 | u128::from(rng.next_u64());
            let [port, flow, scope] = [0; 3].map(|_: u8| rng.next_u64());
            let v6 = SocketAddrV6::new(bits.into(), port as u16, flow as u32, scope as u32);
            let v4 = SocketAddrV4::new((bits as u32).into(), port as u16);
            for address in [SocketAddr::V6(v6), SocketAddr::V4(v4)] {
                let name = Peer::from(SockAddr::from(address)).name().unwrap();
                assert_eq!(name.0.as_socket(), Some(address));
                assert_eq!(name.0, SockAddr::from(address));
            }
        });
    }
}
