//! Local and remote addresses joined to the sockets to try, as a pure function.

#[path = "../src/datagram/candidates.rs"]
mod candidates;

use asyncio_loop::socket::{Domain, Protocol, SockAddr};
use candidates::{Candidate, Found, join};
use std::net::SocketAddr;

fn address(text: &str) -> SockAddr {
    text.parse::<SocketAddr>().unwrap().into()
}

fn found(texts: &[&str]) -> Option<Vec<Found>> {
    let found = texts.iter().map(|text| {
        let address = address(text);
        Found {
            family: address.domain(),
            protocol: Some(Protocol::UDP),
            address,
        }
    });
    Some(found.collect())
}

fn candidate(family: Domain, local: Option<&str>, remote: Option<&str>) -> Candidate {
    Candidate {
        family,
        protocol: Some(Protocol::UDP),
        local: local.map(address),
        remote: remote.map(address),
    }
}

#[test]
fn families_come_in_the_order_of_the_answers() {
    let joined = join(found(&["[::1]:1", "127.0.0.1:1"]), None).unwrap();
    let expected = [
        candidate(Domain::IPV6, Some("[::1]:1"), None),
        candidate(Domain::IPV4, Some("127.0.0.1:1"), None),
    ];
    assert_eq!(joined, expected);
}

#[test]
fn the_first_address_of_a_family_is_taken() {
    let joined = join(None, found(&["127.0.0.1:1", "127.0.0.2:1", "127.0.0.3:1"])).unwrap();
    assert_eq!(joined, [candidate(Domain::IPV4, None, Some("127.0.0.1:1"))]);
}

#[test]
fn only_families_with_both_addresses_are_tried() {
    let local = found(&["127.0.0.1:1"]);
    let joined = join(local, found(&["[::1]:2", "127.0.0.2:2"])).unwrap();
    let expected = candidate(Domain::IPV4, Some("127.0.0.1:1"), Some("127.0.0.2:2"));
    assert_eq!(joined, [expected]);
    for (local, remote) in [
        (found(&["127.0.0.1:1"]), found(&["[::1]:2"])),
        (found(&[]), None),
        (found(&[]), found(&["127.0.0.1:1"])),
    ] {
        let error = join(local, remote).unwrap_err();
        assert_eq!(error.to_string(), "can not get address information");
    }
}

#[test]
fn a_protocol_is_a_key_of_its_own() {
    let mut local = found(&["127.0.0.1:1"]).unwrap();
    local[0].protocol = None;
    assert!(join(Some(local), found(&["127.0.0.2:2"])).is_err());
}
