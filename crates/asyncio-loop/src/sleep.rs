//! Waiting for a moment.

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use asyncio_executor::yield_now;
use asyncio_timers::{TimerKey, deadline_after};

use crate::current::{self, NO_LOOP};
use crate::inner::{Inner, Timer};

/// Waits until `delay` has passed since the first poll. `Duration::ZERO` waits for one turn;
/// `Duration::MAX` for ever.
///
/// It never ends early, and late by what the kernel and a busy loop take. Nothing is set up
/// before the first poll, and nothing is allocated then while the loop's queue of timers has
/// room.
///
/// # Panics
/// When polled outside a running loop.
///
/// # Cancel safety
/// Yes: dropping it takes the timer out of the queue.
///
/// # Examples
/// ```
/// use asyncio_loop::{EventLoop, sleep};
/// use std::time::{Duration, Instant};
///
/// let event_loop = EventLoop::new()?;
/// let start = Instant::now();
/// event_loop.run_until_complete(sleep(Duration::from_millis(2)))?;
/// assert!(start.elapsed() >= Duration::from_millis(2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn sleep(delay: Duration) -> Sleep {
    Sleep {
        state: State::After(delay),
    }
}

/// Waits until `deadline`, by the loop's clock. One that has passed waits for one turn.
///
/// # Panics
/// When polled outside a running loop.
///
/// # Cancel safety
/// Yes, as [`sleep`].
pub fn sleep_until(deadline: Instant) -> Sleep {
    Sleep {
        state: State::Until(deadline),
    }
}

/// Future of [`sleep()`] and [`sleep_until`].
#[must_use = "futures do nothing unless polled"]
pub struct Sleep {
    state: State,
}

enum State {
    After(Duration),
    Until(Instant),
    /// Waits for one turn.
    Yielded,
    Waiting(Rc<Inner>, TimerKey),
    Done,
}

impl Sleep {
    /// Whether the sleep has ended.
    #[must_use]
    pub fn is_done(&self) -> bool {
        match &self.state {
            State::Done => true,
            State::Waiting(inner, key) => !inner.timers.borrow().contains(*key),
            _ => false,
        }
    }

    /// Starts to wait.
    fn start(&mut self, inner: Rc<Inner>, waker: &Waker) {
        let deadline = match self.state {
            State::After(delay) if delay.is_zero() => None,
            State::After(delay) => Some(deadline_after(inner.now(), delay)),
            State::Until(deadline) if deadline <= inner.now() => None,
            State::Until(deadline) => Some(Some(deadline)),
            State::Yielded | State::Waiting(..) | State::Done => return,
        };
        self.state = match deadline {
            None => {
                // As `yield_now` does, which is the same.
                let _ = pin!(yield_now()).poll(&mut Context::from_waker(waker));
                State::Yielded
            }
            Some(deadline) => {
                let key = inner.insert_timer(deadline, Timer::Wake(waker.clone()));
                State::Waiting(inner, key)
            }
        };
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match &self.state {
            State::After(_) | State::Until(_) => {
                let here = current::running().expect(NO_LOOP);
                self.start(here.into_inner(), cx.waker());
                Poll::Pending
            }
            State::Waiting(inner, key) if refresh(inner, *key, cx.waker()) => Poll::Pending,
            State::Yielded | State::Waiting(..) | State::Done => {
                self.state = State::Done;
                Poll::Ready(())
            }
        }
    }
}

/// Keeps the newest waker at the timer. `false` when the timer has expired.
fn refresh(inner: &Inner, key: TimerKey, waker: &Waker) -> bool {
    let mut timers = inner.timers.borrow_mut();
    let Some(timer) = timers.get_mut(key) else {
        return false;
    };
    if matches!(timer, Timer::Wake(old) if old.will_wake(waker)) {
        return true;
    }
    drop(timers);
    // Somebody else polls it now, who may be of another loop.
    inner.spawner.assert_may_wait(format_args!("a timer"));
    // Cloning and dropping a foreign waker runs foreign code: not under the borrow.
    let new = Timer::Wake(waker.clone());
    let old = inner
        .timers
        .borrow_mut()
        .get_mut(key)
        .map(|timer| std::mem::replace(timer, new));
    old.is_some()
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let State::Waiting(inner, key) = &self.state {
            inner.remove_timer(*key);
        }
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Sleep")
            .field("done", &self.is_done())
            .finish_non_exhaustive()
    }
}
