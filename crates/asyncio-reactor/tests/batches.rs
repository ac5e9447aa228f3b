//! Many events at once: stale ones, reused numbers, more than one batch holds.

mod scene;

use asyncio_reactor::{Async, BorrowedSource, Events, Reactor};
use asyncio_testkit::{Child, for_each_seed};
use rustix::process::{Resource, getrlimit};
use scene::{Counter, MakeSelector, is_poll, turn};
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::io::{PipeReader, Read, Write, pipe};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::task::Context;
use std::time::Duration;

on_every_selector! {
    closing_in_callbacks_never_misleads_an_event_p1,
    a_number_reused_within_a_batch_has_its_own_events_p5,
    twenty_thousand_ready_are_each_served_once_a_round_p11,
    a_batch_that_is_not_dispatched_is_kept,
}

/// In each callback of a batch, random other sources are closed and opened, so that numbers and
/// slots are reused while events for their former owners are still to come.
fn closing_in_callbacks_never_misleads_an_event_p1(make: MakeSelector) {
    for_each_seed(1000, |rng| {
        let reactor: Reactor<u64> = Reactor::with_selector(make());
        // By handler: the number it is set for, and whether there is something to read.
        let mut live: HashMap<u64, (RawFd, bool)> = HashMap::new();
        let mut far_ends: Vec<UnixStream> = Vec::new();
        let mut next = 0;
        let mut open = |live: &mut HashMap<u64, (RawFd, bool)>, readable: bool| {
            let (mut far, near) = UnixStream::pair().unwrap();
            if readable {
                far.write_all(b"x").unwrap();
            }
            next += 1;
            live.insert(next, (near.as_raw_fd(), readable));
            reactor.set_reader(near, next).unwrap();
            far_ends.push(far);
        };
        for _ in 0..8 {
            open(&mut live, true);
        }
        reactor.wait(None).unwrap();
        let before: HashSet<u64> = live.keys().copied().collect();
        let mut called = HashSet::new();
        reactor.dispatch(|handler| {
            assert!(
                before.contains(&handler),
                "it was not there when the events were found"
            );
            assert!(live.contains_key(&handler), "it was removed");
            assert!(called.insert(handler), "one event a source");
            for _ in 0..rng.below(4) {
                if rng.one_in(2)
                    && let Some(&victim) = live.keys().nth(rng.index(live.len().max(1)))
                {
                    let (number, _) = live.remove(&victim).unwrap();
                    assert_eq!(reactor.remove_reader(number), Some(victim));
                } else {
                    open(&mut live, rng.one_in(2));
                }
            }
        });
        for handler in before {
            assert!(
                called.contains(&handler) || !live.contains_key(&handler),
                "it was lost"
            );
        }
        // And the next turn calls exactly those that are there and have something to read.
        let mut expected: Vec<u64> = live
            .iter()
            .filter(|(_, (_, readable))| *readable)
            .map(|(&handler, _)| handler)
            .collect();
        let mut found = turn(&reactor);
        expected.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, expected);
    });
}

/// The event was found for the old owner of a number; the new one does not get it.
fn a_number_reused_within_a_batch_has_its_own_events_p5(make: MakeSelector) {
    let reactor: Reactor<&str> = Reactor::with_selector(make());
    let (near, mut far) = pipe().unwrap();
    let (new, mut new_far) = pipe().unwrap();
    let number = near.as_raw_fd();
    far.write_all(b"x").unwrap();
    reactor.set_reader(near, "old").unwrap();
    reactor.wait(None).unwrap();
    reactor.remove_reader(number);
    let new = new.try_clone().unwrap();
    assert_eq!(
        new.as_raw_fd(),
        number,
        "the kernel gives the lowest free number"
    );
    let new = Async::new(&reactor, new).unwrap();
    let (woken, waker) = Counter::new();
    assert!(
        new.poll_readable(&mut Context::from_waker(&waker))
            .is_pending()
    );
    reactor.dispatch(|handler| panic!("{handler}"));
    assert_eq!(woken.count(), 0);
    new_far.write_all(b"y").unwrap();
    assert!(turn(&reactor).is_empty());
    assert_eq!(woken.count(), 1);
}

fn twenty_thousand_ready_are_each_served_once_a_round_p11(make: MakeSelector) {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let count = limit.saturating_sub(100).min(20_000) as usize;
    let reactor: Reactor<usize> = Reactor::with_selector(make());
    let (reader, mut writer) = pipe().unwrap();
    let readers: Vec<PipeReader> = (0..count).map(|_| reader.try_clone().unwrap()).collect();
    for (handler, reader) in readers.into_iter().enumerate() {
        reactor.set_reader(reader, handler).unwrap();
    }
    writer.write_all(b"x").unwrap();

    // The last batch of a round already begins the next one.
    let mut called = vec![0; count];
    for wait in 1..=2 * count.div_ceil(Events::CAPACITY) {
        let waited = reactor.wait(Some(Duration::from_secs(10))).unwrap();
        assert_eq!(waited.events, Events::CAPACITY.min(count));
        reactor.dispatch(|handler| called[handler] += 1);
        let (least, most) = (called.iter().min().unwrap(), called.iter().max().unwrap());
        assert!(
            most - least <= 1,
            "somebody was served before his turn, in wait {wait}"
        );
    }
    assert!(called.iter().all(|&times| times >= 2));
}

fn a_batch_that_is_not_dispatched_is_kept(make: MakeSelector) {
    let reactor: Reactor<char> = Reactor::with_selector(make());
    let (mut far, near) = UnixStream::pair().unwrap();
    far.write_all(b"x").unwrap();
    reactor.set_reader(near, 'r').unwrap();
    // Waiting again and again does not pile events up, and does not sleep.
    for _ in 0..5 {
        assert_eq!(reactor.wait(None).unwrap().events, 1);
    }
    let called = Cell::new(0);
    reactor.dispatch(|_| called.set(called.get() + 1));
    assert_eq!(called.get(), 1);
}

/// Reads through whatever is open as standard input at the moment.
struct Stdin;

impl AsFd for Stdin {
    fn as_fd(&self) -> BorrowedSource<'_> {
        rustix::stdio::stdin()
    }
}

/// A child, because it exchanges its standard input: the only number that safe code can close and
/// open again behind somebody's back.
fn exchange_stdin(test: &str, make: MakeSelector, keep_open: bool) {
    let child = Child::new(test);
    let outcome = child.run(|| {
        let reactor: Reactor<&str> = Reactor::with_selector(make());
        let (old, mut old_writer) = pipe().unwrap();
        rustix::stdio::dup2_stdin(&old).unwrap();
        let _old = keep_open.then_some(old);
        reactor.set_reader(Stdin, "old").unwrap();
        old_writer.write_all(b"x").unwrap_or_default();
        assert_eq!(turn(&reactor), ["old"]);
        reactor.set_writer(Stdin, "old writer").unwrap();

        let (new, mut new_writer) = pipe().unwrap();
        rustix::stdio::dup2_stdin(&new).unwrap();
        drop(new);
        // The kernel says that it does not know the number any more: it begins anew.
        assert_eq!(reactor.set_reader(Stdin, "new").unwrap(), Some("old"));
        assert_eq!(reactor.sources(), 1);
        let found = turn(&reactor);
        if is_poll(&reactor) {
            // `poll(2)` knows numbers only, and takes the new one for the old.
            assert!(!found.contains(&"old"));
        } else {
            assert!(found.is_empty(), "{found:?}");
        }
        new_writer.write_all(b"y").unwrap();
        assert!(turn(&reactor).contains(&"new"));
        (&mut &std::io::stdin())
            .read_exact(&mut [0])
            .unwrap_or_default();

        // Removing what was exchanged once more is no error.
        rustix::stdio::dup2_stdin(pipe().unwrap().0).unwrap();
        assert_eq!(reactor.remove_reader(0), Some("new"));
        reactor.remove_writer(0);
        assert_eq!(reactor.sources(), 0);
    });
    if let Some(outcome) = outcome {
        outcome.assert_success();
    }
}

#[test]
fn a_number_reused_behind_our_back_begins_anew_p5() {
    exchange_stdin(
        "a_number_reused_behind_our_back_begins_anew_p5",
        || Box::new(asyncio_reactor::DefaultSelector::new().unwrap()),
        false,
    );
}

#[test]
fn a_number_reused_while_a_duplicate_lives_begins_anew_p5() {
    exchange_stdin(
        "a_number_reused_while_a_duplicate_lives_begins_anew_p5",
        || Box::new(asyncio_reactor::DefaultSelector::new().unwrap()),
        true,
    );
}

#[test]
fn a_number_reused_behind_our_back_goes_on_with_poll_p5() {
    exchange_stdin(
        "a_number_reused_behind_our_back_goes_on_with_poll_p5",
        || Box::new(asyncio_reactor::PollSelector::new().unwrap()),
        false,
    );
}

/// The owner of a number that has gone to another does not deregister the other.
#[test]
fn a_stale_owner_does_not_deregister_the_new_one_p5() {
    let test = "a_stale_owner_does_not_deregister_the_new_one_p5";
    let outcome = Child::new(test).run(|| {
        // `poll(2)` cannot tell: there the second owner is refused.
        let selector = asyncio_reactor::DefaultSelector::new().unwrap();
        let reactor: Reactor<()> = Reactor::with_selector(Box::new(selector));
        let (old, _old_writer) = pipe().unwrap();
        rustix::stdio::dup2_stdin(old).unwrap();
        let stale = Async::new(&reactor, Stdin).unwrap();
        let (new, mut new_writer) = pipe().unwrap();
        rustix::stdio::dup2_stdin(new).unwrap();
        let current = Async::new(&reactor, Stdin).unwrap();
        drop(stale);
        let (woken, waker) = Counter::new();
        assert!(
            current
                .poll_readable(&mut Context::from_waker(&waker))
                .is_pending()
        );
        new_writer.write_all(b"x").unwrap();
        turn(&reactor);
        assert_eq!(woken.count(), 1);
    });
    if let Some(outcome) = outcome {
        outcome.assert_success();
    }
}

/// What a handler removes is dropped at once, not when the batch is over.
#[test]
fn a_source_removed_by_a_handler_is_closed_at_once() {
    let reactor: Reactor<RawFd> = Reactor::new().unwrap();
    let sources: Rc<RefCell<Vec<RawFd>>> = Rc::default();
    let (reader, mut writer) = pipe().unwrap();
    for _ in 0..10 {
        let reader = reader.try_clone().unwrap();
        let number = reader.as_raw_fd();
        sources.borrow_mut().push(number);
        reactor.set_reader(reader, number).unwrap();
    }
    writer.write_all(b"x").unwrap();
    reactor.wait(None).unwrap();
    reactor.dispatch(|first| {
        for number in sources.borrow().iter().filter(|&&number| number != first) {
            reactor.remove_reader(*number);
        }
        assert_eq!(reactor.sources(), 1);
    });
}
