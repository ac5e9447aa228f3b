//! A bad line between two namespaces: what it does to packets, and that nothing is left of it.
#![cfg(target_os = "linux")]

use asyncio_testkit::{End, Link, Weather};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::process::Command;
use std::time::Duration;

/// Sends `count` numbers from one end to the other, and returns those that come, until `expected` have come
/// or none has for so long.
fn numbers(link: &Link, count: u32, expected: usize, patience: Duration) -> Vec<u32> {
    let far = link.on(End::Right, || UdpSocket::bind("10.98.0.2:0").unwrap());
    far.set_read_timeout(Some(patience)).unwrap();
    let near = link.on(End::Left, || UdpSocket::bind("10.98.0.1:0").unwrap());
    for number in 0..count {
        let to = far.local_addr().unwrap();
        near.send_to(&number.to_be_bytes(), to).unwrap();
    }
    let mut came = Vec::new();
    let mut number = [0; 4];
    while came.len() < expected
        && let Ok((4, _)) = far.recv_from(&mut number)
    {
        came.push(u32::from_be_bytes(number));
    }
    came
}

fn namespaces() -> String {
    let listing = Command::new("ip").args(["netns", "list"]).output().unwrap();
    let ours = format!("t{}n", std::process::id());
    let all = String::from_utf8(listing.stdout).unwrap();
    all.lines().filter(|line| line.starts_with(&ours)).collect()
}

#[test]
fn a_line_does_to_packets_what_it_is_told_and_goes_away() {
    let Some(link) = Link::new(42) else {
        return;
    };
    let long = Duration::from_secs(20);
    assert_eq!(numbers(&link, 20, 20, long), (0..20).collect::<Vec<_>>());
    assert!(namespaces().contains("-left"));

    // Of 200 each kind of accident happens to some; a datagram that is damaged is lost.
    link.weather(Weather {
        delay: Duration::from_millis(20),
        jitter: Duration::from_millis(15),
        loss: 0.2,
        duplicates: 0.2,
        damage: 0.2,
    });
    let came = numbers(&link, 200, usize::MAX, Duration::from_secs(3));
    let mut different = came.clone();
    different.sort_unstable();
    assert_ne!(came, different, "they come in order");
    different.dedup();
    assert!(different.len() < came.len(), "none came twice");
    assert!((50..190).contains(&different.len()), "{}", different.len());

    link.weather(Weather::default());
    link.swallow(Ipv4Addr::new(10, 98, 0, 3));
    link.on(End::Left, || {
        let nobody = "10.98.0.3:9".parse().unwrap();
        let error = TcpStream::connect_timeout(&nobody, Duration::from_millis(50)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        let error = TcpStream::connect("10.99.0.1:9").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::HostUnreachable);
        let error = TcpStream::connect("203.0.113.1:9").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NetworkUnreachable);
    });
    link.weather(Weather::dead());
    assert_eq!(numbers(&link, 20, 1, Duration::from_millis(200)), []);
    let traffic = link.end();
    assert!(traffic.lost > 40 && traffic.damaged > 10, "{traffic:?}");
    assert!(
        traffic.duplicated > 10 && traffic.overtaken > 10,
        "{traffic:?}"
    );
    assert_eq!(namespaces(), "");
}
