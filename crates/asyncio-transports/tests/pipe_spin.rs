//! Whatever the other end has done, a pipe for which nothing can be done does not keep the loop busy.
//! Scenario P3 for pipes, and for sockets and terminals that are used as pipes.
#![cfg(unix)]

mod stream_scene;

use asyncio_loop::{EventLoop, get_running_loop, sleep};
use asyncio_reactor::SelectorKind;
use asyncio_testkit::Watchdog;
use asyncio_transports::{Protocol, ReadInto, connect_read_pipe, connect_write_pipe};
use socket2::{Domain, Socket, Type};
use std::any::Any;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::time::Duration;
use stream_scene::{Log, Recorder, raw_terminal, turns};

/// What is used as a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Pipe,
    Socket,
    /// The program's side of a terminal reads, and the emulator's writes.
    Typing,
    /// The other way round.
    Showing,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Pipe, Self::Socket, Self::Typing, Self::Showing];

    /// An end to read from and one to write to.
    fn ends(self) -> (OwnedFd, OwnedFd) {
        match self {
            Self::Pipe => {
                let (reader, writer) = std::io::pipe().unwrap();
                (reader.into(), writer.into())
            }
            Self::Socket => {
                let (one, other) = Socket::pair(Domain::UNIX, Type::STREAM, None).unwrap();
                (one.into(), other.into())
            }
            Self::Typing => {
                let (emulator, program) = raw_terminal();
                (program.into(), emulator.into())
            }
            Self::Showing => {
                let (emulator, program) = raw_terminal();
                (emulator.into(), program.into())
            }
        }
    }
}

/// The state in which the other end's doing finds the transport.
#[derive(Clone, Copy, Debug)]
enum State {
    Reading,
    Paused,
    /// The protocol reads by itself, and does not.
    Pulling,
    /// It writes, and nothing is unwritten.
    Idle,
    /// Something is.
    Blocked,
}

const STATES: [State; 5] = [
    State::Reading,
    State::Paused,
    State::Pulling,
    State::Idle,
    State::Blocked,
];

/// What the other end does.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Close,
    /// It is used once, and closed then.
    UseAndClose,
    Use,
}

const DEEDS: [Deed; 3] = [Deed::Close, Deed::UseAndClose, Deed::Use];

/// Leaves everything in the kernel.
struct Puller;

impl Protocol for Puller {
    fn get_buffer(&mut self, _: Option<usize>) -> ReadInto<'_> {
        ReadInto::Later
    }
}

/// Brings all about, and returns what is to be kept.
async fn bring_about(kind: Kind, state: State, deed: Deed) -> Box<dyn Any> {
    let (reader, writer) = kind.ends();
    let recorder = || Recorder::new(&Log::default());
    let (kept, far): (Box<dyn Any>, std::fs::File) = match state {
        State::Reading | State::Paused => {
            let (transport, protocol) = connect_read_pipe(recorder, reader).await.unwrap();
            if let State::Paused = state {
                transport.pause_reading();
            }
            (Box::new((transport, protocol)), writer.into())
        }
        State::Pulling => {
            let pulling = connect_read_pipe(|| Puller, reader).await.unwrap();
            (Box::new(pulling), writer.into())
        }
        State::Idle | State::Blocked => {
            let (transport, protocol) = connect_write_pipe(recorder, writer).await.unwrap();
            if let State::Blocked = state {
                let _ = transport.write(&vec![7; 4_000_000]);
            }
            (Box::new((transport, protocol)), reader.into())
        }
    };
    turns(2).await;
    let reads = matches!(state, State::Idle | State::Blocked);
    match deed {
        Deed::Close => return kept,
        Deed::Use | Deed::UseAndClose if !reads => (&far).write_all(b"x").unwrap(),
        // Nothing is there to be read from who writes nothing; what writes shows no interest.
        Deed::Use | Deed::UseAndClose => {
            if let State::Blocked = state {
                (&far).read_exact(&mut [0; 1000]).unwrap();
            } else if kind != Kind::Pipe {
                // Nobody is going to read it.
                (&far).write_all(b"x").unwrap();
            }
        }
    }
    match deed {
        Deed::Use => Box::new((kept, far)),
        _ => kept,
    }
}

/// How many turns a loop makes in which nothing happens, in a second.
const TURNS_MAX: u64 = 20;

fn no_state_spins(selector: SelectorKind) {
    let _watchdog = Watchdog::start("the spin matrix of pipes", Duration::from_secs(60));
    let builder = EventLoop::builder().selector_kind(selector);
    let scenario = async || {
        let mut all = Vec::new();
        for kind in Kind::ALL {
            for state in STATES {
                for deed in DEEDS {
                    all.push(bring_about(kind, state, deed).await);
                }
            }
        }
        turns(10).await;
        let before = get_running_loop().metrics();
        sleep(Duration::from_secs(1)).await;
        let after = get_running_loop().metrics();
        assert!(
            after.turns - before.turns <= TURNS_MAX && after.polls - before.polls <= TURNS_MAX,
            "{before:?} {after:?}"
        );
        drop(all);
    };
    let event_loop = builder.build().unwrap();
    event_loop.run_until_complete(scenario()).unwrap();
}

#[test]
fn no_pipe_spins_with_edges_p3() {
    no_state_spins(SelectorKind::Default);
}

#[test]
fn no_pipe_spins_without_edges_p3() {
    no_state_spins(SelectorKind::Poll);
}
