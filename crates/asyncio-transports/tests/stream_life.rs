//! The life of a connection over real sockets: which calls come, and in which order.

mod stream_scene;

use asyncio_loop::create_task;
use asyncio_testkit::in_child;
use asyncio_transports::{Flow, Transport, TransportSocket, connect_accepted_socket};
use std::cell::{Cell, RefCell};
use std::future::IntoFuture;
use std::io::Read;
use std::net::Shutdown;
use std::rc::Rc;
use stream_scene::{Kind, Log, Recorder, connect, drain, reports, reset, run, send, turns};

#[test]
fn connection_made_comes_first_and_connection_lost_last() {
    for kind in Kind::ALL {
        run(async || {
            let log = Log::default();
            let (transport, _protocol, far) = connect(kind, Recorder::new(&log)).await;
            assert_eq!(log.calls(), ["made"]);
            send(&far, b"hello");
            log.until("data").await;
            far.shutdown(Shutdown::Write).unwrap();
            log.until("lost").await;
            assert_eq!(log.calls(), ["made", "data", "eof", "lost"]);
            assert_eq!(log.received(), b"hello");
            assert!(transport.is_closing() && transport.get_protocol().is_none());
        });
    }
}

#[test]
fn what_came_before_connection_made_is_received_after_it() {
    for kind in Kind::ALL {
        run(async || {
            let (near, far) = kind.pair();
            send(&far, b"early");
            drop(far);
            let log = Log::default();
            let protocol = Recorder::new(&log);
            let connected = connect_accepted_socket(|| protocol, near).await;
            drop(connected.unwrap());
            log.until("lost").await;
            assert_eq!(log.calls(), ["made", "data", "eof", "lost"]);
        });
    }
}

#[test]
fn a_close_writes_what_is_unwritten_first_n8() {
    for kind in Kind::ALL {
        run(async || {
            let log = Log::default();
            let (transport, _protocol, far) = connect(kind, Recorder::new(&log)).await;
            let bytes: Vec<u8> = (0..8_000_000u32).map(|it| it as u8).collect();
            assert_eq!(transport.write(&bytes), Flow::Paused);
            transport.close();
            transport.close();
            assert!(transport.is_closing());
            assert_eq!(transport.write(b"late"), Flow::Closed);
            let mut read = Vec::new();
            while read.len() < bytes.len() {
                read.extend(drain(&far));
                turns(1).await;
            }
            log.until("lost").await;
            assert!(read == bytes);
            assert_eq!(drain(&far), b"", "and then the end");
            assert_eq!(log.calls(), ["made", "pause", "resume", "lost"]);
        });
    }
}

#[test]
fn a_close_with_nothing_to_write_is_over_in_the_next_turn_n8() {
    run(async || {
        let log = Log::default();
        let (transport, _protocol, mut far) = connect(Kind::Tcp, Recorder::new(&log)).await;
        transport.close();
        assert_eq!(log.calls(), ["made"], "never inside the call");
        turns(2).await;
        assert_eq!(log.calls(), ["made", "lost"]);
        assert_eq!(far.read(&mut [0]).unwrap(), 0);
    });
}

#[test]
fn an_abort_loses_what_is_unwritten_n8() {
    for kind in Kind::ALL {
        run(async || {
            let log = Log::default();
            let (transport, _protocol, far) = connect(kind, Recorder::new(&log)).await;
            let bytes = vec![7; 8_000_000];
            let _ = transport.write(&bytes);
            transport.close();
            transport.abort();
            assert_eq!(transport.get_write_buffer_size(), 0);
            log.until("lost").await;
            assert_eq!(log.calls(), ["made", "pause", "lost"]);
            assert!(drain(&far).len() < bytes.len());
        });
    }
}

#[test]
fn a_close_in_connection_made_is_after_it_n8() {
    run(async || {
        let log = Log::default();
        let protocol = Recorder::new(&log).on("made", |transport| transport.close());
        let (transport, _protocol, far) = connect(Kind::Tcp, protocol).await;
        send(&far, b"never read");
        assert!(transport.is_closing());
        log.until("lost").await;
        assert_eq!(log.calls(), ["made", "lost"]);
    });
}

#[test]
fn the_end_of_the_input_can_leave_the_output_open_n5() {
    for kind in Kind::ALL {
        run(async || {
            let log = Log::default();
            let (transport, _protocol, mut far) =
                connect(kind, Recorder::new(&log).keeps_open()).await;
            far.shutdown(Shutdown::Write).unwrap();
            log.until("eof").await;
            turns(3).await;
            assert!(!transport.is_closing());
            assert_eq!(transport.write(b"answer"), Flow::Open);
            transport.close();
            let mut answer = String::new();
            log.until("lost").await;
            far.read_to_string(&mut answer).unwrap();
            assert_eq!(answer, "answer");
            assert_eq!(log.calls(), ["made", "eof", "lost"]);
        });
    }
}

#[test]
fn the_output_can_be_ended_and_the_input_goes_on_n5() {
    for kind in Kind::ALL {
        run(async || {
            let log = Log::default();
            let (transport, _protocol, far) = connect(kind, Recorder::new(&log)).await;
            let bytes = vec![1; 8_000_000];
            let _ = transport.write(&bytes);
            assert!(transport.can_write_eof());
            transport.write_eof();
            transport.write_eof();
            assert_eq!(transport.write(b"late"), Flow::Closed);
            let mut read = 0;
            while read < bytes.len() {
                read += drain(&far).len();
                turns(1).await;
            }
            turns(2).await;
            assert_eq!(
                (&far).read(&mut [0]).unwrap(),
                0,
                "the end comes after the bytes"
            );
            send(&far, b"still here");
            log.until_received(10).await;
            drop(far);
            log.until("lost").await;
            assert_eq!(
                log.calls(),
                ["made", "pause", "resume", "data", "eof", "lost"]
            );
        });
    }
}

#[test]
fn a_reset_while_reading_ends_the_connection_with_the_error_n4() {
    run(async || {
        let log = Log::default();
        let reports = reports();
        let (_transport, _protocol, far) = connect(Kind::Tcp, Recorder::new(&log)).await;
        reset(far);
        log.until("lost").await;
        assert_eq!(log.calls(), ["made", "lost: ConnectionReset"]);
        assert!(reports.borrow().is_empty(), "asyncio: no news");
    });
}

#[test]
fn a_reset_while_writing_ends_the_connection_with_the_error_n4() {
    run(async || {
        let log = Log::default();
        let (transport, _protocol, far) = connect(Kind::Tcp, Recorder::new(&log)).await;
        transport.pause_reading();
        let _ = transport.write(&vec![7; 8_000_000]);
        reset(far);
        log.until("lost").await;
        assert_eq!(log.calls(), ["made", "pause", "lost: ConnectionReset"]);
        assert_eq!(transport.get_write_buffer_size(), 0);
    });
}

/// The end of the output waits for what is unwritten, and that will never be written.
#[test]
fn a_reset_while_the_output_is_being_ended_is_told_once_n4() {
    for reads in [true, false] {
        run(async || {
            let log = Log::default();
            let reports = reports();
            let protocol = Recorder::new(&log).keeps_open();
            let (transport, _protocol, far) = connect(Kind::Tcp, protocol).await;
            if !reads {
                transport.pause_reading();
            }
            let _ = transport.write(&vec![7; 8_000_000]);
            transport.write_eof();
            reset(far);
            log.until("lost").await;
            turns(3).await;
            assert_eq!(log.calls(), ["made", "pause", "lost: ConnectionReset"]);
            // Nothing was unwritten: the end itself goes to a peer that is gone.
            let log = Log::default();
            let protocol = Recorder::new(&log).keeps_open();
            let (transport, _protocol, far) = connect(Kind::Tcp, protocol).await;
            reset(far);
            transport.write_eof();
            log.until("lost").await;
            turns(3).await;
            assert_eq!(log.calls(), ["made", "lost: ConnectionReset"]);
            assert!(reports.borrow().is_empty(), "{reports:?}");
        });
    }
}

#[test]
fn writes_after_a_reset_are_dropped_and_reported_if_they_go_on_n4() {
    run(async || {
        let log = Log::default();
        let reports = reports();
        let (transport, _protocol, far) = connect(Kind::Tcp, Recorder::new(&log)).await;
        reset(far);
        log.until("lost").await;
        for _ in 0..4 {
            assert_eq!(transport.write(b"late"), Flow::Closed);
        }
        assert!(reports.borrow().is_empty());
        for _ in 0..10 {
            assert_eq!(transport.write(b"late"), Flow::Closed);
        }
        assert_eq!(reports.borrow().len(), 1);
        transport.write_eof();
        transport.close();
        transport.abort();
        turns(3).await;
        assert_eq!(log.calls(), ["made", "lost: ConnectionReset"]);
    });
}

#[test]
fn a_paused_transport_does_not_notice_a_reset_until_it_reads_on_n4() {
    run(async || {
        let log = Log::default();
        let (transport, _protocol, far) = connect(Kind::Tcp, Recorder::new(&log)).await;
        transport.pause_reading();
        send(&far, b"last words");
        reset(far);
        turns(5).await;
        assert_eq!(log.calls(), ["made"]);
        transport.resume_reading();
        log.until("lost").await;
        assert_eq!(log.received(), b"last words");
        assert_eq!(log.calls(), ["made", "data", "lost: ConnectionReset"]);
    });
}

#[test]
fn a_half_closed_transport_notices_a_reset_at_once_n5() {
    run(async || {
        let log = Log::default();
        let protocol = Recorder::new(&log).keeps_open();
        let (_transport, _protocol, far) = connect(Kind::Tcp, protocol).await;
        far.shutdown(Shutdown::Write).unwrap();
        log.until("eof").await;
        reset(far);
        log.until("lost").await;
        // What Linux says of a reset after the end.
        assert_eq!(log.calls(), ["made", "eof", "lost: BrokenPipe"]);
    });
}

#[test]
fn paused_reading_leaves_bytes_and_the_end_where_they_are() {
    for kind in Kind::ALL {
        run(async || {
            let log = Log::default();
            let protocol = Recorder::new(&log).on("made", |transport| transport.pause_reading());
            let (transport, _protocol, far) = connect(kind, protocol).await;
            send(&far, b"waits");
            drop(far);
            turns(5).await;
            assert!(!transport.is_reading());
            assert_eq!(log.calls(), ["made"]);
            transport.resume_reading();
            transport.resume_reading();
            log.until("lost").await;
            assert_eq!(log.calls(), ["made", "data", "eof", "lost"]);
        });
    }
}

#[test]
fn urgent_data_hides_nothing_that_comes_after_it_n12() {
    run(async || {
        let log = Log::default();
        let (_transport, _protocol, far) = connect(Kind::Tcp, Recorder::new(&log)).await;
        // All three are there before the first read, which stops at the urgent byte.
        send(&far, b"before");
        far.send_out_of_band(b"!").unwrap();
        send(&far, b"after");
        log.until_received(11).await;
        assert_eq!(log.received(), b"beforeafter");
    });
}

/// In one turn the victim is lost and its number taken by another connection, while events for the
/// victim are in the same batch as the event that has the number taken.
#[test]
fn a_descriptor_number_that_is_used_again_in_the_same_turn_is_another_connection_p5() {
    // In a process of its own: other tests open descriptors, too.
    let name = "a_descriptor_number_that_is_used_again_in_the_same_turn_is_another_connection_p5";
    in_child(name, || run(number_is_used_again));
}

async fn number_is_used_again() {
    // Of a new pair, the near end has the lowest number that is free.
    let kind = Kind::Unix;
    let log = Log::default();
    let log_of = |prefix| Recorder::new(&log).called(prefix);
    let (victim, _, victims_far) = connect(kind, log_of("victim ")).await;
    let number = |transport: &Rc<dyn Transport>| {
        let socket: TransportSocket = transport.get_extra_info().unwrap();
        socket.fileno().unwrap()
    };
    let old = number(&victim);

    // Its event comes in the turn in which the victim is lost, and behind that.
    let taken = Rc::new(RefCell::new(None));
    let place = Rc::clone(&taken);
    let second = RefCell::new(Some(log_of("second ")));
    let taker = log_of("taker ").on("data", move |_| {
        let (near, far) = kind.pair();
        let protocol = second.take().unwrap();
        let connecting = connect_accepted_socket(|| protocol, near).into_future();
        *place.borrow_mut() = Some((create_task(connecting), far));
    });
    let (_taker, _, takers_far) = connect(kind, taker).await;

    let killer = log_of("killer ").on("data", move |_| {
        victim.abort();
        // For the victim, which has its descriptor for one more turn.
        send(&victims_far, b"too late");
        send(&takers_far, b"now");
    });
    let (_killer, _, killers_far) = connect(kind, killer).await;
    send(&killers_far, b"now");
    log.until("taker data").await;
    let calls = log.calls();
    let ends = &calls[calls.len() - 3..];
    assert_eq!(ends, ["killer data", "victim lost", "taker data"]);

    let (connecting, far) = taken.take().unwrap();
    let (second, _) = connecting.await.unwrap().unwrap();
    assert_eq!(number(&second), old);
    turns(5).await;
    assert_eq!(log.count("second data"), 0, "what came was for the victim");
    let received = log.received().len();
    send(&far, b"for the second");
    log.until("second data").await;
    assert_eq!(log.received()[received..], *b"for the second");
    assert_eq!(log.count("victim data"), 0);
}

#[test]
fn the_transport_is_kept_by_its_loop_and_not_by_handles() {
    run(async || {
        let log = Log::default();
        let (transport, protocol, far) = connect(Kind::Tcp, Recorder::new(&log)).await;
        protocol.borrow_mut().transport = None;
        drop((transport, protocol));
        send(&far, b"is somebody there");
        log.until("data").await;
    });
}

#[test]
fn a_protocol_and_its_socket_go_with_the_loop() {
    struct Gone(Rc<Cell<bool>>);
    impl Drop for Gone {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    let gone = Rc::new(Cell::new(false));
    let mut left = None;
    run(async || {
        let log = Log::default();
        let gone = Gone(Rc::clone(&gone));
        let protocol = Recorder::new(&log).on("data", move |_| {
            let _ = &gone;
        });
        let (transport, _, far) = connect(Kind::Tcp, protocol).await;
        left = Some((transport, far, log));
    });
    assert!(
        gone.get(),
        "though the protocol has the transport, and the test"
    );
    let (transport, mut far, log) = left.unwrap();
    assert_eq!(far.read(&mut [0]).unwrap(), 0, "the socket is closed");
    assert_eq!(log.calls(), ["made"]);
    assert!(transport.is_closing());
    assert_eq!(transport.write(b"late"), Flow::Closed);
    transport.resume_reading();
    transport.close();
    transport.abort();
}
