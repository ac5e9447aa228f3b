//! What is known about one source's readiness, and who waits for it.

use crate::interest::{Direction, Interest};
use slab::Slab;
use std::task::Waker;

/// Both directions of a source.
#[derive(Debug, Default)]
pub(crate) struct Readiness {
    sides: [Side; 2],
    /// What a oneshot registration is armed for. Unused with edges.
    pub(crate) armed: Interest,
}

#[derive(Debug, Default)]
struct Side {
    state: State,
    /// The last event said that no further one announces the end of what can be read.
    closed: bool,
    /// The last waker of the `poll_` method: one a direction.
    poller: Option<Waker>,
    /// The last waker of each waiting future; `None` after it was woken.
    futures: Slab<Option<Waker>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Nothing was reported and nothing tried yet.
    #[default]
    Unknown,
    /// Reported, and not used up since.
    Ready,
    /// An operation would have blocked, or came back short: the next event tells.
    NotReady,
}

/// Who waits: the one `poll_` method of a direction, or a future with a place of its own.
#[derive(Debug)]
pub(crate) enum Waiter<'a> {
    Poller,
    /// Where the future keeps the number of its place, once it has one.
    Future(&'a mut Option<usize>),
}

impl Readiness {
    /// Takes an event in, and hands out the wakers of all who waited for it.
    pub(crate) fn report(&mut self, event: &crate::Event, wakers: &mut impl Extend<Waker>) {
        if event.readable {
            self.sides[0].closed = event.read_closed;
            self.sides[0].report(wakers);
        }
        if event.writable {
            self.sides[1].report(wakers);
        }
    }

    /// Hands out the wakers of all who wait, without an event.
    pub(crate) fn release(&mut self, wakers: &mut impl Extend<Waker>) {
        self.sides[0].release(wakers);
        self.sides[1].release(wakers);
    }

    pub(crate) fn is_ready(&self, direction: Direction) -> bool {
        self.side(direction).state == State::Ready
    }

    /// Whether trying would be in vain: it blocked the last time and nothing was reported since.
    pub(crate) fn is_exhausted(&self, direction: Direction) -> bool {
        self.side(direction).state == State::NotReady
    }

    /// An operation would have blocked.
    pub(crate) fn would_block(&mut self, direction: Direction) {
        let side = self.side_mut(direction);
        side.state = State::NotReady;
        side.closed = false;
    }

    /// An operation came back short.
    pub(crate) fn came_short(&mut self, direction: Direction) {
        let side = self.side_mut(direction);
        if !side.closed {
            side.state = State::NotReady;
        }
    }

    /// The directions that somebody waits for.
    pub(crate) fn awaited(&self) -> Interest {
        Interest {
            readable: self.sides[0].awaited(),
            writable: self.sides[1].awaited(),
        }
    }

    /// Whether `waiter` would be woken by `waker` already.
    pub(crate) fn will_wake(
        &self,
        direction: Direction,
        waiter: &Waiter<'_>,
        waker: &Waker,
    ) -> bool {
        let side = self.side(direction);
        let stored = match waiter {
            Waiter::Poller => side.poller.as_ref(),
            Waiter::Future(place) => place
                .and_then(|place| side.futures.get(place))
                .and_then(Option::as_ref),
        };
        stored.is_some_and(|stored| stored.will_wake(waker))
    }

    /// Keeps the waiter's last waker, and gives the one before it back, to be dropped elsewhere.
    pub(crate) fn store(
        &mut self,
        direction: Direction,
        waiter: &mut Waiter<'_>,
        waker: Waker,
    ) -> Option<Waker> {
        let side = self.side_mut(direction);
        match waiter {
            Waiter::Poller => side.poller.replace(waker),
            Waiter::Future(Some(place)) => side.futures.get_mut(*place)?.replace(waker),
            Waiter::Future(place) => {
                **place = Some(side.futures.insert(Some(waker)));
                None
            }
        }
    }

    /// A future gives its place up.
    pub(crate) fn leave(&mut self, direction: Direction, place: usize) -> Option<Waker> {
        self.side_mut(direction).futures.try_remove(place).flatten()
    }

    fn side(&self, direction: Direction) -> &Side {
        &self.sides[direction as usize]
    }

    fn side_mut(&mut self, direction: Direction) -> &mut Side {
        &mut self.sides[direction as usize]
    }
}

impl Side {
    fn report(&mut self, wakers: &mut impl Extend<Waker>) {
        self.state = State::Ready;
        self.release(wakers);
    }

    fn release(&mut self, wakers: &mut impl Extend<Waker>) {
        wakers.extend(self.poller.take());
        wakers.extend(
            self.futures
                .iter_mut()
                .filter_map(|(_, waker)| waker.take()),
        );
    }

    fn awaited(&self) -> bool {
        self.poller.is_some() || self.futures.iter().any(|(_, waker)| waker.is_some())
    }
}
