//! Wakers that are not ours, and that panic.

#![cfg(unix)]

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use asyncio_loop::{EventLoop, get_running_loop, sleep_until};

struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("a waker");
    }
}

/// The loop goes on, the panic is reported, and the source that was found after it is served.
#[test]
fn a_waker_that_panics_under_a_socket_costs_nobody_else_anything_w11() {
    let event_loop = EventLoop::new().unwrap();
    let reports = Rc::new(Cell::new(0));
    let count = Rc::clone(&reports);
    event_loop.set_exception_handler(Some(Rc::new(move |_| count.set(count.get() + 1))));
    let (near, mut far) = UnixStream::pair().unwrap();
    let (other_near, mut other_far) = UnixStream::pair().unwrap();
    event_loop
        .run_until_complete(async {
            let event_loop = get_running_loop();
            let (near, other) = (
                event_loop.register(near).unwrap(),
                event_loop.register(other_near).unwrap(),
            );
            let waker = Waker::from(Arc::new(Panics));
            let mut ready = pin!(near.readable());
            poll_fn(|_| {
                assert!(
                    ready
                        .as_mut()
                        .poll(&mut Context::from_waker(&waker))
                        .is_pending()
                );
                Poll::Ready(())
            })
            .await;
            far.write_all(b"x").unwrap();
            other_far.write_all(b"x").unwrap();
            other.readable().await.unwrap();
        })
        .unwrap();
    assert_eq!(reports.get(), 1);
}

/// They expire in one turn, and share an entry of the ready queue.
#[test]
fn wakers_of_sleeps_that_panic_are_each_reported_and_cost_nobody_else_anything_w11() {
    let event_loop = EventLoop::new().unwrap();
    let reports = Rc::new(Cell::new(0));
    let count = Rc::clone(&reports);
    event_loop.set_exception_handler(Some(Rc::new(move |_| count.set(count.get() + 1))));
    event_loop
        .run_until_complete(async {
            let deadline = get_running_loop().time() + Duration::from_millis(1);
            let mut foreign = [(); 2].map(|()| Box::pin(sleep_until(deadline)));
            let waker = Waker::from(Arc::new(Panics));
            for sleep in &mut foreign {
                let polled = sleep.as_mut().poll(&mut Context::from_waker(&waker));
                assert!(polled.is_pending());
            }
            sleep_until(deadline).await;
        })
        .unwrap();
    assert_eq!(reports.get(), 2);
}
