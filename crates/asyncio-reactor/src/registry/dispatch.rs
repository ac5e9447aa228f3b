//! What a wait has found: taken from the selector, and worked through event by event.

use super::{Entry, Kind, Registry};
use crate::driven::Driving;
use crate::interest::{Interest, Mode};
use crate::key::Key;
use crate::{Event, HeldSource};
use std::io;
use std::time::Duration;

/// An event that concerns a live registration with handlers.
#[derive(Debug)]
pub(crate) enum Hit {
    Watched {
        key: Key,
        readable: bool,
        writable: bool,
    },
    Driven(Key),
}

impl Registry {
    /// Sleeps until something is ready, and keeps what is for [`Self::next_hit`]. While something is
    /// left from the last time it returns at once.
    pub(crate) fn wait(&self, timeout: Option<Duration>) -> io::Result<usize> {
        if !self.is_idle() {
            return Ok(self.undispatched());
        }
        let mut found = self.found.take();
        found.clear();
        self.dispatched.set(0);
        let refused = self.arm_watched();
        let timeout = if refused.is_empty() {
            timeout
        } else {
            Some(Duration::ZERO)
        };
        let waited = self.selector.wait(&mut found, timeout);
        found.extend(refused);
        let mut place = self.found.borrow_mut();
        if place.is_empty() {
            *place = found;
        } else {
            // The selector has let somebody wait meanwhile, as a simulation's hook may.
            place.extend(found.drain().collect());
        }
        drop(place);
        waited.map(|()| self.undispatched())
    }

    /// Gives level registrations their level meaning where the selector has none. Returns events for
    /// those that it refuses: their handlers will be called, to meet the error themselves.
    fn arm_watched(&self) -> Vec<Event> {
        let mut refused = Vec::new();
        if self.disarmed.borrow().is_empty() {
            return refused;
        }
        for key in self.disarmed.take() {
            let Some((source, interest)) = self.watched(key) else {
                continue;
            };
            let armed = self
                .selector
                .modify(&source, key.as_usize(), interest, Mode::Oneshot);
            if armed.is_err() {
                let Interest { readable, writable } = interest;
                refused.push(Event {
                    key: key.as_usize(),
                    readable,
                    writable,
                    read_closed: false,
                    broken: false,
                });
            }
        }
        refused
    }

    /// How many events were reported and not dispatched.
    fn undispatched(&self) -> usize {
        self.found.borrow().len() - self.dispatched.get()
    }

    /// The next of them.
    #[inline]
    fn next_event(&self) -> Option<Event> {
        let next = self.dispatched.get();
        let event = self.found.borrow().get(next)?;
        self.dispatched.set(next + 1);
        Some(event)
    }

    /// Whether everything that was reported has been dispatched.
    pub(crate) fn is_idle(&self) -> bool {
        self.undispatched() == 0 && self.wakers.borrow().is_empty()
    }

    /// Works through what the last wait found: wakes who waits for a source, and returns at the
    /// first event for one with handlers. `None`: nothing is left.
    ///
    /// This is the one place where stale events are dropped.
    pub(crate) fn next_hit(&self) -> Option<Hit> {
        loop {
            self.wake_all();
            let event = self.next_event()?;
            let key = Key::from_usize(event.key);
            let (rearm, driven) = match self.entry(key).as_deref_mut().map(|entry| &mut entry.kind)
            {
                // The source was deregistered after the event was reported.
                None => continue,
                Some(Kind::Watched(interest)) => {
                    if !self.selector.supports_level() {
                        self.disarmed.borrow_mut().push(key);
                    }
                    return Some(Hit::Watched {
                        key,
                        readable: event.readable && interest.readable,
                        writable: event.writable && interest.writable,
                    });
                }
                Some(Kind::Driven(driving)) => {
                    if driving.report(&event) {
                        return Some(Hit::Driven(key));
                    }
                    (driving.wanted(), true)
                }
                Some(Kind::Awaited(readiness)) => {
                    readiness.report(&event, &mut *self.wakers.borrow_mut());
                    readiness.armed = Interest::NONE;
                    (readiness.awaited(), false)
                }
            };
            // A oneshot registration is silent after its event, in both directions.
            if driven {
                if self.want(key, rearm).is_err() && self.driving(key, Driving::queue) == Some(true)
                {
                    return Some(Hit::Driven(key));
                }
            } else if !rearm.is_empty() {
                self.arm(key, rearm)
                    .unwrap_or_else(|_| self.wake_awaiting(key));
            }
        }
    }

    /// Wakes one by one, with nothing borrowed: a waker is foreign code.
    fn wake_all(&self) {
        loop {
            let waker = self.wakers.borrow_mut().pop_front();
            match waker {
                Some(waker) => waker.wake(),
                None => return,
            }
        }
    }

    /// Lets whoever waits for a source find out why it cannot be armed.
    fn wake_awaiting(&self, key: Key) {
        if let Some(Entry {
            kind: Kind::Awaited(readiness),
            ..
        }) = self.entry(key).as_deref_mut()
        {
            readiness.release(&mut *self.wakers.borrow_mut());
        }
    }

    fn watched(&self, key: Key) -> Option<(HeldSource, Interest)> {
        match self.entry(key).as_deref() {
            Some(Entry {
                source,
                kind: Kind::Watched(interest),
                ..
            }) => Some((source.again(), *interest)),
            _ => None,
        }
    }
}
