//! Closing a loop whose users' destructors panic: everything is dropped, and each panic reported.

mod scene;

use std::cell::Cell;
use std::io::ErrorKind::WouldBlock;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use asyncio_loop::{EventLoop, sleep, to_thread};
use scene::{Log, NoteDrop, note_errors, simulated};

const LATER: Duration = Duration::from_secs(99);

struct Panics;

impl Drop for Panics {
    fn drop(&mut self) {
        // Also inside another panic: then two of them abort the process.
        panic!("in a destructor");
    }
}

fn watch(event_loop: &EventLoop, callback: impl FnMut() + 'static) -> UnixStream {
    let (watched, other) = UnixStream::pair().unwrap();
    event_loop.add_reader(watched, callback).unwrap();
    other
}

#[test]
fn a_panic_in_a_destructor_while_closing_is_reported() {
    let (event_loop, _clock) = simulated();
    let errors = note_errors(&event_loop);
    let panics = Panics;
    event_loop
        .create_task(async move {
            let _panics = panics;
            std::future::pending::<()>().await;
        })
        .detach();
    event_loop.run_once(Some(Duration::ZERO)).unwrap();
    let panics = Panics;
    event_loop.call_soon(move || drop(panics));
    event_loop.close();
    let errors = errors.take();
    assert!(
        errors.len() == 2 && errors.iter().all(|error| error.contains("in a destructor")),
        "{errors:?}"
    );
}

#[test]
fn destructors_that_panic_keep_nothing_else_from_being_dropped() {
    let (event_loop, _clock) = simulated();
    let errors = note_errors(&event_loop);
    let log = Log::new();
    let mut connections = Vec::new();
    for _ in 0..2 {
        let panics = Panics;
        event_loop.call_later(LATER, move || drop(panics));
        let dropped = NoteDrop(log.clone(), "timer");
        event_loop.call_later(LATER, move || drop(dropped));
        let panics = Panics;
        connections.push(watch(&event_loop, move || _ = &panics));
        let dropped = NoteDrop(log.clone(), "reader");
        connections.push(watch(&event_loop, move || _ = &dropped));
    }
    event_loop.close();
    let errors = errors.take();
    assert!(
        errors.len() == 4 && errors.iter().all(|error| error.contains("in a destructor")),
        "{errors:?}"
    );
    let mut dropped = log.take();
    dropped.sort();
    assert_eq!(dropped, ["reader", "reader", "timer", "timer"]);
    let left = event_loop.metrics();
    assert_eq!((left.timers, left.sources, left.tasks), (0, 0, 0));
}

/// Closing a descriptor of the user's is foreign code as well.
#[test]
fn sources_that_panic_keep_nothing_else_from_being_dropped_w11() {
    struct Source(UnixStream, Panics);
    impl AsFd for Source {
        fn as_fd(&self) -> BorrowedFd<'_> {
            let Self(stream, Panics) = self;
            stream.as_fd()
        }
    }
    let (event_loop, _clock) = simulated();
    let errors = note_errors(&event_loop);
    let log = Log::new();
    let mut connections = Vec::new();
    for _ in 0..3 {
        let (watched, mut other) = UnixStream::pair().unwrap();
        other.set_nonblocking(true).unwrap();
        assert_eq!(other.read(&mut [0]).unwrap_err().kind(), WouldBlock);
        let dropped = NoteDrop(log.clone(), "reader");
        let source = Source(watched, Panics);
        event_loop.add_reader(source, move || _ = &dropped).unwrap();
        connections.push(other);
    }
    event_loop.close();
    assert_eq!(errors.take().len(), 3);
    log.expect(&["reader", "reader", "reader"]);
    assert_eq!(event_loop.metrics().sources, 0);
    for mut other in connections {
        assert_eq!(other.read(&mut [0]).unwrap(), 0, "the end: it was closed");
    }
}

#[test]
fn the_handler_of_a_closing_loop_is_dropped_also_when_it_panics() {
    let (event_loop, _clock) = simulated();
    let log = Log::new();
    let dropped = NoteDrop(log.clone(), "handler");
    let reference = event_loop.reference();
    let told = Rc::new(Cell::new(0));
    let count = Rc::clone(&told);
    event_loop.set_exception_handler(Some(Rc::new(move |_| {
        let _keeps = (&dropped, &reference);
        count.set(count.get() + 1);
        panic!("in the handler");
    })));
    for _ in 0..2 {
        let panics = Panics;
        event_loop.call_later(LATER, move || drop(panics));
    }
    drop(event_loop);
    assert_eq!(told.get(), 2);
    log.expect(&["handler"]);
}

#[test]
fn wakers_whose_destructors_panic_are_dropped_each_by_itself() {
    struct Foreign(Panics);
    impl Wake for Foreign {
        fn wake(self: Arc<Self>) {}
    }
    let (event_loop, _clock) = simulated();
    let errors = note_errors(&event_loop);
    let sleeps = event_loop.run_until_complete(async {
        [(); 2].map(|()| {
            let mut sleep = Box::pin(sleep(LATER));
            let waker = Waker::from(Arc::new(Foreign(Panics)));
            let polled = sleep.as_mut().poll(&mut Context::from_waker(&waker));
            assert!(polled.is_pending());
            sleep
        })
    });
    event_loop.close();
    assert_eq!(errors.take().len(), 2);
    drop(sleeps);
}

#[test]
fn a_loop_that_has_threads_closes_beside_destructors_that_panic() {
    let event_loop = scene::real();
    let errors = note_errors(&event_loop);
    let panics = Panics;
    event_loop.call_later(LATER, move || drop(panics));
    let one = event_loop.run_until_complete(to_thread(|| 1)).unwrap();
    assert_eq!(one.ok(), Some(1));
    event_loop.close();
    assert_eq!(errors.take().len(), 1);
    let refused = event_loop.run_in_executor(None, || ());
    assert!(refused.is_err());
}
