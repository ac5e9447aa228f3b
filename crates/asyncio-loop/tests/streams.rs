//! `sock_*` on connections of this machine: TCP and Unix.

mod scene;

use std::io::{self, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Waker};
use std::time::Duration;

use asyncio_executor::yield_now;
use asyncio_loop::socket::{Domain, Type};
use asyncio_loop::{
    EventLoop, LoopRef, PartialWrite, sleep, sock_accept, sock_connect, sock_recv, sock_recv_into,
    sock_recvfrom, sock_sendall,
};
use asyncio_reactor::Async;
use scene::{run, unix_pair};

on_every_selector! {
    a_stream_carries_bytes_both_ways,
    a_mebibyte_goes_through_a_small_buffer,
    a_failure_after_a_part_tells_how_much_was_sent,
    a_peer_that_is_gone_is_an_error_and_no_signal,
    a_reset_is_an_error_of_the_reader,
    a_receive_that_is_cancelled_loses_no_bytes_p6,
    a_cancelled_operation_leaves_the_next_one_on_the_socket_alone_p6,
    a_socket_may_be_closed_right_after_a_cancellation_p5_p6,
    receiving_too_much_is_an_error_and_no_abort,
    two_tasks_read_and_write_one_socket,
    the_methods_of_the_loop_do_the_same,
    an_idle_connection_costs_no_turns_p3_p4,
}

/// A connection over TCP: ours, and the far end in blocking mode.
fn tcp_pair(event_loop: &LoopRef) -> (Async<TcpStream>, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (far, _) = listener.accept().unwrap();
    (event_loop.register(near).unwrap(), far)
}

fn a_stream_carries_bytes_both_ways(event_loop: &EventLoop) {
    run(event_loop, async |event_loop| {
        let listener = event_loop
            .register(TcpListener::bind("127.0.0.1:0").unwrap())
            .unwrap();
        let address = listener.get_ref().local_addr().unwrap();
        let server = event_loop.create_task(async move {
            let (peer, from) = sock_accept(&listener).await.unwrap();
            loop {
                let data = sock_recv(&peer, 4).await.unwrap();
                if data.is_empty() {
                    return from.as_socket().unwrap();
                }
                sock_sendall(&peer, &data.to_ascii_uppercase())
                    .await
                    .unwrap();
            }
        });
        let client = event_loop.socket(Domain::IPV4, Type::STREAM).unwrap();
        sock_connect(&client, address).await.unwrap();
        sock_sendall(&client, b"hello, world").await.unwrap();
        let mut answer = [0; 100];
        let mut got = 0;
        while got < 12 {
            got += sock_recv_into(&client, &mut answer[got..]).await.unwrap();
        }
        assert_eq!(&answer[..got], b"HELLO, WORLD");
        let own = client.get_ref().local_addr().unwrap().as_socket().unwrap();
        drop(client);
        assert_eq!(server.await.unwrap(), own);
    });
}

fn a_mebibyte_goes_through_a_small_buffer(event_loop: &EventLoop) {
    run(event_loop, async |event_loop| {
        let (near, far) = tcp_pair(&event_loop);
        let far = event_loop.register(far).unwrap();
        socket2::SockRef::from(near.get_ref())
            .set_send_buffer_size(4096)
            .unwrap();
        let data: Vec<u8> = (0..1 << 20)
            .map(|n: u32| (n * 7 + (n >> 8)) as u8)
            .collect();
        let sent = data.clone();
        let sender = event_loop.create_task(async move {
            sock_sendall(&near, &sent).await.unwrap();
        });
        let mut received = Vec::new();
        while received.len() < data.len() {
            let part = sock_recv(&far, 10_000).await.unwrap();
            assert!(!part.is_empty());
            received.extend(part);
        }
        sender.await.unwrap();
        assert!(received == data);
        assert!(sock_recv(&far, 1).await.unwrap().is_empty());
    });
}

fn a_failure_after_a_part_tells_how_much_was_sent(event_loop: &EventLoop) {
    run(event_loop, async |event_loop| {
        let (near, far) = unix_pair(&event_loop);
        let near = Rc::new(near);
        let sending = near.clone();
        let sender = event_loop
            .create_task(async move { sock_sendall(&sending, &[7; 1 << 22]).await.unwrap_err() });
        // It has filled the kernel's buffer and waits.
        let got = sock_recv(&far, 100).await.unwrap().len();
        yield_now().await;
        assert!(!sender.done());
        drop(far);
        let error = sender.await.unwrap();
        assert!(matches!(
            error.kind(),
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
        ));
        let partial = error
            .get_ref()
            .unwrap()
            .downcast_ref::<PartialWrite>()
            .unwrap();
        let got = got as u64;
        assert!((got..1 << 22).contains(&partial.sent), "{}", partial.sent);
        assert_eq!(partial.error.kind(), error.kind());
        assert!(
            error
                .to_string()
                .ends_with(&format!("after {} bytes", partial.sent))
        );
    });
}

fn a_peer_that_is_gone_is_an_error_and_no_signal(event_loop: &EventLoop) {
    run(event_loop, async |event_loop| {
        let (near, far) = unix_pair(&event_loop);
        drop(far);
        let error = sock_sendall(&near, b"x").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        assert!(
            error.get_ref().is_none(),
            "nothing was sent, so nothing is told of it"
        );
        assert_eq!(sock_recv(&near, 10).await.unwrap(), b"");
        // Nothing to send is sent, also there.
        sock_sendall(&near, b"").await.unwrap();
    });
}

fn a_reset_is_an_error_of_the_reader(event_loop: &EventLoop) {
    run(event_loop, async |event_loop| {
        let (near, far) = tcp_pair(&event_loop);
        let near = Rc::new(near);
        let reading = near.clone();
        let reader = event_loop.create_task(async move { sock_recv(&reading, 10).await });
        yield_now().await;
        // SO_LINGER of zero: closing sends RST.
        socket2::SockRef::from(&far)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
        drop(far);
        assert_eq!(
            reader.await.unwrap().unwrap_err().kind(),
            io::ErrorKind::ConnectionReset
        );
        assert_eq!(sock_recv(&near, 10).await.unwrap(), b"");
    });
}

fn a_receive_that_is_cancelled_loses_no_bytes_p6(event_loop: &EventLoop) {
    run(event_loop, async |event_loop| {
        let (near, far) = unix_pair(&event_loop);
        let near = Rc::new(near);
        for round in 0..20u8 {
            let reading = near.clone();
            let receive = event_loop.create_task(async move { sock_recv(&reading, 10).await });
            yield_now().await;
            (&mut far.get_ref()).write_all(&[round]).unwrap();
            receive.cancel();
            assert!(receive.await.unwrap_err().is_cancelled());
            assert_eq!(sock_recv(&near, 10).await.unwrap(), [round]);
        }
    });
}

/// A registration belongs to one future, and its end is not another's.
fn a_cancelled_operation_leaves_the_next_one_on_the_socket_alone_p6(event_loop: &EventLoop) {
    run(event_loop, async |event_loop| {
        let (near, far) = unix_pair(&event_loop);
        let near = Rc::new(near);
        let receive = |n| {
            let near = near.clone();
            event_loop.create_task(async move { sock_recv(&near, n).await.unwrap() })
        };
        let (first, second) = (receive(1), receive(1));
        yield_now().await;
        first.cancel();
        yield_now().await;
        assert!(first.done() && !second.done());
        sock_sendall(&far, b"x").await.unwrap();
        assert_eq!(second.await.unwrap(), b"x");
        // A writer on the same socket neither.
        let third = receive(1);
        yield_now().await;
        sock_sendall(&near, b"y").await.unwrap();
        sock_sendall(&far, b"z").await.unwrap();
        assert_eq!(third.await.unwrap(), b"z");
        assert_eq!(sock_recv(&far, 9).await.unwrap(), b"y");
    });
}

/// P5, P6: the number of the closed socket is the next one's, who is not confused.
fn a_socket_may_be_closed_right_after_a_cancellation_p5_p6(event_loop: &EventLoop) {
    run(event_loop, async |event_loop| {
        for _ in 0..50 {
            let (near, far) = unix_pair(&event_loop);
            {
                let mut receive = pin!(sock_recv(&near, 1));
                let mut cx = Context::from_waker(Waker::noop());
                assert!(receive.as_mut().poll(&mut cx).is_pending());
            }
            drop(near);
            drop(far);
            let (near, far) = unix_pair(&event_loop);
            sock_sendall(&far, b"new").await.unwrap();
            assert_eq!(sock_recv(&near, 9).await.unwrap(), b"new");
        }
        assert_eq!(event_loop.metrics().sources, 0);
    });
}

fn receiving_too_much_is_an_error_and_no_abort(event_loop: &EventLoop) {
    run(event_loop, async |event_loop| {
        let (near, far) = unix_pair(&event_loop);
        sock_sendall(&far, b"x").await.unwrap();
        for n in [usize::MAX, usize::MAX / 2 + 1] {
            assert_eq!(
                sock_recv(&near, n).await.unwrap_err().kind(),
                io::ErrorKind::OutOfMemory
            );
            assert_eq!(
                sock_recvfrom(&near, n).await.unwrap_err().kind(),
                io::ErrorKind::OutOfMemory
            );
        }
        assert_eq!(sock_recv(&near, 0).await.unwrap(), b"");
        let received = sock_recv(&near, 1 << 20).await.unwrap();
        assert!(received == b"x" && received.capacity() < 1 << 10);
    });
}

fn two_tasks_read_and_write_one_socket(event_loop: &EventLoop) {
    run(event_loop, async |event_loop| {
        let (near, far) = unix_pair(&event_loop);
        let (near, far) = (Rc::new(near), Rc::new(far));
        const LEN: usize = 1 << 19;
        let both = |sock: &Rc<Async<UnixStream>>| {
            let (writing, reading) = (sock.clone(), sock.clone());
            let write = event_loop.create_task(async move {
                sock_sendall(&writing, &vec![1; LEN]).await.unwrap();
            });
            let read = event_loop.create_task(async move {
                let mut got = 0;
                while got < LEN {
                    got += sock_recv(&reading, 4096).await.unwrap().len();
                }
            });
            [write, read]
        };
        for task in both(&near).into_iter().chain(both(&far)) {
            task.await.unwrap();
        }
    });
}

fn the_methods_of_the_loop_do_the_same(event_loop: &EventLoop) {
    run(event_loop, async |event_loop| {
        let (near, far) = unix_pair(&event_loop);
        event_loop.sock_sendall(&near, b"abc").await.unwrap();
        assert_eq!(event_loop.sock_recv(&far, 1).await.unwrap(), b"a");
        let mut byte = [0];
        assert_eq!(event_loop.sock_recv_into(&far, &mut byte).await.unwrap(), 1);
        assert_eq!(&byte, b"b");
        let (last, from) = event_loop.sock_recvfrom(&far, 1).await.unwrap();
        assert!(last == b"c" && from.is_none());

        let bind = || {
            event_loop
                .register(UdpSocket::bind("127.0.0.1:0").unwrap())
                .unwrap()
        };
        let (one, two) = (bind(), bind());
        let to = two.get_ref().local_addr().unwrap();
        event_loop.sock_connect(&one, to).await.unwrap();
        event_loop.sock_sendto(&one, b"d", to).await.unwrap();
        assert_eq!(
            event_loop
                .sock_recvfrom_into(&two, &mut byte)
                .await
                .unwrap()
                .0,
            1
        );
        assert_eq!(&byte, b"d");
    });
}

/// In real time. P3, P4: connections that are writable, half closed, or closed by their peer, and
/// that nobody reads, wake nobody.
fn an_idle_connection_costs_no_turns_p3_p4(event_loop: &EventLoop) {
    run(event_loop, async |event_loop| {
        let (open, _open_far) = tcp_pair(&event_loop);
        let (half, half_far) = tcp_pair(&event_loop);
        half_far.shutdown(std::net::Shutdown::Write).unwrap();
        let (closed, closed_far) = tcp_pair(&event_loop);
        drop(closed_far);
        let (reset, reset_far) = tcp_pair(&event_loop);
        socket2::SockRef::from(&reset_far)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
        drop(reset_far);
        let (unread, mut unread_far) = tcp_pair(&event_loop);
        unread_far.write_all(b"unread").unwrap();
        for sock in [&open, &half, &closed, &unread] {
            sock_sendall(sock, b"x").await.unwrap();
        }
        sleep(Duration::from_millis(5)).await;
        let before = event_loop.metrics();
        sleep(Duration::from_millis(30)).await;
        let after = event_loop.metrics();
        assert!(
            after.polls - before.polls < 12,
            "{} polls",
            after.polls - before.polls
        );
        drop(reset);
    });
}
