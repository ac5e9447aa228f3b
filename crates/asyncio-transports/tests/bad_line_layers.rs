//! A bad line under a layer: its handshake, its bytes, and its end.
#![cfg(target_os = "linux")]

mod net;
mod stream_scene;
mod veil;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use asyncio_loop::sleep;
use asyncio_testkit::{End, Link, Traffic, Weather};
use asyncio_transports::{create_connection, create_server};
use net::run;
use stream_scene::{Log, Recorder};
use veil::Veil;

const SERVER: &str = "10.98.0.2:7000";
const BYTES: usize = 300_000;

/// Bytes that tell their places apart; the layer cannot send `0xaa`.
fn bytes(of: u8) -> Vec<u8> {
    let words = 0..BYTES as u32 / 4;
    let of = u32::from(of);
    let spread = |word: u32| [of, word >> 14, word >> 7, word].map(|it| (it & 0x7f) as u8);
    words.flat_map(spread).collect()
}

/// Runs `scenario` at the left end. At the right end a layered server sends its bytes to everybody,
/// and has what it is told noted. Returns what became of the packets.
fn with_server(seed: u64, scenario: impl AsyncFnOnce(&Link, &Log) + Send) -> Option<Traffic> {
    let link = Link::new(seed)?;
    link.on(End::Left, || {
        run(async |event_loop| {
            let log = Log::default();
            let far = log.clone();
            let protocol = move || {
                Recorder::new(&far).on("made", |transport| {
                    let _ = transport.write(&bytes(2));
                })
            };
            link.enter(End::Right);
            let server = create_server(protocol, SERVER.parse::<SocketAddr>().unwrap());
            let server = server.ssl(Veil::new("server")).await.unwrap();
            link.enter(End::Left);
            scenario(&link, &log).await;
            server.close();
            while event_loop.metrics().sources > 0 {
                sleep(Duration::from_millis(1)).await;
            }
        });
    });
    Some(link.end())
}

#[test]
fn a_layer_on_a_bad_line_loses_nothing_and_ends_in_order_n4() {
    let traffic = with_server(16, async |link, far| {
        link.weather(Weather {
            delay: Duration::from_millis(3),
            jitter: Duration::from_millis(2),
            loss: 0.03,
            duplicates: 0.03,
            damage: 0.03,
        });
        let near = Log::default();
        let address: SocketAddr = SERVER.parse().unwrap();
        let recorder = Recorder::new(&near);
        let connecting = create_connection(|| recorder, address)
            .ssl(Veil::new("client"))
            .server_hostname("server");
        let (transport, _) = connecting.await.unwrap();
        let _ = transport.write(&bytes(1));
        near.until_received(BYTES).await;
        transport.close();
        near.until("lost").await;
        far.until("lost").await;
        assert!(near.received() == bytes(2) && far.received() == bytes(1));
        for log in [near, far.clone()] {
            let calls = log.calls();
            assert_eq!((&*calls[0], &**calls.last().unwrap()), ("made", "lost"));
            assert_eq!((log.count("made"), log.count("lost")), (1, 1));
        }
    });
    let Some(traffic) = traffic else { return };
    assert!(traffic.lost > 0 && traffic.damaged > 0, "{traffic:?}");
}

#[test]
fn a_handshake_that_takes_too_long_on_the_line_times_out_n4() {
    with_server(17, async |link, _| {
        // The connection is made, and the server's word comes more than half a second later.
        link.weather(Weather::late(Duration::from_millis(300)));
        let near = Log::default();
        let recorder = Recorder::new(&near);
        let address: SocketAddr = SERVER.parse().unwrap();
        let connecting = create_connection(|| recorder, address)
            .ssl(Veil::new("client"))
            .server_hostname("server")
            .ssl_handshake_timeout(Duration::from_millis(50));
        let error = connecting.await.err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(near.calls(), [""; 0]);
        link.weather(Weather::default());
    });
}
