//! Files to transports: sent by the system, behind what was written before.

mod file_scene;
mod stream_scene;

use asyncio_executor::TaskError;
use asyncio_loop::create_task;
use asyncio_transports::{Flow, SendfileNotAvailableError, sendfile};
use file_scene::{Source, pipe, read_to_end, sent_before};
use std::fs::File;
use std::future::{IntoFuture, poll_fn};
use std::io::{self, Write};
use std::rc::Rc;
use std::task::Poll;
use stream_scene::{Kind, Log, Recorder, connect, reports, reset, run, send, turns};

const MIB: usize = 1024 * 1024;

#[test]
fn a_file_arrives_between_what_was_written_before_and_after() {
    for kind in Kind::ALL {
        run(async || {
            let source = Source::new(3 * MIB + 1);
            let log = Log::default();
            let (transport, _protocol, far) = connect(kind, Recorder::new(&log)).await;
            let before = vec![b'<'; MIB];
            while transport.write(&before) == Flow::Open {}
            let unwritten = transport.get_write_buffer_size();
            assert!(unwritten > 0, "it has to wait for the buffer");

            let reading = read_to_end(far);
            let sent = sendfile(&*transport, &source.file).await.unwrap();
            assert_eq!(sent, source.bytes.len() as u64);
            assert_eq!(source.position(), sent);
            assert_eq!(transport.write(b">>"), Flow::Open);
            transport.close();

            let received = reading.await.unwrap();
            let begin = received.iter().position(|byte| *byte != b'<').unwrap();
            let file = begin / MIB * MIB..received.len() - 2;
            assert!(received[file.clone()] == source.bytes);
            assert!(received[..file.start].iter().all(|byte| *byte == b'<'));
            assert_eq!(&received[file.end..], b">>");
            log.until("lost").await;
            assert_eq!(log.calls(), ["made", "pause", "resume", "lost"]);
        });
    }
}

#[test]
fn a_part_of_a_file_leaves_the_position_behind_it_n16() {
    for kind in Kind::ALL {
        run(async || {
            let source = Source::new(5000);
            let (transport, _protocol, far) = connect(kind, Recorder::new(&Log::default())).await;
            let reading = read_to_end(far);
            let file = &source.file;
            assert_eq!(
                sendfile(&*transport, file)
                    .offset(1000)
                    .count(2000)
                    .await
                    .unwrap(),
                2000
            );
            assert_eq!(source.position(), 3000);
            assert_eq!(
                sendfile(&*transport, file)
                    .offset(4000)
                    .count(2000)
                    .await
                    .unwrap(),
                1000
            );
            assert_eq!(source.position(), 5000);
            assert_eq!(sendfile(&*transport, file).offset(9000).await.unwrap(), 0);
            assert_eq!(source.position(), 9000);
            // The position that it finds is not where it begins.
            assert_eq!(sendfile(&*transport, file).count(1).await.unwrap(), 1);
            assert_eq!(source.position(), 1);
            let empty = Source::new(0);
            assert_eq!(sendfile(&*transport, &empty.file).await.unwrap(), 0);
            transport.close();
            let bytes = &source.bytes;
            let parts = [&bytes[1000..3000], &bytes[4000..], &bytes[..1]];
            assert!(reading.await.unwrap() == parts.concat());
        });
    }
}

#[test]
fn a_file_that_shrinks_is_sent_as_far_as_it_goes_n16() {
    for kind in Kind::ALL {
        run(async || {
            let source = Rc::new(Source::new(16 * MIB));
            let (transport, _protocol, far) = connect(kind, Recorder::new(&Log::default())).await;
            let sending = create_task({
                let (transport, source) = (Rc::clone(&transport), Rc::clone(&source));
                async move { sendfile(&*transport, &source.file).await }
            });
            turns(3).await;
            assert!(!sending.done(), "nobody reads");
            source.writable().set_len(100).unwrap();
            let reading = read_to_end(far);
            let sent = sending.await.unwrap().unwrap();
            assert!((100..16 * MIB as u64).contains(&sent), "{sent}");
            assert_eq!(source.position(), sent);
            transport.close();
            assert_eq!(reading.await.unwrap().len() as u64, sent);
        });
    }
}

#[test]
fn a_file_that_grows_is_sent_with_what_it_has_become_n16() {
    run(async || {
        let source = Rc::new(Source::new(16 * MIB));
        let (transport, _protocol, far) = connect(Kind::Tcp, Recorder::new(&Log::default())).await;
        let sending = create_task({
            let (transport, source) = (Rc::clone(&transport), Rc::clone(&source));
            async move { sendfile(&*transport, &source.file).await }
        });
        turns(3).await;
        let mut file = File::options().append(true).open(&source.path).unwrap();
        file.write_all(&[b'+'; 1000]).unwrap();
        let reading = read_to_end(far);
        assert_eq!(sending.await.unwrap().unwrap(), 16 * MIB as u64 + 1000);
        transport.close();
        let received = reading.await.unwrap();
        assert!(received.ends_with(&[b'+'; 1000]) && received.starts_with(&source.bytes));
    });
}

#[test]
fn a_reset_in_the_middle_is_an_error_that_says_how_much_was_sent() {
    for kind in Kind::ALL {
        run(async || {
            let source = Rc::new(Source::new(16 * MIB));
            let log = Log::default();
            let (transport, _protocol, far) = connect(kind, Recorder::new(&log)).await;
            let sending = create_task({
                let (transport, source) = (Rc::clone(&transport), Rc::clone(&source));
                async move { sendfile(&*transport, &source.file).await }
            });
            turns(3).await;
            reset(far);
            let error = sending.await.unwrap().unwrap_err();
            assert!(is_of_the_connection(&error), "{error}");
            assert!(sent_before(&error) > 0);
            assert_eq!(source.position(), sent_before(&error));
            assert!(transport.is_closing());
            log.until("lost: ").await;
        });
    }
}

fn is_of_the_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
    )
}

#[test]
fn a_reset_before_its_turn_is_an_error_and_nothing_was_sent() {
    for kind in Kind::ALL {
        run(async || {
            let source = Rc::new(Source::new(1000));
            let log = Log::default();
            let (transport, _protocol, far) = connect(kind, Recorder::new(&log)).await;
            while transport.write(&[0; 100_000]) == Flow::Open {}
            let sending = create_task({
                let (transport, source) = (Rc::clone(&transport), Rc::clone(&source));
                async move { sendfile(&*transport, &source.file).offset(10).await }
            });
            turns(3).await;
            reset(far);
            let error = sending.await.unwrap().unwrap_err();
            assert!(is_of_the_connection(&error), "{error}");
            assert_eq!(source.position(), 10);
            log.until("lost: ").await;
            assert_eq!(log.count("resume"), 0);
        });
    }
}

#[test]
fn a_cancelled_one_leaves_the_position_right_and_the_transport_as_it_was_n16() {
    for kind in Kind::ALL {
        run(async || {
            let source = Rc::new(Source::new(16 * MIB));
            let log = Log::default();
            let (transport, _protocol, far) = connect(kind, Recorder::new(&log)).await;
            let sending = create_task({
                let (transport, source) = (Rc::clone(&transport), Rc::clone(&source));
                async move { sendfile(&*transport, &source.file).offset(1).await }
            });
            turns(3).await;
            assert!(!transport.is_reading());
            send(&far, b"meanwhile");
            turns(3).await;
            assert_eq!(log.received(), b"");
            sending.cancel();
            assert!(matches!(sending.await, Err(TaskError::Cancelled(_))));

            assert!(transport.is_reading());
            log.until_received(9).await;
            let sent = source.position() as usize;
            assert!(sent > 1);
            let _ = transport.write(b"afterwards");
            transport.close();
            let received = read_to_end(far).await.unwrap();
            let whole = [&source.bytes[1..sent], b"afterwards"].concat();
            assert!(received == whole);
        });
    }
}

#[test]
fn a_transport_that_was_paused_stays_paused() {
    run(async || {
        let source = Source::new(10);
        let (transport, _protocol, _far) = connect(Kind::Tcp, Recorder::new(&Log::default())).await;
        transport.pause_reading();
        sendfile(&*transport, &source.file).await.unwrap();
        assert!(!transport.is_reading());
    });
}

#[test]
fn a_closing_transport_is_refused_and_the_file_not_touched() {
    run(async || {
        let source = Source::new(10);
        let (transport, _protocol, far) = connect(Kind::Tcp, Recorder::new(&Log::default())).await;
        transport.close();
        let error = sendfile(&*transport, &source.file)
            .offset(5)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotConnected);
        assert_eq!(error.to_string(), "Transport is closing");
        assert_eq!(source.position(), 0);
        assert_eq!(read_to_end(far).await.unwrap(), b"");
    });
}

#[test]
fn a_close_does_not_wait_for_the_rest_of_a_file() {
    for (kind, aborts) in [(Kind::Tcp, false), (Kind::Unix, false), (Kind::Tcp, true)] {
        run(async || {
            let source = Rc::new(Source::new(16 * MIB));
            let log = Log::default();
            let (transport, _protocol, far) = connect(kind, Recorder::new(&log)).await;
            let sending = create_task({
                let (transport, source) = (Rc::clone(&transport), Rc::clone(&source));
                async move { sendfile(&*transport, &source.file).await }
            });
            turns(3).await;
            match aborts {
                true => transport.abort(),
                false => transport.close(),
            }
            let error = sending.await.unwrap().unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
            log.until("lost").await;
            assert_eq!(log.calls(), ["made", "lost"]);
            assert_eq!(source.position(), sent_before(&error));
            let received = read_to_end(far).await.unwrap();
            assert!(received == source.bytes[..received.len()]);
            assert_eq!(received.len() as u64, sent_before(&error));
        });
    }
}

#[test]
fn nobody_else_writes_meanwhile_and_who_tries_is_reported_once() {
    run(async || {
        let source = Rc::new(Source::new(16 * MIB));
        let reports = reports();
        let (transport, _protocol, far) = connect(Kind::Tcp, Recorder::new(&Log::default())).await;
        let sending = create_task({
            let (transport, source) = (Rc::clone(&transport), Rc::clone(&source));
            async move { sendfile(&*transport, &source.file).await }
        });
        turns(3).await;
        assert_eq!(transport.write(b"lost"), Flow::Busy);
        assert_eq!(transport.write_owned(b"lost".into()), Flow::Busy);
        assert_eq!(
            *reports.borrow(),
            ["unable to write; sendfile is in progress"]
        );
        let second = sendfile(&*transport, &source.file).await.unwrap_err();
        assert_eq!(second.kind(), io::ErrorKind::ResourceBusy);
        assert!(
            source.position() > 0 || !sending.done(),
            "the first goes on"
        );

        let reading = read_to_end(far);
        assert_eq!(sending.await.unwrap().unwrap(), 16 * MIB as u64);
        assert_eq!(transport.write(b"!"), Flow::Open);
        transport.close();
        let received = reading.await.unwrap();
        assert!(received[..16 * MIB] == source.bytes && &received[16 * MIB..] == b"!");
    });
}

#[test]
fn a_protocol_that_writes_when_it_may_go_on_writes_behind_the_file() {
    run(async || {
        let source = Source::new(100_000);
        let log = Log::default();
        let protocol = Recorder::new(&log).on("resume", |transport| {
            assert_ne!(transport.write(b"resumed"), Flow::Busy);
        });
        let (transport, _protocol, far) = connect(Kind::Tcp, protocol).await;
        while transport.write(&[0; 100_000]) == Flow::Open {}
        let reading = read_to_end(far);
        sendfile(&*transport, &source.file).await.unwrap();
        assert_eq!(log.calls(), ["made", "pause", "resume"]);
        transport.close();
        let received = reading.await.unwrap();
        assert!(received.ends_with(&[&source.bytes[..], b"resumed"].concat()));
    });
}

#[test]
fn the_end_of_the_output_waits_for_the_file() {
    for kind in Kind::ALL {
        run(async || {
            let source = Rc::new(Source::new(16 * MIB));
            let log = Log::default();
            let (transport, _protocol, far) = connect(kind, Recorder::new(&log).keeps_open()).await;
            let sending = create_task({
                let (transport, source) = (Rc::clone(&transport), Rc::clone(&source));
                async move { sendfile(&*transport, &source.file).await }
            });
            turns(3).await;
            transport.write_eof();
            turns(3).await;
            assert_eq!(transport.write(b"late"), Flow::Closed);
            let received = read_to_end(far).await.unwrap();
            assert!(received == source.bytes);
            assert_eq!(sending.await.unwrap().unwrap(), 16 * MIB as u64);
            assert!(!transport.is_closing());
            let error = sendfile(&*transport, &source.file).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        });
    }
}

#[test]
fn what_is_no_file_is_read_and_written_unless_that_is_refused() {
    for kind in Kind::ALL {
        run(async || {
            let (transport, _protocol, far) = connect(kind, Recorder::new(&Log::default())).await;
            let error = sendfile(&*transport, &pipe(b"hello"))
                .fallback(false)
                .await
                .unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::Unsupported);
            let inner = error.get_ref().unwrap();
            assert!(inner.is::<SendfileNotAvailableError>(), "{inner:?}");
            assert!(
                inner
                    .to_string()
                    .starts_with("fallback is disabled and native sendfile is not")
            );

            assert_eq!(sendfile(&*transport, &pipe(b"hello")).await.unwrap(), 5);
            assert_eq!(
                sendfile(&*transport, &pipe(b"world"))
                    .count(2)
                    .await
                    .unwrap(),
                2
            );
            // There is nothing to seek in.
            let error = sendfile(&*transport, &pipe(b"!"))
                .offset(1)
                .await
                .unwrap_err();
            assert_ne!(error.kind(), io::ErrorKind::Unsupported);
            transport.close();
            assert_eq!(read_to_end(far).await.unwrap(), b"hellowo");
        });
    }
}

#[test]
fn an_error_of_the_file_is_not_the_end_of_the_connection() {
    run(async || {
        let source = Source::new(10);
        let (transport, _protocol, far) = connect(Kind::Tcp, Recorder::new(&Log::default())).await;
        let unreadable = source.writable();
        let error = sendfile(&*transport, &unreadable).await.unwrap_err();
        assert_eq!(
            error.raw_os_error(),
            Some(rustix::io::Errno::BADF.raw_os_error())
        );
        let folder = File::open(std::env::temp_dir()).unwrap();
        let error = sendfile(&*transport, &folder).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::IsADirectory);
        assert_eq!(transport.write(b"on"), Flow::Open);
        transport.close();
        assert_eq!(read_to_end(far).await.unwrap(), b"on");
    });
}

#[test]
fn arguments_are_checked_as_in_asyncio() {
    run(async || {
        let source = Source::new(10);
        let (transport, _protocol, _far) = connect(Kind::Tcp, Recorder::new(&Log::default())).await;
        let error = sendfile(&*transport, &source.file)
            .count(0)
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "count must be a positive integer (got 0)"
        );
        let error = sendfile(&*transport, &source.file)
            .offset(u64::MAX)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert_eq!(source.position(), 0);
        // The claim of a call that was refused is not left behind.
        assert_eq!(transport.write(b"x"), Flow::Open);
    });
}

#[test]
fn a_turn_sends_a_mebibyte_at_most() {
    run(async || {
        let source = Source::new(16 * MIB);
        let (transport, _protocol, _far) = connect(Kind::Tcp, Recorder::new(&Log::default())).await;
        let mut sending = sendfile(&*transport, &source.file).into_future();
        let first = poll_fn(|cx| Poll::Ready(sending.as_mut().poll(cx))).await;
        assert!(first.is_pending());
        drop(sending);
        let sent = source.position();
        assert!(sent > 0 && sent <= MIB as u64, "{sent}");
    });
}
