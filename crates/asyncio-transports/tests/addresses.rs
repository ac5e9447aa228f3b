//! Addresses on their way to the system and back: whatever they are, they are what they were.
//! Scenario J3. (No address is taken apart but by its fields: the crate forbids unsafe code.)
#![cfg(unix)]

mod net;

use std::ffi::OsStr;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use asyncio_testkit::{Folder, Rng, for_each_seed};
use asyncio_transports::{
    PeerName, SockName, create_connection, create_server, create_unix_connection,
    create_unix_server, open_datagram_endpoint,
};
use net::{Echo, internet, run};
use socket2::SockAddr;

/// This machine has them all: 127.0.0.0/8. On other systems it has one.
fn of_this_machine(rng: &mut Rng) -> SocketAddr {
    let any = Ipv4Addr::from(0x7f00_0000 | (1 + rng.below(0xff_fff0)) as u32);
    match rng.index(4) {
        0 => (Ipv6Addr::LOCALHOST, 0).into(),
        _ if cfg!(target_os = "linux") => (any, 0).into(),
        _ => (Ipv4Addr::LOCALHOST, 0).into(),
    }
}

#[test]
fn addresses_of_connections_are_those_of_the_other_side_j3() {
    for_each_seed(100, |rng| {
        let (here, there) = (of_this_machine(rng), of_this_machine(rng));
        run(async |_| {
            let server = create_server(Echo::default, there).await.unwrap();
            let listens = internet(server.sockets()[0].getsockname());
            assert_eq!(listens.ip(), there.ip());
            let mut connecting = create_connection(Echo::default, listens);
            let bound = here.is_ipv4() == there.is_ipv4();
            if bound {
                connecting = connecting.local_addr(here);
            }
            let (transport, _) = connecting.await.unwrap();
            let PeerName(peer) = transport.get_extra_info().unwrap();
            assert_eq!(peer, SockAddr::from(listens));
            let SockName(name) = transport.get_extra_info().unwrap();
            assert!(!bound || name.as_socket().unwrap().ip() == here.ip());
            transport.abort();
        });
    });
}

#[test]
fn addresses_of_datagrams_are_those_of_the_other_side_j3() {
    for_each_seed(100, |rng| {
        let there = of_this_machine(rng);
        let here = loop {
            let here = of_this_machine(rng);
            if here.is_ipv4() == there.is_ipv4() {
                break here;
            }
        };
        run(async |_| {
            let one = open_datagram_endpoint().local_addr(here).await.unwrap();
            let other = open_datagram_endpoint().local_addr(there).await.unwrap();
            let [one_is, other_is] = [&one, &other].map(|it| internet(it.local_addr()));
            assert_eq!((one_is.ip(), other_is.ip()), (here.ip(), there.ip()));
            one.send_to(b"x", other_is).await.unwrap();
            let came = other.recv_from(&mut [0; 2]).await.unwrap();
            assert_eq!(came.from, Some(one_is.into()));
        });
    });
}

/// Of any bytes but NUL and the slash, which mean something in a path.
fn any_name(rng: &mut Rng, length: usize) -> Vec<u8> {
    let byte = |rng: &mut Rng| loop {
        let byte = rng.next_u64() as u8;
        if !matches!(byte, 0 | b'/' | b'.') {
            return byte;
        }
    };
    (0..length).map(|_| byte(rng)).collect()
}

#[test]
fn names_of_unix_sockets_are_bytes_j3() {
    let folder = Folder::new();
    let room = 100 - folder.path().as_os_str().len();
    for_each_seed(100, |rng| {
        let length = 1 + rng.index(room);
        // Apple's file systems want text.
        let name = match cfg!(target_vendor = "apple") {
            true => vec![b'x'; length],
            false => any_name(rng, length),
        };
        let path = folder.path().join(OsStr::from_bytes(&name));
        let mut names = vec![path.into_os_string()];
        if cfg!(target_os = "linux") {
            // Abstract: a NUL, and NULs in it.
            let mut name = [b"\0asyncio", &*any_name(rng, length), b"\0\0end"].concat();
            name.truncate(107);
            names.push(OsStr::from_bytes(&name).to_owned());
        }
        run(async |_| {
            for name in &names {
                let path = Path::new(name);
                let server = create_unix_server(Echo::default, path).await.unwrap();
                let listens = server.sockets()[0].getsockname().unwrap();
                assert_eq!(listens, SockAddr::unix(path).unwrap());
                let (transport, _) = create_unix_connection(Echo::default, path).await.unwrap();
                let PeerName(peer) = transport.get_extra_info().unwrap();
                assert_eq!(peer, listens);
                transport.abort();
                server.close();
            }
        });
    });
}
