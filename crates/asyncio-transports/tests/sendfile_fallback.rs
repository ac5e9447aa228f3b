//! Files to transports that the system cannot send to: connections in memory, and layers.

mod file_scene;
mod net;
mod stream_scene;
mod veil;

use asyncio_executor::TaskError;
use asyncio_loop::create_task;
use asyncio_transports::testing::{Wire, memory_pair};
use asyncio_transports::{
    Flow, SendfileNotAvailableError, Transport, connect_accepted_socket, sendfile,
};
use file_scene::{Source, sent_before};
use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use stream_scene::{Kind, Log, Recorder, reports, run, turns};
use veil::Veil;

const MIB: usize = 1024 * 1024;

/// A way to two transports that are connected, without a system that sends files to them.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Memory,
    Layer,
}

impl Way {
    const ALL: [Self; 2] = [Self::Memory, Self::Layer];

    /// Both transports, and the logs of their protocols. The second one keeps what it is sent.
    async fn connect(self, one: Recorder, other: Recorder) -> [Rc<dyn Transport>; 2] {
        match self {
            Self::Memory => {
                let (left, right) = memory_pair();
                let one: Rc<dyn Transport> = left.start(one).unwrap().0;
                let other: Rc<dyn Transport> = right.start(other).unwrap().0;
                turns(1).await;
                [one, other]
            }
            Self::Layer => {
                let (near, far) = Kind::Tcp.pair();
                let other = create_task(async move {
                    let veil = Veil::new("other");
                    let connecting = connect_accepted_socket(|| other, far).ssl(veil);
                    connecting.await.unwrap().0
                });
                let veil = Veil::new("one");
                let one = connect_accepted_socket(|| one, near).ssl(veil).await;
                [one.unwrap().0, other.await.unwrap()]
            }
        }
    }
}

#[test]
fn a_file_arrives_between_what_was_written_before_and_after_n16() {
    for way in Way::ALL {
        run(async || {
            let source = Source::new(3 * MIB + 1);
            let (log, far) = (Log::default(), Log::default());
            let [one, other] = way.connect(Recorder::new(&log), Recorder::new(&far)).await;
            assert_eq!(one.write(b"before"), Flow::Open);
            let sent = sendfile(&*one, &source.file).await.unwrap();
            assert_eq!(sent, source.bytes.len() as u64);
            assert_eq!(source.position(), sent);
            let _ = one.write(b"after");
            let part = sendfile(&*one, &source.file).offset(1000).count(100).await;
            assert_eq!((part.unwrap(), source.position()), (100, 1100));
            one.close();
            far.until("lost").await;
            let parts = [
                b"before",
                &source.bytes[..],
                b"after",
                &source.bytes[1000..1100],
            ];
            assert!(far.received() == parts.concat(), "{way:?}");
            drop(other);
        });
    }
}

#[test]
fn it_is_refused_without_the_fallback() {
    for way in Way::ALL {
        run(async || {
            let source = Source::new(10);
            let log = Log::default();
            let [one, _other] = way.connect(Recorder::new(&log), Recorder::new(&log)).await;
            let error = sendfile(&*one, &source.file)
                .fallback(false)
                .await
                .unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::Unsupported);
            let inner = error.get_ref().unwrap();
            assert!(inner.is::<SendfileNotAvailableError>(), "{inner:?}");
            assert!(inner.to_string().starts_with(
                "fallback is disabled and native sendfile is not supported for transport "
            ));
        });
    }
}

#[test]
fn a_reader_that_stalls_makes_no_more_than_a_block_above_the_mark_n7() {
    for way in Way::ALL {
        run(async || {
            let source = Rc::new(Source::new(32 * MIB));
            let log = Log::default();
            let far = Log::default();
            let [one, other] = way.connect(Recorder::new(&log), Recorder::new(&far)).await;
            other.pause_reading();
            let sending = create_task({
                let (one, source) = (Rc::clone(&one), Rc::clone(&source));
                async move { sendfile(&*one, &source.file).await }
            });
            let marks = one.get_write_buffer_limits();
            while one.get_write_buffer_size() <= marks.high {
                turns(1).await;
            }
            turns(20).await;
            let kept = one.get_write_buffer_size();
            assert!(kept <= marks.high + 16 * 1024, "{way:?} {kept}");
            assert!(!one.is_reading());
            assert_eq!(log.calls(), ["made"], "the protocol is told afterwards");

            sending.cancel();
            assert!(matches!(sending.await, Err(TaskError::Cancelled(_))));
            assert!(one.is_reading());
            assert_eq!(log.calls(), ["made", "pause"], "{way:?}");
            let sent = source.position() as usize;
            other.resume_reading();
            far.until_received(sent).await;
            assert!(far.received() == source.bytes[..sent]);
            log.until("resume").await;
            assert_eq!(log.calls(), ["made", "pause", "resume"]);
        });
    }
}

#[test]
fn a_paused_protocol_is_told_to_go_on_when_the_file_is_through() {
    for way in Way::ALL {
        run(async || {
            let source = Rc::new(Source::new(100_000));
            let (log, far) = (Log::default(), Log::default());
            let protocol = Recorder::new(&log).on("resume", |transport| {
                assert_ne!(transport.write(b"resumed"), Flow::Busy);
            });
            let [one, other] = way.connect(protocol, Recorder::new(&far)).await;
            other.pause_reading();
            let mut before = 0;
            while log.count("pause") == 0 {
                let _ = one.write(&[b'<'; 10_000]);
                before += 10_000;
            }
            let sending = create_task({
                let (one, source) = (Rc::clone(&one), Rc::clone(&source));
                async move { sendfile(&*one, &source.file).await }
            });
            turns(3).await;
            other.resume_reading();
            assert_eq!(sending.await.unwrap().unwrap(), 100_000);
            log.until("resume").await;
            far.until_received(before + 100_007).await;
            let received = far.received();
            assert!(received[before..before + 100_000] == source.bytes);
            assert!(received.ends_with(b"resumed"));
            let calls = log.calls();
            let flow: Vec<_> = calls.iter().filter(|call| *call != "made").collect();
            for (place, call) in flow.iter().enumerate() {
                assert_eq!(*call, ["pause", "resume"][place % 2], "{way:?} {calls:?}");
            }
        });
    }
}

#[test]
fn the_end_of_the_connection_in_the_middle_is_an_error() {
    for way in Way::ALL {
        for ends in ["close", "abort", "peer aborts"] {
            run(async || {
                let source = Rc::new(Source::new(32 * MIB));
                let (log, far) = (Log::default(), Log::default());
                let [one, other] = way.connect(Recorder::new(&log), Recorder::new(&far)).await;
                other.pause_reading();
                let sending = create_task({
                    let (one, source) = (Rc::clone(&one), Rc::clone(&source));
                    async move { sendfile(&*one, &source.file).await }
                });
                while one.get_write_buffer_size() <= one.get_write_buffer_limits().high {
                    turns(1).await;
                }
                match ends {
                    "close" => {
                        one.close();
                        other.resume_reading();
                    }
                    "abort" => one.abort(),
                    _ => other.abort(),
                }
                let error = sending.await.unwrap().unwrap_err();
                assert!(
                    matches!(
                        error.kind(),
                        io::ErrorKind::ConnectionAborted
                            | io::ErrorKind::ConnectionReset
                            | io::ErrorKind::BrokenPipe
                    ),
                    "{way:?} {ends}: {error}"
                );
                assert_eq!(source.position(), sent_before(&error), "{way:?} {ends}");
                log.until("lost").await;
                assert_eq!(
                    log.calls()
                        .iter()
                        .filter(|call| call.starts_with("lost"))
                        .count(),
                    1
                );
            });
        }
    }
}

#[test]
fn two_files_at_once_are_refused() {
    for way in Way::ALL {
        run(async || {
            let source = Rc::new(Source::new(16 * MIB));
            let log = Log::default();
            let [one, other] = way.connect(Recorder::new(&log), Recorder::new(&log)).await;
            other.pause_reading();
            let sending = create_task({
                let (one, source) = (Rc::clone(&one), Rc::clone(&source));
                async move { sendfile(&*one, &source.file).await }
            });
            turns(1).await; // it has begun, and nobody reads
            let error = sendfile(&*one, &source.file).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ResourceBusy, "{way:?}");
            other.resume_reading();
            assert_eq!(sending.await.unwrap().unwrap(), 16 * MIB as u64);
            assert!(one.is_reading(), "{way:?}");
            assert_eq!(sendfile(&*one, &source.file).count(1).await.unwrap(), 1);
        });
    }
}

#[test]
fn a_protocol_that_was_set_meanwhile_stays() {
    run(async || {
        let source = Rc::new(Source::new(32 * MIB));
        let log = Log::default();
        let [one, other] = Way::Layer
            .connect(Recorder::new(&log), Recorder::new(&log))
            .await;
        other.pause_reading();
        let sending = create_task({
            let (one, source) = (Rc::clone(&one), Rc::clone(&source));
            async move { sendfile(&*one, &source.file).await }
        });
        turns(3).await;
        let newer = Rc::new(RefCell::new(Recorder::new(&log).called("newer ")));
        one.set_protocol(newer.clone());
        sending.cancel();
        assert!(sending.await.is_err());
        assert!(Rc::ptr_eq(&one.get_protocol().unwrap(), &(newer as _)));
    });
}

#[test]
fn a_protocol_that_is_borrowed_when_it_is_to_be_told_ends_the_connection() {
    run(async || {
        let source = Source::new(32 * MIB);
        let reports = reports();
        let log = Log::default();
        let [one, other] = Way::Layer
            .connect(Recorder::new(&log), Recorder::new(&log))
            .await;
        other.pause_reading();
        let protocol = one.get_protocol().unwrap();
        let mut sending = Box::pin(async { sendfile(&*one, &source.file).await });
        while one.get_write_buffer_size() <= one.get_write_buffer_limits().high {
            let poll = std::future::poll_fn(|cx| {
                std::task::Poll::Ready(sending.as_mut().poll(cx).is_ready())
            });
            assert!(!poll.await);
            turns(1).await;
        }
        let borrowed = protocol.borrow_mut();
        drop(sending);
        drop(borrowed);
        assert!(one.is_closing());
        assert_eq!(*reports.borrow(), ["Fatal error on transport"]);
    });
}

#[test]
fn a_connection_in_memory_that_is_reset_says_so() {
    run(async || {
        let source = Rc::new(Source::new(MIB));
        let log = Log::default();
        let [one, other] = Way::Memory
            .connect(Recorder::new(&log), Recorder::new(&log))
            .await;
        other.pause_reading();
        let wire = one.get_extra_info::<Wire>().unwrap();
        let sending = create_task({
            let (one, source) = (Rc::clone(&one), Rc::clone(&source));
            async move { sendfile(&*one, &source.file).await }
        });
        while one.get_write_buffer_size() <= one.get_write_buffer_limits().high {
            turns(1).await;
        }
        wire.reset();
        let error = sending.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        assert_eq!(source.position(), sent_before(&error));
    });
}
