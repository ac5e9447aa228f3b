//! Protocols that read by themselves: the bytes stay in the kernel until `try_read` takes them.

mod stream_scene;

use asyncio_transports::{AfterEof, Protocol, ReadInto, Transport, connect_accepted_socket};
use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::net::Shutdown;
use std::rc::Rc;
use stream_scene::{Kind, Log, Recorder, reset, run, send, turns};

struct Puller(Log);

impl Protocol for Puller {
    fn get_buffer(&mut self, _: Option<usize>) -> ReadInto<'_> {
        self.0.note("asked");
        ReadInto::Later
    }

    fn data_received(&mut self, _: &[u8]) {
        self.0.note("data");
    }

    fn eof_received(&mut self) -> AfterEof {
        self.0.note("eof");
        AfterEof::Close
    }

    fn connection_lost(&mut self, error: Option<io::Error>) {
        self.0
            .note(format!("lost {:?}", error.map(|error| error.kind())));
    }
}

async fn pull(kind: Kind, log: &Log) -> (Rc<dyn Transport>, socket2::Socket) {
    let (near, far) = kind.pair();
    let protocol = Puller(log.clone());
    let (transport, _) = connect_accepted_socket(|| protocol, near).await.unwrap();
    (transport, far)
}

fn try_read(transport: &Rc<dyn Transport>, room: usize) -> Result<Vec<u8>, ErrorKind> {
    let mut buffer = vec![0; room];
    let count = transport
        .try_read(&mut buffer)
        .map_err(|error| error.kind())?;
    buffer.truncate(count);
    Ok(buffer)
}

#[test]
fn a_protocol_is_asked_when_something_has_come_and_again_when_more_has() {
    for kind in Kind::ALL {
        run(async || {
            let log = Log::default();
            let (transport, far) = pull(kind, &log).await;
            turns(2).await;
            assert_eq!(try_read(&transport, 8), Err(ErrorKind::WouldBlock));
            assert!(log.calls().is_empty());
            send(&far, b"abcdef");
            log.until("asked").await;
            turns(5).await;
            assert_eq!(log.calls(), ["asked"], "once is enough");
            assert_eq!(try_read(&transport, 4).unwrap(), b"abcd");
            assert_eq!(try_read(&transport, 4).unwrap(), b"ef");
            assert_eq!(try_read(&transport, 4), Err(ErrorKind::WouldBlock));
            send(&far, b"gh");
            while log.count("asked") < 2 {
                turns(1).await;
            }
            assert_eq!(try_read(&transport, 4).unwrap(), b"gh");
        });
    }
}

#[test]
fn the_end_is_read_and_then_told() {
    for kind in Kind::ALL {
        run(async || {
            let log = Log::default();
            let (transport, far) = pull(kind, &log).await;
            send(&far, b"last");
            far.shutdown(Shutdown::Write).unwrap();
            log.until("asked").await;
            turns(5).await;
            assert!(
                !log.calls().contains(&"eof".to_owned()),
                "it waits to be read"
            );
            assert_eq!(try_read(&transport, 16).unwrap(), b"last");
            assert_eq!(try_read(&transport, 16).unwrap(), b"");
            assert_eq!(log.count("eof"), 0, "not inside the read");
            log.until("lost").await;
            assert_eq!(try_read(&transport, 16), Err(ErrorKind::NotConnected));
            let calls = log.calls();
            assert_eq!(calls[calls.len() - 2..], ["eof", "lost None"]);
        });
    }
}

#[test]
fn a_broken_connection_is_told_without_a_read_n4() {
    run(async || {
        let log = Log::default();
        let (transport, far) = pull(Kind::Tcp, &log).await;
        reset(far);
        log.until("lost").await;
        assert_eq!(log.calls().last().unwrap(), "lost Some(ConnectionReset)");
        assert!(transport.is_closing());
    });
}

#[test]
fn a_paused_transport_is_read_from_and_asks_nobody() {
    run(async || {
        let log = Log::default();
        let (transport, far) = pull(Kind::Tcp, &log).await;
        transport.pause_reading();
        send(&far, b"abc");
        turns(5).await;
        assert!(log.calls().is_empty());
        assert_eq!(try_read(&transport, 2).unwrap(), b"ab");
        transport.resume_reading();
        log.until("asked").await;
        assert_eq!(try_read(&transport, 2).unwrap(), b"c");
    });
}

#[test]
fn reading_into_nothing_is_refused() {
    run(async || {
        let log = Log::default();
        let (transport, _far) = pull(Kind::Tcp, &log).await;
        assert_eq!(try_read(&transport, 0), Err(ErrorKind::InvalidInput));
    });
}

#[test]
fn a_protocol_that_comes_after_one_that_pulled_gets_what_was_left() {
    run(async || {
        let log = Log::default();
        let (transport, far) = pull(Kind::Tcp, &log).await;
        send(&far, b"left");
        log.until("asked").await;
        let next = Rc::new(RefCell::new(Recorder::new(&log).called("next ")));
        transport.set_protocol(next);
        log.until("next data").await;
        assert_eq!(log.received(), b"left");
    });
}

/// Says that it wakes its reader, or that it does not.
struct Waking(Log, bool);

impl Protocol for Waking {
    fn get_buffer(&mut self, _: Option<usize>) -> ReadInto<'_> {
        self.0.note("asked");
        ReadInto::Later
    }

    fn wake_reader(&mut self) -> bool {
        self.0.note("woken");
        self.1
    }

    fn connection_lost(&mut self, error: Option<io::Error>) {
        self.0
            .note(format!("lost {:?}", error.map(|error| error.kind())));
    }
}

async fn waking(kind: Kind, log: &Log, wakes: bool) -> (Rc<dyn Transport>, socket2::Socket) {
    let (near, far) = kind.pair();
    let protocol = Waking(log.clone(), wakes);
    let (transport, _) = connect_accepted_socket(|| protocol, near).await.unwrap();
    // Until it has said how it reads, it is asked.
    send(&far, b"first");
    log.until("asked").await;
    assert_eq!(try_read(&transport, 16).unwrap(), b"first");
    assert_eq!(log.calls(), ["asked"]);
    (transport, far)
}

#[test]
fn a_protocol_that_wakes_its_reader_is_not_asked_again() {
    for kind in Kind::ALL {
        run(async || {
            let log = Log::default();
            let (transport, far) = waking(kind, &log, true).await;
            for times in 1..4 {
                send(&far, b"more");
                while log.count("woken") < times {
                    turns(1).await;
                }
                assert_eq!(try_read(&transport, 16).unwrap(), b"more");
            }
            far.shutdown(Shutdown::Write).unwrap();
            while log.count("woken") < 4 {
                turns(1).await;
            }
            assert_eq!(try_read(&transport, 16).unwrap(), b"");
            log.until("lost").await;
            assert_eq!(log.count("asked"), 1);
        });
    }
}

#[test]
fn a_protocol_that_has_nobody_to_wake_is_asked() {
    for kind in Kind::ALL {
        run(async || {
            let log = Log::default();
            let (transport, far) = waking(kind, &log, false).await;
            send(&far, b"more");
            while log.count("asked") < 2 {
                turns(1).await;
            }
            assert_eq!(log.calls(), ["asked", "woken", "asked"]);
            assert_eq!(try_read(&transport, 16).unwrap(), b"more");
        });
    }
}

#[test]
fn a_broken_connection_is_told_to_who_only_wakes_n4() {
    run(async || {
        let log = Log::default();
        let (transport, far) = waking(Kind::Tcp, &log, true).await;
        reset(far);
        log.until("lost").await;
        assert_eq!(log.calls().last().unwrap(), "lost Some(ConnectionReset)");
        assert!(transport.is_closing());
    });
}

#[test]
#[expect(
    clippy::await_holding_refcell_ref,
    reason = "what a user should not do"
)]
fn a_protocol_that_is_borrowed_when_something_comes_is_asked_later_and_reported() {
    run(async || {
        let log = Log::default();
        let (transport, far) = waking(Kind::Tcp, &log, true).await;
        let protocol = transport.get_protocol().unwrap();
        let borrowed = protocol.borrow_mut();
        send(&far, b"more");
        while !transport.is_closing() {
            turns(1).await;
        }
        drop(borrowed);
        assert_eq!(log.count("woken"), 0);
    });
}

struct PanicsInWake(Log);

impl Protocol for PanicsInWake {
    fn get_buffer(&mut self, _: Option<usize>) -> ReadInto<'_> {
        self.0.note("asked");
        ReadInto::Later
    }

    fn wake_reader(&mut self) -> bool {
        self.0.note("woken");
        panic!("in wake_reader, on purpose");
    }

    fn connection_lost(&mut self, error: Option<io::Error>) {
        self.0
            .note(format!("lost {:?}", error.map(|error| error.kind())));
    }
}

#[test]
fn a_wake_reader_that_panics_aborts_as_the_trait_says() {
    run(async || {
        let log = Log::default();
        let (near, far) = Kind::Tcp.pair();
        let protocol = PanicsInWake(log.clone());
        let (transport, _) = connect_accepted_socket(|| protocol, near).await.unwrap();
        send(&far, b"first");
        log.until("asked").await;
        assert_eq!(try_read(&transport, 16).unwrap(), b"first");
        send(&far, b"more");
        log.until("woken").await;
        turns(20).await;
        assert!(transport.is_closing(), "{:?}", log.calls());
    });
}

/// Reads by itself first, and then has it read.
struct Changes(Log, bool);

impl Protocol for Changes {
    fn get_buffer(&mut self, _: Option<usize>) -> ReadInto<'_> {
        self.0.note("asked");
        if self.1 {
            self.1 = false;
            return ReadInto::Later;
        }
        ReadInto::Shared
    }

    fn wake_reader(&mut self) -> bool {
        self.0.note("woken");
        true
    }

    fn data_received(&mut self, _: &[u8]) {
        self.0.note("data");
    }
}

#[test]
fn a_protocol_that_has_gone_over_to_shared_gets_its_data() {
    run(async || {
        let log = Log::default();
        let (near, far) = Kind::Tcp.pair();
        let protocol = Changes(log.clone(), true);
        let (transport, _) = connect_accepted_socket(|| protocol, near).await.unwrap();
        send(&far, b"first");
        log.until("asked").await;
        // The transport asks, once more, after a pause.
        transport.pause_reading();
        transport.resume_reading();
        log.until("data").await;
        let before = log.count("data");
        send(&far, b"more");
        turns(50).await;
        assert!(log.count("data") > before, "{:?}", log.calls());
    });
}
