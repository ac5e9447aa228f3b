//! What transports are built on: handlers that run as entries of the ready queue, and the buffer
//! that they share.

mod scene;

use std::cell::{Cell, RefCell};
use std::io::{ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::rc::Rc;

use asyncio_executor::{Dispatch, yield_now};
use asyncio_loop::{Driven, EventLoop, get_running_loop};
use asyncio_reactor::Interest;

/// A handler that notes its runs, and holds what drives it.
#[derive(Default)]
struct Driver {
    runs: Cell<usize>,
    discarded: Cell<bool>,
    driven: RefCell<Option<Driven<UnixStream>>>,
}

impl Dispatch for Driver {
    fn run(self: Rc<Self>) {
        self.runs.set(self.runs.get() + 1);
        let _ = self.driven.borrow().as_ref().map(Driven::begin);
    }

    fn discard(&self) {
        self.discarded.set(true);
        drop(self.driven.take());
    }
}

fn driver(event_loop: &EventLoop) -> (Rc<Driver>, UnixStream) {
    let (far, near) = UnixStream::pair().unwrap();
    let driver = Rc::new(Driver::default());
    let driven = event_loop.drive(near, Rc::clone(&driver)).unwrap();
    driven.want(Interest::READABLE).unwrap();
    driver.driven.replace(Some(driven));
    (driver, far)
}

#[test]
fn a_handler_runs_in_the_order_of_the_ready_queue() {
    let event_loop = scene::real();
    let (driver, _far) = driver(&event_loop);
    let order = Rc::new(RefCell::new(Vec::new()));
    let note = |what: &'static str| {
        let (order, driver) = (Rc::clone(&order), Rc::clone(&driver));
        move || order.borrow_mut().push((what, driver.runs.get()))
    };
    event_loop.call_soon(note("before"));
    let scheduled = driver.driven.borrow().as_ref().map(Driven::schedule);
    assert_eq!(scheduled, Some(true));
    let again = driver.driven.borrow().as_ref().map(Driven::schedule);
    assert_eq!(again, Some(false), "it is going to run");
    event_loop.call_soon(note("after"));
    event_loop.run_until_complete(yield_now()).unwrap();
    assert_eq!(*order.borrow(), [("before", 0), ("after", 1)]);
}

#[test]
fn a_handler_runs_when_what_it_wants_has_happened() {
    let event_loop = scene::real();
    let (driver, mut far) = driver(&event_loop);
    far.write_all(b"x").unwrap();
    event_loop
        .run_until_complete(async {
            while driver.runs.get() == 0 {
                yield_now().await;
            }
        })
        .unwrap();
    assert_eq!(driver.runs.get(), 1);
}

#[test]
fn a_panic_of_a_handler_is_reported_and_it_runs_again() {
    struct Panics(Cell<usize>);
    impl Dispatch for Panics {
        fn run(self: Rc<Self>) {
            self.0.set(self.0.get() + 1);
            panic!("of the handler");
        }
    }
    let event_loop = scene::real();
    let errors = scene::note_errors(&event_loop);
    let (_far, near) = UnixStream::pair().unwrap();
    let handler = Rc::new(Panics(Cell::new(0)));
    let driven = event_loop.drive(near, Rc::clone(&handler)).unwrap();
    for _ in 0..2 {
        driven.schedule();
        event_loop.run_until_complete(yield_now()).unwrap();
        let _ = driven.begin();
    }
    assert_eq!(handler.0.get(), 2);
    assert_eq!(errors.take().len(), 2);
}

#[test]
fn closing_the_loop_discards_handlers_and_closes_their_sources() {
    asyncio_testkit::guarded(|| {
        let event_loop = scene::real();
        let (idle, mut far) = driver(&event_loop);
        let (ready, _other) = driver(&event_loop);
        // One of them has an entry in the queue, which is dropped unrun.
        ready.driven.borrow().as_ref().map(Driven::schedule);
        drop(event_loop);
        assert!(idle.discarded.get() && ready.discarded.get());
        assert_eq!((idle.runs.get(), ready.runs.get()), (0, 0));
        assert_eq!(Rc::strong_count(&idle) + Rc::strong_count(&ready), 2);
        assert_eq!(far.write(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn a_closed_loop_drives_nothing() {
    let event_loop = scene::real();
    let reference = event_loop.reference();
    drop(event_loop);
    let (_far, near) = UnixStream::pair().unwrap();
    let refused = reference.drive(near, Rc::new(Driver::default()));
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::NotConnected);
}

#[test]
fn the_read_buffer_is_one_for_all_and_two_for_who_asks_inside() {
    let event_loop = scene::real();
    event_loop
        .run_until_complete(async {
            let event_loop = get_running_loop();
            let place = event_loop.with_read_buffer(|buffer| {
                assert_eq!(buffer.len(), 256 * 1024);
                let inner = event_loop.with_read_buffer(|inner| inner.as_ptr());
                assert_ne!(inner, buffer.as_ptr());
                buffer.as_ptr()
            });
            assert_eq!(event_loop.with_read_buffer(|buffer| buffer.as_ptr()), place);
        })
        .unwrap();
}
