//! What waits for something of another loop of the thread (H7) is refused, since nobody runs that one
//! meanwhile: asyncio's "attached to a different loop".

use std::future::{Future, poll_fn};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use asyncio_loop::{EventLoop, sleep, sock_recv, sock_sendall};

/// What the run of `main` panics with.
#[track_caller]
fn refusal(event_loop: &EventLoop, main: impl Future) -> String {
    let run = AssertUnwindSafe(|| event_loop.run_until_complete(async { drop(main.await) }));
    let payload = catch_unwind(run).expect_err("the wait is refused, not begun");
    payload.downcast_ref::<String>().unwrap().clone()
}

#[test]
fn waiting_for_a_socket_of_another_loop_is_refused_h7() {
    let (home, away) = (EventLoop::new().unwrap(), EventLoop::new().unwrap());
    let (near, far) = UnixStream::pair().unwrap();
    let (near, far) = (home.register(near).unwrap(), home.register(far).unwrap());
    let said = refusal(&away, sock_recv(&near, 9));
    assert!(
        said.contains("a socket belongs to another event loop"),
        "{said}"
    );
    let said = refusal(&away, near.readable());
    assert!(said.contains("another event loop"), "{said}");
    // What need not wait may be done anywhere, and the socket is none the worse for it.
    away.run_until_complete(sock_sendall(&far, b"x"))
        .unwrap()
        .unwrap();
    let data = home.run_until_complete(sock_recv(&near, 9)).unwrap();
    assert_eq!(data.unwrap(), b"x");
}

/// A driver that is none of ours may wait for the loop's sockets, outside its runs.
#[test]
fn outside_every_run_a_socket_may_be_waited_for() {
    let home = EventLoop::new().unwrap();
    let near = home.register(UnixStream::pair().unwrap().0).unwrap();
    let mut cx = Context::from_waker(Waker::noop());
    // Its peer is gone.
    let _ = pin!(near.readable()).poll(&mut cx);
}

#[test]
fn a_sleep_that_moves_to_another_loop_is_refused_h7() {
    let (home, away) = (EventLoop::new().unwrap(), EventLoop::new().unwrap());
    let mut nap: Pin<Box<_>> = Box::pin(sleep(Duration::from_secs(3600)));
    home.run_until_complete(async {
        let polled = poll_fn(|cx| Poll::Ready(nap.as_mut().poll(cx))).await;
        assert!(polled.is_pending());
    })
    .unwrap();
    let said = refusal(&away, nap);
    assert!(
        said.contains("a timer belongs to another event loop"),
        "{said}"
    );
}
