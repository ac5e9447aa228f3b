//! Files to sockets that the caller owns.

mod file_scene;
mod stream_scene;

use asyncio_executor::TaskError;
use asyncio_loop::{create_task, get_running_loop, sock_sendall};
use asyncio_reactor::Async;
use asyncio_transports::{SendfileNotAvailableError, sock_sendfile};
use file_scene::{Source, pipe, read_to_end, sent_before};
use socket2::{Domain, Socket, Type};
use std::io;
use std::rc::Rc;
use stream_scene::{Kind, reset, run, turns};

const MIB: usize = 1024 * 1024;

/// A registered socket, and the far end.
fn pair(kind: Kind) -> (Async<Socket>, Socket) {
    let (near, far) = kind.pair();
    (get_running_loop().register(near).unwrap(), far)
}

#[test]
fn a_file_goes_between_regular_sends() {
    for kind in Kind::ALL {
        run(async || {
            let source = Source::new(3 * MIB + 1);
            let (near, far) = pair(kind);
            let reading = read_to_end(far);
            sock_sendall(&near, &[b'<'; 65_536]).await.unwrap();
            let sent = sock_sendfile(&near, &source.file).await.unwrap();
            sock_sendall(&near, &[b'>'; 65_536]).await.unwrap();
            drop(near);
            assert_eq!(sent, source.bytes.len() as u64);
            assert_eq!(source.position(), sent);
            let whole = [&[b'<'; 65_536], &source.bytes[..], &[b'>'; 65_536]].concat();
            assert!(reading.await.unwrap() == whole);
        });
    }
}

#[test]
fn offset_and_count_say_which_part_n16() {
    for kind in Kind::ALL {
        run(async || {
            let source = Source::new(5000);
            let (near, far) = pair(kind);
            let file = &source.file;
            let sent = sock_sendfile(&near, file).offset(1000).count(2000).await;
            assert_eq!((sent.unwrap(), source.position()), (2000, 3000));
            let sent = sock_sendfile(&near, file)
                .offset(4999)
                .count(u64::MAX)
                .await;
            assert_eq!((sent.unwrap(), source.position()), (1, 5000));
            let sent = sock_sendfile(&near, file).offset(1 << 40).await;
            assert_eq!(sent.unwrap(), 0);
            let empty = Source::new(0);
            assert_eq!(sock_sendfile(&near, &empty.file).await.unwrap(), 0);
            drop(near);
            let parts = [&source.bytes[1000..3000], &source.bytes[4999..]];
            assert!(read_to_end(far).await.unwrap() == parts.concat());
        });
    }
}

#[test]
fn what_is_no_file_is_read_and_written_unless_that_is_refused() {
    for kind in Kind::ALL {
        run(async || {
            let (near, far) = pair(kind);
            let refused = sock_sendfile(&near, &pipe(b"hello")).fallback(false).await;
            let error = refused.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::Unsupported);
            let inner = error.get_ref().unwrap();
            assert!(inner.is::<SendfileNotAvailableError>(), "{inner:?}");

            assert_eq!(sock_sendfile(&near, &pipe(b"hello")).await.unwrap(), 5);
            let sent = sock_sendfile(&near, &pipe(b"world")).count(2).await;
            assert_eq!(sent.unwrap(), 2);
            drop(near);
            assert_eq!(read_to_end(far).await.unwrap(), b"hellowo");
        });
    }
}

#[test]
fn the_fallback_waits_for_a_reader_and_stops_where_it_is_cancelled_n16() {
    for kind in Kind::ALL {
        run(async || {
            let (near, far) = pair(kind);
            let near = Rc::new(near);
            let endless = Rc::new(std::fs::File::open("/dev/zero").unwrap());
            let sending = create_task({
                let (near, endless) = (Rc::clone(&near), Rc::clone(&endless));
                async move { sock_sendfile(&near, &endless).count(u64::MAX).await }
            });
            turns(20).await;
            assert!(!sending.done(), "nobody reads");
            sending.cancel();
            assert!(matches!(sending.await, Err(TaskError::Cancelled(_))));
            sock_sendall(&near, b"").await.unwrap();
            drop(near);
            let received = read_to_end(far).await.unwrap();
            assert!(received.iter().all(|byte| *byte == 0));
        });
    }
}

#[test]
fn a_reset_in_the_middle_is_an_error_that_says_how_much_was_sent() {
    for kind in Kind::ALL {
        run(async || {
            let source = Rc::new(Source::new(16 * MIB));
            let (near, far) = pair(kind);
            let sending = create_task({
                let source = Rc::clone(&source);
                async move { sock_sendfile(&near, &source.file).await }
            });
            turns(3).await;
            reset(far);
            let error = sending.await.unwrap().unwrap_err();
            assert!(
                matches!(
                    error.kind(),
                    io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
                ),
                "{error}"
            );
            assert!(sent_before(&error) > 0);
            assert_eq!(source.position(), sent_before(&error));
        });
    }
}

#[test]
fn a_cancelled_one_leaves_the_position_and_the_socket_right_n16() {
    for kind in Kind::ALL {
        run(async || {
            let source = Rc::new(Source::new(16 * MIB));
            let (near, far) = pair(kind);
            let near = Rc::new(near);
            let sending = create_task({
                let (near, source) = (Rc::clone(&near), Rc::clone(&source));
                async move { sock_sendfile(&near, &source.file).offset(1).await }
            });
            turns(3).await;
            sending.cancel();
            assert!(matches!(sending.await, Err(TaskError::Cancelled(_))));
            let sent = source.position() as usize;
            assert!(sent > 1 && sent < 16 * MIB);
            let reading = read_to_end(far);
            sock_sendall(&near, b"afterwards").await.unwrap();
            drop(near);
            let whole = [&source.bytes[1..sent], b"afterwards"].concat();
            assert!(reading.await.unwrap() == whole);
        });
    }
}

#[test]
fn a_file_that_shrinks_is_sent_as_far_as_it_goes_n16() {
    run(async || {
        let source = Rc::new(Source::new(16 * MIB));
        let (near, far) = pair(Kind::Tcp);
        let sending = create_task({
            let source = Rc::clone(&source);
            async move { sock_sendfile(&near, &source.file).await }
        });
        turns(3).await;
        assert!(!sending.done(), "nobody reads");
        source.writable().set_len(100).unwrap();
        let reading = read_to_end(far);
        let sent = sending.await.unwrap().unwrap();
        assert_eq!(source.position(), sent);
        assert_eq!(reading.await.unwrap().len() as u64, sent);
    });
}

#[test]
fn arguments_are_checked_as_in_asyncio() {
    run(async || {
        let source = Source::new(10);
        let (near, _far) = pair(Kind::Tcp);
        let zero = sock_sendfile(&near, &source.file).count(0).await;
        assert_eq!(
            zero.unwrap_err().to_string(),
            "count must be a positive integer (got 0)"
        );
        let far_away = sock_sendfile(&near, &source.file).offset(u64::MAX).await;
        assert_eq!(far_away.unwrap_err().kind(), io::ErrorKind::InvalidInput);

        let datagrams = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
        let datagrams = get_running_loop().register(datagrams).unwrap();
        let refused = sock_sendfile(&datagrams, &source.file).await;
        assert_eq!(
            refused.unwrap_err().to_string(),
            "only SOCK_STREAM type sockets are supported"
        );
        assert_eq!(source.position(), 0);
    });
}
