//! `Barrier`: tasks that wait for each other, again and again.
//!
//! asyncio's is a condition whose lock nobody ever holds over an `await`. So there is no lock here,
//! and the list of those who wait is the condition: who is notified looks at the state, and waits
//! again at the tail if it is not its turn.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::error::BrokenBarrierError;
use crate::waiters::{Stage, Ticket, Waiters};

/// A point that a number of tasks pass together: each waits there until all have come. asyncio's
/// `Barrier`.
///
/// It can be used again and again: who comes for the next round while the last one still leaves
/// waits until it has left. One that is cancelled while it waits leaves, and breaks nothing.
///
/// # Examples
/// ```
/// use asyncio_executor::Executor;
/// use asyncio_sync::Barrier;
/// use std::rc::Rc;
///
/// let executor = Executor::new();
/// let barrier = Rc::new(Barrier::new(3));
/// let tasks: Vec<_> = (0..3)
///     .map(|_| {
///         let barrier = barrier.clone();
///         executor.create_task(async move { barrier.wait().await })
///     })
///     .collect();
/// executor.run_until_stalled();
/// let mut places: Vec<_> = tasks
///     .into_iter()
///     .map(|task| executor.run_until_complete(task).unwrap().unwrap().unwrap())
///     .collect();
/// places.sort();
/// assert_eq!(places, [0, 1, 2]);
/// ```
pub struct Barrier {
    parties: usize,
    state: Cell<State>,
    /// How many are inside.
    count: Cell<usize>,
    waiters: Waiters,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Tasks come, and wait for the last.
    Filling,
    /// The last has come, and all leave.
    Draining,
    /// It was reset, and all leave with an error.
    Resetting,
    /// It was aborted.
    Broken,
}

impl Barrier {
    /// A barrier for `parties` tasks.
    ///
    /// # Panics
    /// When `parties` is 0 (asyncio's `ValueError`).
    #[must_use]
    #[track_caller]
    pub fn new(parties: usize) -> Self {
        assert!(parties > 0, "a barrier needs at least one party");
        Self {
            parties,
            state: Cell::new(State::Filling),
            count: Cell::new(0),
            waiters: Waiters::default(),
        }
    }

    /// Waits until as many tasks wait as there are parties. Gives the number in which this one
    /// came, from 0; the last, `parties - 1`, does not wait, not even for a turn.
    ///
    /// Numbers are those of asyncio: when one has left because it was cancelled, the next who
    /// comes has the number of one who waits already.
    ///
    /// # Errors
    /// When the barrier is aborted, or is reset while this one waits.
    ///
    /// # Cancel safety
    /// Yes: dropped, it leaves, and one who comes later takes its place.
    #[inline]
    pub fn wait(&self) -> BarrierWait<'_> {
        BarrierWait {
            barrier: self,
            ticket: Ticket::default(),
            inside: None,
        }
    }

    /// Starts anew: who waits gets an error, and a broken barrier works again. (A coroutine in
    /// asyncio, which never waits.)
    pub fn reset(&self) {
        self.state.set(match self.count.get() {
            0 => State::Filling,
            _ => State::Resetting,
        });
        self.waiters.wake_all();
    }

    /// Breaks the barrier: who waits and who comes gets an error, until it is reset. (A coroutine
    /// in asyncio, which never waits.)
    pub fn abort(&self) {
        self.state.set(State::Broken);
        self.waiters.wake_all();
    }

    /// For how many tasks it is.
    #[must_use]
    pub fn parties(&self) -> usize {
        self.parties
    }

    /// How many wait for the others to come.
    #[must_use]
    pub fn n_waiting(&self) -> usize {
        match self.state.get() {
            State::Filling => self.count.get(),
            State::Draining | State::Resetting | State::Broken => 0,
        }
    }

    /// Whether it was aborted, and not reset since.
    #[must_use]
    pub fn broken(&self) -> bool {
        self.state.get() == State::Broken
    }

    /// One leaves, with or without success; the last opens the next round.
    fn exit(&self) {
        self.count.set(self.count.get() - 1);
        if self.count.get() > 0 {
            return;
        }
        if matches!(self.state.get(), State::Draining | State::Resetting) {
            self.state.set(State::Filling);
        }
        self.waiters.wake_all();
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Barrier")
            .field("state", &self.state.get())
            .field("waiters", &self.n_waiting())
            .field("parties", &self.parties)
            .finish()
    }
}

/// Future of [`Barrier::wait`].
#[must_use = "futures do nothing unless polled"]
pub struct BarrierWait<'a> {
    barrier: &'a Barrier,
    ticket: Ticket,
    /// The number in which it came, once it is inside.
    inside: Option<usize>,
}

impl BarrierWait<'_> {
    /// What the wait has to say now, if it is not to go on.
    fn look(&mut self) -> Poll<Result<usize, BrokenBarrierError>> {
        let barrier = self.barrier;
        let state = barrier.state.get();
        let Some(index) = self.inside else {
            return match state {
                State::Draining | State::Resetting => Poll::Pending,
                State::Broken => Poll::Ready(Err(BrokenBarrierError)),
                State::Filling => self.enter(),
            };
        };
        if state == State::Filling {
            return Poll::Pending;
        }
        self.inside = None;
        barrier.exit();
        Poll::Ready(match state {
            State::Broken | State::Resetting => Err(BrokenBarrierError),
            State::Filling | State::Draining => Ok(index),
        })
    }

    fn enter(&mut self) -> Poll<Result<usize, BrokenBarrierError>> {
        let barrier = self.barrier;
        let index = barrier.count.get();
        barrier.count.set(index + 1);
        if index + 1 < barrier.parties {
            self.inside = Some(index);
            return Poll::Pending;
        }
        barrier.state.set(State::Draining);
        barrier.waiters.wake_all();
        barrier.exit();
        Poll::Ready(Ok(index))
    }
}

impl Future for BarrierWait<'_> {
    type Output = Result<usize, BrokenBarrierError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Poll::Ready(outcome) = this.look() {
            this.barrier.waiters.leave(&mut this.ticket);
            return Poll::Ready(outcome);
        }
        this.barrier.waiters.wait(&mut this.ticket, cx, 1);
        Poll::Pending
    }
}

impl Drop for BarrierWait<'_> {
    fn drop(&mut self) {
        let barrier = self.barrier;
        if barrier.waiters.leave(&mut self.ticket) != Stage::Fresh {
            // As a condition's wait that may have been notified for nothing.
            barrier.waiters.wake_next();
        }
        if self.inside.take().is_some() {
            barrier.exit();
        }
    }
}

impl fmt::Debug for BarrierWait<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("BarrierWait")
            .field("inside", &self.inside)
            .finish_non_exhaustive()
    }
}
