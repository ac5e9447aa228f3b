//! Two machines and a bad line between them: two network namespaces, where packets are lost, late,
//! damaged and out of order, and where the kernel's own timeouts run out.
#![cfg(target_os = "linux")]

mod net;

use std::cell::Cell;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use asyncio_futures::timeout;
use asyncio_loop::{GaiError, LoopRef, create_task, get_running_loop, sleep};
use asyncio_testkit::{End, Link, Rng, Traffic, Weather};
use asyncio_transports::{
    DatagramEndpoint, DatagramProtocol, PeerName, Protocol, Transport, TransportSocket,
    create_connection, create_datagram_endpoint, create_server, open_datagram_endpoint,
};
use net::{Echo, Recorder, Seen, run};
use rustix::io::Errno;
use socket2::SockAddr;

const SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 98, 0, 2));
/// The server's other addresses, which a test may have swallowed.
const SECOND: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 98, 0, 3));
const SECOND_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfd98, 0, 0, 0, 0, 0, 0, 3));
/// Behind a router that says that it cannot be reached.
const BEHIND: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 99, 0, 1));
/// To which there is no way at all.
const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1));
const PORT: u16 = 7000;

fn to(address: IpAddr) -> SocketAddr {
    (address, PORT).into()
}

/// Runs `scenario` on a thread and a loop of its own that is at the left end of a link, unless there
/// can be no link. It goes to the right end to make a server: a socket stays where it was made.
/// Returns what became of the packets.
#[track_caller]
fn run_at_both_ends(
    seed: u64,
    scenario: impl AsyncFnOnce(&Link, LoopRef) + Send,
) -> Option<Traffic> {
    let link = Link::new(seed)?;
    link.on(End::Left, || {
        run(async |event_loop| scenario(&link, event_loop).await);
    });
    Some(link.end())
}

/// Serves at the right end, for as long as the loop lives.
async fn serve<P: Protocol>(link: &Link, factory: impl Fn() -> P + 'static) {
    link.enter(End::Right);
    let server = create_server(factory, (["10.98.0.2", "fd98::2"], PORT));
    server.await.unwrap();
    link.enter(End::Left);
}

/// Changes a setting of the kernel in the namespace that this thread is in.
fn set(name: &str, value: &str) {
    let path = format!("/proc/sys/net/ipv4/{name}");
    std::fs::write(&path, value).unwrap_or_else(|error| panic!("{path}: {error}"));
}

#[test]
fn a_connect_that_nobody_answers_times_out_by_the_kernel_or_before_n9() {
    run_at_both_ends(1, async |link, event_loop| {
        link.swallow(SECOND);
        // One more attempt, a second later.
        set("tcp_syn_retries", "1");
        let impatient = create_connection(Echo::default, to(SECOND));
        assert!(timeout(Duration::from_millis(20), impatient).await.is_err());

        let error = create_connection(Echo::default, to(SECOND))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let text = error.to_string();
        assert!(text.contains("10.98.0.3:7000"), "{text}");
        assert_eq!(event_loop.metrics().sources, 0);
    });
}

#[test]
fn the_networks_refusals_are_told_by_their_names_n9() {
    run_at_both_ends(2, async |link, event_loop| {
        let kind = async |address| {
            let refused = create_connection(Echo::default, to(address)).await;
            refused.unwrap_err().kind()
        };
        assert_eq!(kind(SERVER).await, io::ErrorKind::ConnectionRefused);
        assert_eq!(kind(BEHIND).await, io::ErrorKind::HostUnreachable);
        assert_eq!(kind(NOWHERE).await, io::ErrorKind::NetworkUnreachable);

        // All ports are taken: there are two.
        serve(link, Echo::default).await;
        set("ip_local_port_range", "40000 40001");
        let sources = event_loop.metrics().sources;
        let first = create_connection(Echo::default, to(SERVER)).await.unwrap();
        let second = create_connection(Echo::default, to(SERVER)).await.unwrap();
        assert_eq!(kind(SERVER).await, io::ErrorKind::AddrNotAvailable);
        first.0.abort();
        second.0.abort();
        while event_loop.metrics().sources > sources {
            sleep(Duration::from_millis(1)).await;
        }
    });
}

/// RFC 8305 where it is meant for: IPv6 comes first, and leads nowhere.
#[test]
fn a_first_address_that_is_swallowed_costs_a_quarter_of_a_second_n9_n15() {
    run_at_both_ends(3, async |link, event_loop| {
        link.weather(Weather::late(Duration::from_millis(5)));
        link.swallow(SECOND_V6);
        serve(link, Echo::default).await;
        let sources = event_loop.metrics().sources;
        let began = event_loop.time();
        let both = vec![to(SECOND_V6), to(SERVER)];
        let (transport, _) = create_connection(Echo::default, both).await.unwrap();
        let took = event_loop.time() - began;
        let PeerName(peer) = transport.get_extra_info().unwrap();
        assert_eq!(peer.as_socket(), Some(to(SERVER)));
        assert!(took >= Duration::from_millis(250), "{took:?}");
        // The kernel tries for minutes.
        assert!(took < Duration::from_secs(5), "{took:?}");
        transport.abort();
        // The attempt that was given up has left nothing.
        while event_loop.metrics().sources > sources {
            sleep(Duration::from_millis(1)).await;
        }
    });
}

/// The interface of the line, at the end where this thread is.
fn interface() -> String {
    let table = std::fs::read_to_string("/proc/thread-self/net/if_inet6").unwrap();
    let line = table.lines().find(|line| line.starts_with("fe80"));
    line.unwrap().split_whitespace().last().unwrap().to_owned()
}

#[test]
fn an_address_with_a_scope_is_connected_to_n10() {
    run_at_both_ends(4, async |link, _| {
        link.enter(End::Right);
        let server = create_server(Echo::default, ("::", PORT));
        let _server = server.await.unwrap();
        link.enter(End::Left);
        let host = format!("fe80::98:2%{}", interface());
        let connecting = create_connection(Echo::default, (&*host, PORT));
        let (transport, _) = connecting.await.unwrap();
        let PeerName(peer) = transport.get_extra_info().unwrap();
        let peer = peer.as_socket_ipv6().unwrap();
        assert_eq!(peer.ip().to_string(), "fe80::98:2");
        assert_ne!(peer.scope_id(), 0);
        // Without a scope the kernel does not know which link is meant.
        let nowhere: SocketAddr = (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0x98, 2), PORT).into();
        let error = create_connection(Echo::default, nowhere).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    });
}

#[test]
fn datagrams_go_from_an_address_with_a_scope_to_another_n10() {
    run_at_both_ends(14, async |link, _| {
        link.enter(End::Right);
        let far = open_datagram_endpoint().local_addr(("::", PORT));
        let far = far.await.unwrap();
        link.enter(End::Left);
        let near = open_datagram_endpoint()
            .local_addr((&*format!("fe80::98:1%{}", interface()), 0))
            .remote_addr((&*format!("fe80::98:2%{}", interface()), PORT));
        let near = near.await.unwrap();
        for address in [
            near.local_addr().unwrap(),
            near.peer_addr().cloned().unwrap(),
        ] {
            assert_ne!(address.as_socket_ipv6().unwrap().scope_id(), 0);
        }
        near.send(b"hello").await.unwrap();
        let received = far.recv_from(&mut [0; 8]).await.unwrap();
        let from = received.from.unwrap().as_socket_ipv6().unwrap();
        assert_eq!(
            (received.len, from.ip().to_string().as_str()),
            (5, "fe80::98:1")
        );
    });
}

/// The resolver's server cannot be reached.
#[test]
fn names_without_a_resolver_are_an_error_n15() {
    run_at_both_ends(5, async |_, event_loop| {
        let error = create_connection(Echo::default, ("somewhere.test", PORT))
            .await
            .unwrap_err();
        assert!(error.downcast::<GaiError>().is_ok());
        assert_eq!(event_loop.metrics().sources, 0);
    });
}

/// What this side does when the line goes dead, with `TCP_USER_TIMEOUT` as the kernel's patience.
async fn dead_line(link: &Link, talk: impl FnOnce(&Rc<dyn Transport>)) -> Vec<String> {
    let seen = Seen::default();
    let recorder = Recorder::new(&seen);
    let (transport, _) = create_connection(|| recorder, to(SERVER)).await.unwrap();
    let socket: TransportSocket = transport.get_extra_info().unwrap();
    let patience = Some(Duration::from_millis(300));
    let patient = socket.with(|socket| socket.set_tcp_user_timeout(patience));
    patient.unwrap();
    link.weather(Weather::dead());
    talk(&transport);
    seen.until("lost: timed out", 1).await;
    link.weather(Weather::default());
    assert!(transport.is_closing());
    assert_eq!(transport.get_write_buffer_size(), 0);
    seen.take()
}

#[test]
fn a_line_that_goes_dead_ends_the_connection_with_the_kernels_timeout_n4() {
    run_at_both_ends(6, async |link, _| {
        serve(link, Echo::default).await;
        let all_is_with_the_kernel = dead_line(link, |transport| {
            let _ = transport.write(b"is somebody there?");
            assert_eq!(transport.get_write_buffer_size(), 0);
        });
        assert_eq!(all_is_with_the_kernel.await, ["made", "lost: timed out"]);
        let something_is_unwritten = dead_line(link, |transport| {
            transport.pause_reading();
            let _ = transport.write(&vec![7; 20_000_000]);
            transport.write_eof();
        });
        assert_eq!(something_is_unwritten.await, ["made", "lost: timed out"]);
    });
}

/// Breaks the connection off when so many bytes have come.
struct Breaker {
    transport: Option<Rc<dyn Transport>>,
    left: usize,
}

impl Protocol for Breaker {
    fn connection_made(&mut self, transport: Rc<dyn Transport>) {
        let _ = transport.write(&vec![b'x'; 1_000_000]);
        self.transport = Some(transport);
    }

    fn data_received(&mut self, data: &[u8]) {
        self.left = self.left.saturating_sub(data.len());
        if let Some(transport) = self.transport.take_if(|_| self.left == 0) {
            let socket: TransportSocket = transport.get_extra_info().unwrap();
            let at_once = Some(Duration::ZERO);
            socket.with(|socket| socket.set_linger(at_once)).unwrap();
            transport.abort();
        }
    }
}

/// In the middle of both directions, whatever becomes of the packet that says so.
#[test]
fn a_reset_on_a_bad_line_is_told_once_n4() {
    run_at_both_ends(7, async |link, event_loop| {
        let breaker = || Breaker {
            transport: None,
            left: 100_000,
        };
        serve(link, breaker).await;
        link.weather(Weather {
            delay: Duration::from_millis(5),
            jitter: Duration::from_millis(4),
            loss: 0.05,
            ..Weather::default()
        });
        let sources = event_loop.metrics().sources;
        for _ in 0..5 {
            let seen = Seen::default();
            let recorder = Recorder::new(&seen);
            let (transport, _) = create_connection(|| recorder, to(SERVER)).await.unwrap();
            let _ = transport.write(&vec![7; 5_000_000]);
            seen.until("lost: connection reset", 1).await;
            assert_eq!(transport.get_write_buffer_size(), 0);
            let notes = seen.take();
            let lost = notes.iter().filter(|note| note.starts_with("lost"));
            assert_eq!((lost.count(), notes.contains(&"eof".into())), (1, false));
        }
        while event_loop.metrics().sources > sources {
            sleep(Duration::from_millis(1)).await;
        }
    });
}

async fn datagrams(link: &Link, end: End) -> DatagramEndpoint {
    link.enter(end);
    let builder = open_datagram_endpoint();
    let endpoint = match end {
        End::Left => builder.remote_addr(to(SERVER)).await,
        End::Right => builder.local_addr(to(SERVER)).await,
    };
    link.enter(End::Left);
    endpoint.unwrap()
}

/// Asks until the answer comes, and returns how often that was.
async fn ask(endpoint: &DatagramEndpoint, question: &[u8]) -> usize {
    let mut answer = vec![0; 65_536];
    for times in 1.. {
        endpoint.send(question).await.unwrap();
        let answered = timeout(Duration::from_millis(60), async {
            // The answers to former questions may come late, and twice.
            while {
                let received = endpoint.recv_from(&mut answer).await.unwrap();
                &answer[..received.len] != question
            } {}
        });
        if answered.await.is_ok() {
            return times;
        }
    }
    unreachable!("one comes through at last")
}

#[test]
fn datagrams_come_whole_or_not_at_all_n11() {
    let traffic = run_at_both_ends(8, async |link, _| {
        let server = datagrams(link, End::Right).await;
        let client = datagrams(link, End::Left).await;
        let echo = create_task(async move {
            let mut buffer = vec![0; 65_536];
            let mut different = std::collections::BTreeSet::new();
            loop {
                let received = server.recv_from(&mut buffer).await.unwrap();
                let question = &buffer[..received.len];
                different.insert(question.to_vec());
                server
                    .send_to(question, received.from.unwrap())
                    .await
                    .unwrap();
                if question == b"how many?" {
                    return different.len() - 1;
                }
            }
        });
        let bad = Weather {
            delay: Duration::from_millis(5),
            jitter: Duration::from_millis(4),
            loss: 0.15,
            duplicates: 0.15,
            damage: 0.15,
        };
        link.weather(bad);
        let mut rng = Rng::new(8);
        let mut asked = 0;
        for number in 0..60_u32 {
            let mut question = number.to_be_bytes().to_vec();
            question.resize_with(4 + rng.index(1200), || rng.next_u64() as u8);
            asked += ask(&client, &question).await;
        }
        assert!(asked > 60, "nothing was lost");
        // In pieces, which come out of order.
        link.weather(Weather {
            loss: 0.0,
            damage: 0.0,
            ..bad
        });
        for number in 0..5_u8 {
            ask(&client, &vec![number; 20_000]).await;
        }
        link.weather(Weather::default());
        ask(&client, b"how many?").await;
        // Not one that nobody has asked.
        assert_eq!(echo.await.unwrap(), 65);
    });
    let Some(traffic) = traffic else { return };
    assert!(traffic.lost > 0 && traffic.damaged > 0, "{traffic:?}");
    assert!(
        traffic.duplicated > 0 && traffic.overtaken > 0,
        "{traffic:?}"
    );
}

struct Notes(Seen);

impl DatagramProtocol for Notes {
    fn datagram_received(&mut self, data: &[u8], _: &SockAddr) {
        self.0.note(String::from_utf8_lossy(data));
    }

    fn error_received(&mut self, error: io::Error) {
        self.0.note(format!("error: {}", error.kind()));
    }

    fn connection_lost(&mut self, _: Option<io::Error>) {
        self.0.note("lost");
    }
}

/// The kernel says that something has come, and finds its checksum wrong when it is read.
#[test]
fn readiness_for_damaged_datagrams_is_for_nothing_p13() {
    run_at_both_ends(9, async |link, event_loop| {
        let seen = Seen::default();
        let notes = Notes(seen.clone());
        link.enter(End::Right);
        let served = create_datagram_endpoint(|| notes).local_addr(to(SERVER));
        let _served = served.await.unwrap();
        let awaited = open_datagram_endpoint().local_addr(to(SECOND));
        let awaited = awaited.await.unwrap();
        link.enter(End::Left);
        let builder = open_datagram_endpoint().local_addr(("10.98.0.1", 0));
        let client = builder.await.unwrap();
        let received = Rc::new(Cell::new(None));
        let first = Rc::clone(&received);
        let waiting = create_task(async move {
            let mut buffer = [0; 9];
            let came = awaited.recv_from(&mut buffer).await.unwrap();
            first.set(Some(buffer[..came.len].to_vec()));
        });
        link.weather(Weather {
            damage: 1.0,
            ..Weather::default()
        });
        let turns = event_loop.metrics().turns;
        for _ in 0..50 {
            client.send_to(b"damaged", to(SERVER)).await.unwrap();
            client.send_to(b"damaged", to(SECOND)).await.unwrap();
        }
        sleep(Duration::from_millis(100)).await;
        let turns = event_loop.metrics().turns - turns;
        assert!(turns <= 300, "{turns} turns");
        link.weather(Weather::default());
        client.send_to(b"whole", to(SERVER)).await.unwrap();
        client.send_to(b"whole", to(SECOND)).await.unwrap();
        seen.until_any().await;
        waiting.await.unwrap();
        assert_eq!(seen.take(), ["whole"]);
        assert_eq!(received.take().unwrap(), b"whole");
    });
}

/// What ICMP says of a datagram is an error of the next call, and the endpoint goes on.
#[test]
fn icmp_errors_are_told_and_pass_n11() {
    run_at_both_ends(10, async |link, _| {
        // Else it says so once a second.
        link.enter(End::Right);
        set("icmp_ratelimit", "0");
        link.enter(End::Left);
        let seen = Seen::default();
        let notes = Notes(seen.clone());
        let connecting = create_datagram_endpoint(|| notes).remote_addr(to(SERVER));
        let (transport, _) = connecting.await.unwrap();
        for times in 1..=3 {
            let _ = transport.sendto(b"x", None).unwrap();
            seen.until("error: connection refused", times).await;
        }
        assert_eq!(seen.take(), ["error: connection refused"; 3]);
        assert!(!transport.is_closing());

        let client = datagrams(link, End::Left).await;
        client.send(b"x").await.unwrap();
        let refused = client.recv_from(&mut [0; 9]).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        // The one that was refused is served now.
        let seen = Seen::default();
        let notes = Notes(seen.clone());
        link.enter(End::Right);
        let served = create_datagram_endpoint(|| notes).local_addr(to(SERVER));
        let _served = served.await.unwrap();
        link.enter(End::Left);
        client.send(b"hello").await.unwrap();
        seen.until("hello", 1).await;
        // No way leads there: the call itself fails.
        let builder = open_datagram_endpoint().local_addr(("10.98.0.1", 0));
        let unconnected = builder.await.unwrap();
        let error = unconnected.send_to(b"x", to(NOWHERE)).await.unwrap_err();
        let expected = Errno::NETUNREACH.raw_os_error();
        assert_eq!(error.raw_os_error(), Some(expected));
        assert_eq!(get_running_loop().metrics().tasks, 1);
    });
}
