//! Writing: what the kernel does not take is kept, in order, and the protocol is told to pause.

mod stream_scene;

use asyncio_testkit::Rng;
use asyncio_transports::{
    AfterEof, Buffered, BufferedProtocol, Flow, Transport, WriteLimits, connect_accepted_socket,
};
use std::cell::{Cell, RefCell};
use std::io::{IoSlice, Read};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use stream_scene::{Kind, Log, Recorder, connect, drain, reset, run, send, shrink, turns};

/// Reads at the far end until so many bytes are there.
async fn read_all(far: &socket2::Socket, count: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(count);
    while bytes.len() < count {
        bytes.extend(drain(far));
        turns(1).await;
    }
    bytes
}

/// Fills the kernel's buffers, so that what is written next is kept.
fn fill(transport: &Rc<dyn Transport>) -> usize {
    let mut written = 0;
    while transport.get_write_buffer_size() == 0 {
        let _ = transport.write(&[0; 1000]);
        written += 1000;
    }
    written
}

#[test]
fn the_marks_are_strict_above_and_inclusive_below_n7() {
    for kind in Kind::ALL {
        run(async || {
            let log = Log::default();
            let (transport, _protocol, far) = connect(kind, Recorder::new(&log)).await;
            transport
                .set_write_buffer_limits(Some(100_000), Some(0))
                .unwrap();
            let written = fill(&transport);
            let room = 100_000 - transport.get_write_buffer_size();
            assert_eq!(transport.write(&vec![1; room]), Flow::Open);
            assert_eq!(transport.get_write_buffer_size(), 100_000);
            assert_eq!(log.calls(), ["made"], "at the mark is not above it");
            assert_eq!(transport.write(b"x"), Flow::Paused);
            assert_eq!(
                log.calls(),
                ["made", "pause"],
                "inside the call, as in asyncio"
            );
            assert_eq!(transport.write(b"y"), Flow::Paused);
            read_all(&far, written + room + 2).await;
            assert_eq!(transport.get_write_buffer_size(), 0);
            assert_eq!(log.calls(), ["made", "pause", "resume"]);
            assert_eq!(transport.write(b"z"), Flow::Open);
        });
    }
}

#[test]
fn limits_are_checked_and_their_defaults_follow_from_each_other_n7() {
    run(async || {
        let log = Log::default();
        let (transport, _protocol, far) = connect(Kind::Tcp, Recorder::new(&log)).await;
        assert_eq!(transport.get_write_buffer_limits(), WriteLimits::DEFAULT);
        let refused = transport
            .set_write_buffer_limits(Some(1), Some(2))
            .unwrap_err();
        assert_eq!(refused.to_string(), "high (1) must be >= low (2)");
        assert_eq!(transport.get_write_buffer_limits(), WriteLimits::DEFAULT);
        transport.set_write_buffer_limits(None, Some(5)).unwrap();
        assert_eq!(
            transport.get_write_buffer_limits(),
            WriteLimits { low: 5, high: 20 }
        );
        transport.set_write_buffer_limits(Some(20), None).unwrap();
        assert_eq!(
            transport.get_write_buffer_limits(),
            WriteLimits { low: 5, high: 20 }
        );

        // asyncio: set_write_buffer_limits itself may pause.
        transport.set_write_buffer_limits(None, None).unwrap();
        fill(&transport);
        assert_eq!(log.calls(), ["made"]);
        transport.set_write_buffer_limits(Some(0), None).unwrap();
        assert_eq!(log.calls(), ["made", "pause"]);
        transport
            .set_write_buffer_limits(Some(1_000_000), None)
            .unwrap();
        assert_eq!(
            log.calls(),
            ["made", "pause"],
            "raising them does not resume"
        );
        while log.count("resume") == 0 {
            drain(&far);
            turns(1).await;
        }
    });
}

#[test]
fn a_reader_that_stalls_makes_no_more_than_a_write_above_the_mark_n7() {
    run(async || {
        let log = Log::default();
        let (transport, _protocol, _far) = connect(Kind::Tcp, Recorder::new(&log)).await;
        while transport.write(&[7; 5000]) == Flow::Open {}
        let size = transport.get_write_buffer_size();
        assert!(size > 65_536 && size <= 65_536 + 5000);
        turns(20).await;
        assert_eq!(transport.get_write_buffer_size(), size);
        assert_eq!(log.calls(), ["made", "pause"]);
    });
}

#[test]
fn pauses_and_resumes_alternate_and_no_byte_is_lost_n6_n7() {
    for kind in Kind::ALL {
        run(async || {
            let log = Log::default();
            let (near, far) = kind.pair();
            shrink(&near);
            shrink(&far);
            let protocol = Recorder::new(&log);
            let (transport, _) = connect_accepted_socket(|| protocol, near).await.unwrap();
            let mut rng = Rng::new(7);
            let mut written = Vec::new();
            let mut read = Vec::new();
            // With windows this small TCP waits for its own timers.
            let total = if kind == Kind::Tcp {
                150_000
            } else {
                1_500_000
            };
            while written.len() < total {
                let bytes: Vec<u8> = (0..rng.index(20_000))
                    .map(|_| rng.next_u64() as u8)
                    .collect();
                let _ = match rng.index(3) {
                    0 => transport.write(&bytes),
                    1 => {
                        let lines: Vec<IoSlice<'_>> = bytes.chunks(7).map(IoSlice::new).collect();
                        transport.writelines(&lines)
                    }
                    _ => transport.write_owned(bytes.clone()),
                };
                written.extend(bytes);
                while transport.get_write_buffer_size() > 100_000 {
                    read.extend(drain(&far));
                    turns(1).await;
                }
            }
            transport.close();
            while read.len() < written.len() {
                read.extend(drain(&far));
                turns(1).await;
            }
            assert!(read == written);
            log.until("lost").await;
            let calls = log.calls();
            assert_eq!(calls[0], "made");
            for pair in calls[1..calls.len() - 1].chunks(2) {
                assert_eq!(pair, ["pause", "resume"]);
            }
        });
    }
}

#[test]
fn ten_thousand_lines_are_written_in_order_n6() {
    for kind in Kind::ALL {
        run(async || {
            let log = Log::default();
            let (transport, _protocol, far) = connect(kind, Recorder::new(&log)).await;
            let text: Vec<String> = (0..10_000).map(|line| format!("line {line}\n")).collect();
            let lines: Vec<IoSlice<'_>> = text
                .iter()
                .map(|line| IoSlice::new(line.as_bytes()))
                .collect();
            let _ = transport.writelines(&lines);
            let expected = text.concat();
            let read = read_all(&far, expected.len()).await;
            assert!(read == expected.as_bytes());
            assert_eq!(transport.get_write_buffer_size(), 0);
        });
    }
}

#[test]
fn what_is_written_while_something_is_unwritten_comes_after_it_n6() {
    run(async || {
        let log = Log::default();
        let (transport, _protocol, far) = connect(Kind::Tcp, Recorder::new(&log)).await;
        let zeros = fill(&transport);
        let _ = transport.write(b"one ");
        let _ = transport.write_owned(vec![b'.'; 50_000]);
        let _ = transport.writelines(&[IoSlice::new(b" two"), IoSlice::new(b" three")]);
        let read = read_all(&far, zeros + 4 + 50_000 + 10).await;
        let end = &read[zeros..];
        assert!(end.starts_with(b"one ....") && end.ends_with(b".... two three"));
    });
}

#[test]
fn an_owned_buffer_is_kept_and_not_copied() {
    run(async || {
        let log = Log::default();
        let (transport, _protocol, _far) = connect(Kind::Tcp, Recorder::new(&log)).await;
        fill(&transport);
        struct Bytes(Vec<u8>, Rc<Cell<usize>>);
        impl AsRef<[u8]> for Bytes {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }
        impl Drop for Bytes {
            fn drop(&mut self) {
                self.1.set(self.0.as_ptr() as usize);
            }
        }
        let dropped = Rc::new(Cell::new(0));
        let bytes = vec![7; 50_000];
        let address = bytes.as_ptr() as usize;
        let slice = bytes.clone();
        let mut bytes = Some(bytes);
        let _ = transport.write_with(&[IoSlice::new(&slice)], &mut |taken| {
            assert_eq!(taken, 0);
            Box::new(Bytes(bytes.take().unwrap(), Rc::clone(&dropped)))
        });
        transport.abort();
        assert_eq!(
            dropped.get(),
            address,
            "and it is dropped with the connection's hope"
        );
    });
}

#[test]
fn a_chunk_that_misbehaves_ends_its_connection_and_nothing_else() {
    struct Bad(Rc<dyn Transport>, Cell<bool>);
    impl AsRef<[u8]> for Bad {
        fn as_ref(&self) -> &[u8] {
            if self.1.replace(true) {
                // What it writes is refused: the transport is writing.
                let _ = self.0.write(b"from inside");
                panic!("of the user's");
            }
            &[0; 5000]
        }
    }
    run(async || {
        let log = Log::default();
        let reports = stream_scene::reports();
        let (transport, _protocol, far) = connect(Kind::Tcp, Recorder::new(&log)).await;
        fill(&transport);
        let bad = RefCell::new(Some(Bad(Rc::clone(&transport), Cell::new(false))));
        let _ = transport.write_with(&[IoSlice::new(&[0; 5000])], &mut |_| {
            Box::new(bad.take().unwrap())
        });
        while log.count("lost: Other") == 0 {
            drain(&far);
            turns(1).await;
        }
        assert_eq!(reports.borrow().len(), 1);
    });
}

#[test]
fn no_write_raises_a_signal_n3() {
    let raised = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGPIPE, Arc::clone(&raised)).unwrap();
    for kind in Kind::ALL {
        run(async || {
            let log = Log::default();
            let (transport, _protocol, far) = connect(kind, Recorder::new(&log)).await;
            transport.pause_reading();
            if kind == Kind::Tcp {
                reset(far);
            } else {
                drop(far);
            }
            let _ = transport.write(b"one");
            let _ = transport.writelines(&[IoSlice::new(b"two"), IoSlice::new(b"three")]);
            transport.write_eof();
            log.until("lost: ").await;
        });
    }
    assert!(!raised.load(Ordering::SeqCst));
}

/// Reads into a buffer of its own, of three bytes.
struct InPlace {
    log: Log,
    buffer: Vec<u8>,
}

impl BufferedProtocol for InPlace {
    fn get_buffer(&mut self, size_hint: Option<usize>) -> &mut [u8] {
        assert_eq!(size_hint, None);
        &mut self.buffer
    }

    fn buffer_updated(&mut self, count: usize) {
        self.log
            .note(String::from_utf8_lossy(&self.buffer[..count]));
    }

    fn eof_received(&mut self) -> AfterEof {
        self.log.note("eof");
        AfterEof::Close
    }

    fn connection_lost(&mut self, error: Option<std::io::Error>) {
        self.log
            .note(format!("lost {:?}", error.map(|error| error.to_string())));
    }
}

#[test]
fn a_buffered_protocol_reads_into_its_own_buffer_once_a_turn_p11() {
    for kind in Kind::ALL {
        run(async || {
            let log = Log::default();
            let protocol = Buffered(InPlace {
                log: log.clone(),
                buffer: vec![0; 3],
            });
            let (near, far) = kind.pair();
            let connected = connect_accepted_socket(|| protocol, near).await;
            send(&far, b"abcdefgh");
            drop(far);
            log.until("abc").await;
            assert_eq!(log.calls(), ["abc"], "others have their turn");
            log.until("lost").await;
            assert_eq!(log.calls(), ["abc", "def", "gh", "eof", "lost None"]);
            drop(connected);
        });
    }
}

#[test]
fn an_empty_buffer_ends_the_connection() {
    run(async || {
        let log = Log::default();
        let reports = stream_scene::reports();
        let protocol = Buffered(InPlace {
            log: log.clone(),
            buffer: Vec::new(),
        });
        let (near, far) = Kind::Tcp.pair();
        let connected = connect_accepted_socket(|| protocol, near).await;
        send(&far, b"abc");
        log.until("lost").await;
        let lost = r#"lost Some("get_buffer() returned an empty buffer")"#;
        assert_eq!(log.calls(), [lost]);
        assert_eq!(
            *reports.borrow(),
            ["Fatal error: protocol.get_buffer() call failed."]
        );
        drop(connected);
        let mut far = far;
        assert!(matches!(far.read(&mut [0]), Ok(0) | Err(_)));
    });
}
