//! Whatever the peer has done, a connection for which nothing can be done does not keep the loop
//! busy. Scenario P3, and P4: what is written does not leave an interest behind.

mod stream_scene;

use asyncio_loop::{EventLoop, get_running_loop, sleep};
use asyncio_reactor::SelectorKind;
use asyncio_testkit::Watchdog;
use asyncio_transports::{Protocol, ReadInto, Transport, connect_accepted_socket};
use socket2::Socket;
use std::cell::RefCell;
use std::net::Shutdown;
use std::rc::Rc;
use std::time::Duration;
use stream_scene::{Kind, Log, Recorder, connect, drain, reset, run, send, turns};

/// The state in which the peer's doing finds the transport.
#[derive(Clone, Copy, Debug)]
enum State {
    Reading,
    Paused,
    /// The peer has ended its side before, and this side stays open.
    HalfClosed,
    /// Something is unwritten.
    Blocked,
    /// Unwritten, and paused.
    BlockedAndPaused,
    /// The protocol reads by itself, and does not.
    Pulling,
}

const STATES: [State; 6] = [
    State::Reading,
    State::Paused,
    State::HalfClosed,
    State::Blocked,
    State::BlockedAndPaused,
    State::Pulling,
];

/// What the peer does.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Fin,
    Rst,
    /// It closes with something unread, which is a reset in TCP.
    CloseUnread,
    ShutRead,
    Data,
}

const DEEDS: [Deed; 5] = [
    Deed::Fin,
    Deed::Rst,
    Deed::CloseUnread,
    Deed::ShutRead,
    Deed::Data,
];

/// Leaves everything in the kernel.
struct Puller;

impl Protocol for Puller {
    fn get_buffer(&mut self, _: Option<usize>) -> ReadInto<'_> {
        ReadInto::Later
    }
}

type Kept = (Rc<dyn Transport>, Rc<RefCell<dyn Protocol>>);

async fn bring_about(kind: Kind, state: State) -> (Kept, Socket) {
    let (near, far) = kind.pair();
    let kept: Kept = if let State::Pulling = state {
        let (transport, protocol) = connect_accepted_socket(|| Puller, near).await.unwrap();
        (transport, protocol)
    } else {
        let protocol = Recorder::new(&Log::default()).keeps_open();
        let (transport, protocol) = connect_accepted_socket(|| protocol, near).await.unwrap();
        (transport, protocol)
    };
    let transport = &kept.0;
    match state {
        State::Reading | State::Pulling => {}
        State::Paused => transport.pause_reading(),
        State::HalfClosed => far.shutdown(Shutdown::Write).unwrap(),
        State::Blocked => {
            let _ = transport.write(&vec![7; 8_000_000]);
        }
        State::BlockedAndPaused => {
            transport.pause_reading();
            let _ = transport.write(&vec![7; 8_000_000]);
        }
    }
    (kept, far)
}

/// Returns what keeps the far end as it is.
fn act(far: Socket, kind: Kind, deed: Deed, transport: &Rc<dyn Transport>) -> Option<Socket> {
    match deed {
        Deed::Fin => {
            // It may be done before.
            let _ = far.shutdown(Shutdown::Write);
            Some(far)
        }
        Deed::Rst if kind == Kind::Tcp => {
            reset(far);
            None
        }
        Deed::Rst => None,
        Deed::CloseUnread => {
            let _ = transport.write(b"unread");
            None
        }
        Deed::ShutRead => {
            let _ = far.shutdown(Shutdown::Read);
            Some(far)
        }
        Deed::Data => {
            let _ = far.send(b"data");
            Some(far)
        }
    }
}

/// How many turns a loop makes in which nothing happens, in a second.
const TURNS_MAX: u64 = 20;

fn no_state_spins(kind: SelectorKind) {
    let _watchdog = Watchdog::start("the spin matrix", Duration::from_secs(60));
    let event_loop = EventLoop::builder().selector_kind(kind).build().unwrap();
    let scenario = async || {
        let mut all = Vec::new();
        for kind in Kind::ALL {
            for state in STATES {
                for deed in DEEDS {
                    let (kept, far) = bring_about(kind, state).await;
                    turns(2).await;
                    let far = act(far, kind, deed, &kept.0);
                    all.push((kept, far));
                }
            }
        }
        turns(10).await;
        let before = get_running_loop().metrics();
        sleep(Duration::from_secs(1)).await;
        let after = get_running_loop().metrics();
        assert!(
            after.turns - before.turns <= TURNS_MAX,
            "{before:?} {after:?}"
        );
        assert!(
            after.polls - before.polls <= TURNS_MAX,
            "{before:?} {after:?}"
        );
        drop(all);
    };
    event_loop.run_until_complete(scenario()).unwrap();
}

#[test]
fn no_state_spins_with_epoll_p3() {
    no_state_spins(SelectorKind::Default);
}

#[test]
fn no_state_spins_without_edges_p3() {
    no_state_spins(SelectorKind::Poll);
}

#[test]
fn nothing_is_left_of_a_flush_p4() {
    for kind in [SelectorKind::Default, SelectorKind::Poll] {
        let _watchdog = Watchdog::start("an idle connection", Duration::from_secs(60));
        let event_loop = EventLoop::builder().selector_kind(kind).build().unwrap();
        let scenario = async || {
            let log = Log::default();
            let (transport, _protocol, far) = connect(Kind::Tcp, Recorder::new(&log)).await;
            let _ = transport.write(&vec![7; 8_000_000]);
            while transport.get_write_buffer_size() > 0 {
                drain(&far);
                turns(1).await;
            }
            turns(10).await;
            drain(&far);
            let before = get_running_loop().metrics().turns;
            sleep(Duration::from_millis(200)).await;
            assert!(get_running_loop().metrics().turns - before <= 5);
        };
        event_loop.run_until_complete(scenario()).unwrap();
    }
}

#[test]
fn one_connection_takes_its_turn_and_no_more_p11() {
    run(async || {
        // Both are read from at the first poll; the first has a megabyte.
        let log = Log::default();
        let (first, _, far) = connect(Kind::Unix, Recorder::new(&log).called("much ")).await;
        let (second, _, other) = connect(Kind::Unix, Recorder::new(&log).called("little ")).await;
        first.pause_reading();
        second.pause_reading();
        far.set_send_buffer_size(4_000_000).unwrap();
        far.set_nonblocking(true).unwrap();
        let _ = far.send(&vec![7; 3_000_000]);
        send(&other, b"x");
        turns(2).await;
        first.resume_reading();
        second.resume_reading();
        log.until("little data").await;
        assert!(log.count("much data") <= 1);
    });
}
