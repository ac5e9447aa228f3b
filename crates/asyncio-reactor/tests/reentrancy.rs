//! Everything may be called from everywhere, and a panic loses nothing.

mod scene;

use asyncio_reactor::{AsSource, Async, BorrowedSource, Reactor};
use asyncio_testkit::{Rng, for_each_seed};
use scene::{Counter, MakeSelector, turn};
use std::cell::{Cell, RefCell};
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

on_every_selector! {
    any_call_from_anywhere_is_fine_p2,
    a_sink_that_panics_loses_no_other_event_w11,
    a_waker_that_panics_loses_no_other_wake_up_w11,
    a_dispatch_within_a_dispatch_goes_on,
}

/// The world that handlers, destructors and wakers act on.
struct World {
    reactor: Reactor<Handler>,
    rng: RefCell<Rng>,
    awaited: RefCell<Vec<Rc<Async<UnixStream>>>>,
    numbers: RefCell<Vec<RawFd>>,
    far_ends: RefCell<Vec<UnixStream>>,
    /// What has been done so far, so that it ends.
    acts: Cell<u32>,
}

/// Acts when it is called, cloned and dropped.
struct Handler(Weak<World>);

impl Clone for Handler {
    fn clone(&self) -> Self {
        act(&self.0);
        Self(self.0.clone())
    }
}

impl Drop for Handler {
    fn drop(&mut self) {
        act(&self.0);
    }
}

/// Acts when it is dropped.
struct Source(UnixStream, Weak<World>);

impl AsFd for Source {
    fn as_fd(&self) -> BorrowedSource<'_> {
        self.0.as_source()
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        act(&self.1);
    }
}

/// Does one random thing, from wherever it is called.
fn act(world: &Weak<World>) {
    let Some(world) = world.upgrade() else {
        return;
    };
    if world.acts.replace(world.acts.get() + 1) > 60 {
        return;
    }
    let reactor = &world.reactor;
    let choice = world.rng.borrow_mut().below(10);
    let pick = |len: usize| world.rng.borrow_mut().index(len.max(1));
    let number = {
        let numbers = world.numbers.borrow();
        numbers.get(pick(numbers.len())).copied().unwrap_or(-1)
    };
    let awaited = {
        let awaited = world.awaited.borrow();
        awaited.get(pick(awaited.len())).cloned()
    };
    match choice {
        0 => {
            let (mut far, near) = UnixStream::pair().unwrap();
            far.write_all(b"x").unwrap();
            world.numbers.borrow_mut().push(near.as_raw_fd());
            world.far_ends.borrow_mut().push(far);
            let weak = Rc::downgrade(&world);
            let replaced = reactor.set_reader(Source(near, weak.clone()), Handler(weak));
            drop(replaced.unwrap());
        }
        1 => drop(reactor.remove_reader(number)),
        2 => drop(reactor.remove_writer(number)),
        3 => {
            let (far, near) = UnixStream::pair().unwrap();
            world.far_ends.borrow_mut().push(far);
            let awaited = Rc::new(Async::new(reactor, near).unwrap());
            world.awaited.borrow_mut().push(awaited);
        }
        4 => {
            let waker = Waker::from(Arc::new(Acting));
            let cx = &mut Context::from_waker(&waker);
            if let Some(awaited) = &awaited {
                let _ = awaited.poll_readable(cx);
                let _ = awaited.poll_writable(cx);
            }
        }
        5 => {
            let taken = world.awaited.borrow_mut().pop();
            drop(taken);
        }
        6 => {
            let far = world.far_ends.borrow_mut().pop();
            drop(far);
        }
        7 => reactor.dispatch(drop),
        8 => drop(reactor.wait(Some(Duration::ZERO)).unwrap()),
        _ => {
            reactor.notifier().notify();
            let _ = (reactor.sources(), format!("{reactor:?}"));
        }
    }
}

thread_local! {
    /// The world of this thread, for wakers, which may hold nothing of it themselves.
    static WORLD: RefCell<Weak<World>> = const { RefCell::new(Weak::new()) };
}

fn act_here() {
    let world = WORLD.with_borrow(Clone::clone);
    act(&world);
}

/// Acts when it is woken and dropped.
struct Acting;

impl Wake for Acting {
    fn wake(self: Arc<Self>) {
        act_here();
    }
}

impl Drop for Acting {
    fn drop(&mut self) {
        act_here();
    }
}

fn any_call_from_anywhere_is_fine_p2(make: MakeSelector) {
    for_each_seed(300, |rng| {
        let world = Rc::new(World {
            reactor: Reactor::with_selector(make()),
            rng: RefCell::new(Rng::new(rng.next_u64())),
            awaited: RefCell::default(),
            numbers: RefCell::default(),
            far_ends: RefCell::default(),
            acts: Cell::new(0),
        });
        let weak = Rc::downgrade(&world);
        WORLD.set(weak.clone());
        for _ in 0..10 {
            act(&weak);
            world.reactor.wait(Some(Duration::ZERO)).unwrap();
            world.reactor.dispatch(|_| act(&weak));
        }
        drop(world);
    });
}

fn a_sink_that_panics_loses_no_other_event_w11(make: MakeSelector) {
    let reactor: Reactor<u32> = Reactor::with_selector(make());
    let mut far_ends = Vec::new();
    for handler in 0..5 {
        let (mut far, near) = UnixStream::pair().unwrap();
        far.write_all(b"x").unwrap();
        far_ends.push(far);
        reactor.set_reader(near, handler).unwrap();
    }
    assert_eq!(reactor.wait(None).unwrap().events, 5);
    let mut called = Vec::new();
    while called.len() < 5 {
        let dispatched = catch_unwind(AssertUnwindSafe(|| {
            reactor.dispatch(|handler| {
                called.push(handler);
                panic!("in a sink, on purpose");
            });
        }));
        assert!(dispatched.is_err());
    }
    called.sort_unstable();
    assert_eq!(called, [0, 1, 2, 3, 4]);
    assert_eq!(turn(&reactor).len(), 5, "and the reactor goes on");
}

struct Panicking;

impl Wake for Panicking {
    fn wake(self: Arc<Self>) {
        panic!("in a waker, on purpose");
    }
}

fn a_waker_that_panics_loses_no_other_wake_up_w11(make: MakeSelector) {
    let reactor: Reactor<()> = Reactor::with_selector(make());
    let (mut far, near) = UnixStream::pair().unwrap();
    let near = Async::new(&reactor, near).unwrap();
    let (woken, counting) = Counter::new();
    let panicking = Waker::from(Arc::new(Panicking));
    let mut futures: Vec<_> = (0..4).map(|_| Box::pin(near.readable())).collect();
    for (future, waker) in futures
        .iter_mut()
        .zip([&counting, &panicking, &counting, &counting])
    {
        assert!(
            future
                .as_mut()
                .poll(&mut Context::from_waker(waker))
                .is_pending()
        );
    }
    far.write_all(b"x").unwrap();
    reactor.wait(None).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| reactor.dispatch(drop))).is_err());
    // A wait does not sleep over what is left.
    reactor.wait(None).unwrap();
    reactor.dispatch(drop);
    assert_eq!(woken.count(), 3);
}

fn a_dispatch_within_a_dispatch_goes_on(make: MakeSelector) {
    let reactor: Reactor<u32> = Reactor::with_selector(make());
    let mut far_ends = Vec::new();
    for handler in 0..4 {
        let (mut far, near) = UnixStream::pair().unwrap();
        far.write_all(b"x").unwrap();
        far_ends.push(far);
        reactor.set_reader(near, handler).unwrap();
    }
    reactor.wait(None).unwrap();
    let called = RefCell::new(Vec::new());
    reactor.dispatch(|outer| {
        called.borrow_mut().push(outer);
        reactor.dispatch(|inner| called.borrow_mut().push(inner));
    });
    called.borrow_mut().sort_unstable();
    assert_eq!(*called.borrow(), [0, 1, 2, 3]);
}
