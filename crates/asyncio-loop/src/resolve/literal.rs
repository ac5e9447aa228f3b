//! Addresses that are spelled out: answered without the resolver. Pure.

use std::net::{IpAddr, SocketAddr};

use socket2::{Domain, Protocol, Type};

use super::hints::{AddrInfo, AddrInfoHints, NameInfoFlags, Service};
use super::sys;

/// Flags that change nothing for an address that is spelled out.
const IDLE_FLAGS: i32 =
    sys::AI_PASSIVE | sys::AI_NUMERICHOST | sys::AI_NUMERICSERV | sys::AI_ADDRCONFIG;

/// What the system would answer for `host`, if it is an address and nothing has to be looked up;
/// `None` where the system has to be asked, if only for its error.
pub(super) fn literal(
    host: &str,
    service: Service<'_>,
    hints: &AddrInfoHints,
) -> Option<Vec<AddrInfo>> {
    // A scope (`fe80::1%eth0`) does not parse: the name of an interface is the system's business.
    let ip: IpAddr = host.parse().ok()?;
    let port = service.port()?;
    if hints.raw().flags & !IDLE_FLAGS != 0 {
        return None;
    }
    let family = match ip {
        IpAddr::V4(_) => Domain::IPV4,
        IpAddr::V6(_) => Domain::IPV6,
    };
    if hints.family.is_some_and(|wanted| wanted != family) {
        return None;
    }
    let fits = |socktype: Type, protocol: Protocol| {
        hints.socktype.is_none_or(|wanted| wanted == socktype)
            && hints.protocol.is_none_or(|wanted| wanted == protocol)
    };
    let info = |socktype: Type, protocol: Option<Protocol>| AddrInfo {
        family,
        socktype,
        protocol,
        canonname: None,
        address: SocketAddr::new(ip, port),
    };
    let mut found = Vec::new();
    for (socktype, protocol) in [(Type::STREAM, Protocol::TCP), (Type::DGRAM, Protocol::UDP)] {
        if fits(socktype, protocol) {
            found.push(info(socktype, Some(protocol)));
        }
    }
    if hints.socktype.is_none() && hints.protocol.is_none() {
        found.push(info(Type::RAW, None));
    }
    (!found.is_empty()).then_some(found)
}

/// The address and the port as text, if that is what was asked for.
pub(super) fn numbers(address: SocketAddr, flags: NameInfoFlags) -> Option<(String, String)> {
    const BOTH: i32 = sys::NI_NUMERICHOST | sys::NI_NUMERICSERV;
    // The name of a scope's interface is the system's business.
    let scoped = matches!(address, SocketAddr::V6(address) if address.scope_id() != 0);
    let asked = flags.raw() & !sys::NI_DGRAM;
    (asked == BOTH && !scoped).then(|| (address.ip().to_string(), address.port().to_string()))
}
