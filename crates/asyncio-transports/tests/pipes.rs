//! Pipes: both ends, named pipes, sockets, terminals; what is no pipe; and who is at the other end.
#![cfg(unix)]

mod stream_scene;

use asyncio_loop::{EventLoop, create_task};
use asyncio_reactor::SelectorKind;
use asyncio_testkit::{Watchdog, exclusive, guarded};
use asyncio_transports::{
    Flow, TransportPipe, TransportSocket, connect_read_pipe, connect_write_pipe, sendfile,
};
use socket2::{Domain, Socket, Type};
use std::cell::RefCell;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::rc::Rc;
use std::time::Duration;
use stream_scene::{Log, Recorder, reports, turns};

/// Runs a scenario with edges and without, and checks that it leaves nothing behind.
fn run(mut scenario: impl AsyncFnMut()) {
    for kind in [SelectorKind::Default, SelectorKind::Poll] {
        let _watchdog = Watchdog::start("a scenario of pipes", Duration::from_secs(60));
        guarded(|| {
            let event_loop = EventLoop::builder().selector_kind(kind).build().unwrap();
            event_loop.run_until_complete(scenario()).unwrap();
        });
    }
}

#[test]
fn a_read_pipe_tells_data_and_then_the_end() {
    run(async || {
        let (receiver, mut sender) = io::pipe().unwrap();
        let log = Log::default();
        // Its answer to the end changes nothing: a pipe has no other half.
        let protocol = Recorder::new(&log).keeps_open();
        let (transport, _) = connect_read_pipe(|| protocol, receiver).await.unwrap();
        assert!(transport.is_reading());
        sender.write_all(b"hello").unwrap();
        log.until("data").await;
        drop(sender);
        log.until("lost").await;
        assert_eq!(log.calls(), ["made", "data", "eof", "lost"]);
        assert!(transport.is_closing());
    });
}

#[test]
fn nothing_is_written_to_a_read_pipe() {
    run(async || {
        let (receiver, _sender) = io::pipe().unwrap();
        let log = Log::default();
        let protocol = Recorder::new(&log).on("made", |transport| {
            assert_eq!(transport.write(b"x"), Flow::Closed);
        });
        let (transport, _) = connect_read_pipe(|| protocol, receiver).await.unwrap();
        transport.close();
        log.until("lost").await;
        assert_eq!(log.calls(), ["made", "lost"]);
    });
}

/// asyncio's `get_extra_info('pipe')`.
#[test]
fn a_transport_tells_its_pipe_as_long_as_it_has_it() {
    run(async || {
        let (receiver, sender) = io::pipe().unwrap();
        let numbers = (receiver.as_raw_fd(), sender.as_raw_fd());
        let log = Log::default();
        let (reads, writes) = (Recorder::new(&log), Recorder::new(&log));
        let (reads, _) = connect_read_pipe(|| reads, receiver).await.unwrap();
        let (writes, _) = connect_write_pipe(|| writes, sender).await.unwrap();
        let (from, to): (TransportPipe, TransportPipe) = (
            reads.get_extra_info().unwrap(),
            writes.get_extra_info().unwrap(),
        );
        assert_eq!(numbers, (from.fileno().unwrap(), to.fileno().unwrap()));
        assert!(reads.get_extra_info::<TransportSocket>().is_none());
        reads.close();
        writes.close();
        turns(2).await;
        for pipe in [from, to] {
            assert_eq!(pipe.fileno().unwrap_err().kind(), ErrorKind::NotConnected);
            assert_eq!(format!("{pipe:?}"), "TransportPipe { .. }");
        }
    });
}

#[test]
fn reading_can_be_paused() {
    run(async || {
        let (receiver, mut sender) = io::pipe().unwrap();
        let log = Log::default();
        let protocol = Recorder::new(&log);
        let (transport, _) = connect_read_pipe(|| protocol, receiver).await.unwrap();
        transport.pause_reading();
        sender.write_all(b"later").unwrap();
        turns(3).await;
        assert_eq!(log.calls(), ["made"]);
        transport.resume_reading();
        log.until("data").await;
    });
}

/// Its close does not wait for the rest of a file, and is not forgotten either.
#[test]
fn the_end_of_a_pipe_that_a_file_is_sent_to_is_its_close() {
    run(async || {
        let (_receiver, sender) = io::pipe().unwrap();
        let (slow, mut more) = io::pipe().unwrap();
        let slow = File::from(OwnedFd::from(slow));
        let log = Log::default();
        let made = Rc::new(RefCell::new(None));
        let keep = Rc::clone(&made);
        let protocol = Recorder::new(&log).on("made", move |transport| {
            keep.replace(Some(Rc::clone(transport)));
        });
        let _connected = connect_write_pipe(|| protocol, sender).await.unwrap();
        let transport = made.take().unwrap();
        let sending = create_task({
            let transport = Rc::clone(&transport);
            async move { sendfile(&*transport, &slow).await }
        });
        turns(3).await; // the thread pool reads, and nothing is unwritten
        transport.write_eof();
        more.write_all(b"late").unwrap();
        let error = sending.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
        log.until("lost").await;
        assert_eq!(log.calls(), ["made", "lost"]);
    });
}

#[test]
fn a_write_pipe_keeps_what_does_not_fit_and_writes_it_before_it_closes_n6() {
    run(async || {
        let (mut receiver, sender) = io::pipe().unwrap();
        let log = Log::default();
        let protocol = Recorder::new(&log);
        let (transport, _) = connect_write_pipe(|| protocol, sender).await.unwrap();
        let bytes: Vec<u8> = (0..500_000u32).map(|byte| byte as u8).collect();
        assert_eq!(transport.write(&bytes), Flow::Paused);
        assert!(transport.get_write_buffer_size() > 0);
        assert!(transport.can_write_eof());
        transport.write_eof();
        assert!(
            transport.is_closing(),
            "asyncio: the end of a pipe is its close"
        );
        assert_eq!(transport.write(b"late"), Flow::Closed);
        let mut read = vec![0; bytes.len()];
        let mut count = 0;
        while count < bytes.len() {
            count += receiver.read(&mut read[count..]).unwrap();
            turns(1).await;
        }
        assert!(read == bytes);
        log.until("lost").await;
        assert_eq!(receiver.read(&mut [0]).unwrap(), 0);
        assert_eq!(log.calls(), ["made", "pause", "resume", "lost"]);
    });
}

#[test]
fn a_write_pipe_that_nobody_reads_any_more_is_over() {
    run(async || {
        let (receiver, sender) = io::pipe().unwrap();
        let log = Log::default();
        let reports = reports();
        let protocol = Recorder::new(&log);
        let (transport, _) = connect_write_pipe(|| protocol, sender).await.unwrap();
        turns(2).await;
        drop(receiver);
        log.until("lost").await;
        assert_eq!(log.calls(), ["made", "lost"], "nothing was unwritten");
        assert_eq!(transport.write(b"late"), Flow::Closed);
        assert!(reports.borrow().is_empty());
    });
}

#[test]
fn a_write_pipe_that_nobody_reads_any_more_tells_what_is_lost() {
    run(async || {
        let (receiver, sender) = io::pipe().unwrap();
        let log = Log::default();
        let protocol = Recorder::new(&log);
        let (transport, _) = connect_write_pipe(|| protocol, sender).await.unwrap();
        let _ = transport.write(&vec![7; 500_000]);
        drop(receiver);
        log.until("lost").await;
        assert_eq!(log.calls(), ["made", "pause", "lost: BrokenPipe"]);
    });
}

#[test]
fn sockets_are_pipes_and_show_that_their_peer_is_gone() {
    run(async || {
        let (near, far) = Socket::pair(Domain::UNIX, Type::STREAM, None).unwrap();
        let log = Log::default();
        let protocol = Recorder::new(&log);
        let (transport, _) = connect_write_pipe(|| protocol, near).await.unwrap();
        let _ = transport.write(b"hello");
        let mut read = [0; 5];
        (&far).read_exact(&mut read).unwrap();
        assert_eq!(&read, b"hello");
        drop(far);
        log.until("lost").await;
        assert_eq!(log.calls(), ["made", "lost"]);

        let (near, far) = Socket::pair(Domain::UNIX, Type::STREAM, None).unwrap();
        let log = Log::default();
        let protocol = Recorder::new(&log);
        let _transport = connect_read_pipe(|| protocol, near).await.unwrap();
        (&far).write_all(b"hello").unwrap();
        drop(far);
        log.until("lost").await;
        assert_eq!(log.calls(), ["made", "data", "eof", "lost"]);
    });
}

#[test]
fn what_is_no_pipe_is_refused_p10() {
    run(async || {
        let log = Log::default();
        let file = File::open(std::env::current_exe().unwrap()).unwrap();
        let refused = connect_read_pipe(|| Recorder::new(&log), file).await;
        let error = refused.map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(
            error
                .to_string()
                .starts_with("pipe transports are for pipes")
        );
        assert!(log.calls().is_empty());
    });
}

#[test]
fn a_device_that_cannot_be_waited_for_is_an_error() {
    let _alone = exclusive();
    let _watchdog = Watchdog::start("a device", Duration::from_secs(60));
    let event_loop = EventLoop::builder()
        .selector_kind(SelectorKind::Default)
        .build()
        .unwrap();
    let refused = event_loop.run_until_complete(async {
        let null = File::options().write(true).open("/dev/null").unwrap();
        connect_write_pipe(|| Recorder::new(&Log::default()), null)
            .await
            .map(drop)
    });
    // epoll refuses it; what can be waited for on another system is written to.
    if let Err(error) = refused.unwrap() {
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        let message = "this device cannot be waited for: ";
        assert!(error.to_string().starts_with(message), "{error}");
    }
}

#[test]
fn a_transport_that_nobody_waits_for_any_more_is_closed() {
    run(async || {
        let (receiver, mut sender) = io::pipe().unwrap();
        let log = Log::default();
        let protocol = Recorder::new(&log);
        let connecting =
            create_task(async move { connect_read_pipe(|| protocol, receiver).await.map(drop) });
        asyncio_executor::yield_now().await;
        connecting.cancel();
        log.until("lost").await;
        assert_eq!(log.calls(), ["made", "lost"]);
        assert_eq!(
            sender.write(b"x").unwrap_err().kind(),
            ErrorKind::BrokenPipe
        );
    });
}
