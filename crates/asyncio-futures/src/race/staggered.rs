//! Futures that begin one after the other, until one succeeds: for Happy Eyeballs.

use std::future::{Future, IntoFuture, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use asyncio_loop::{Sleep, sleep};

use crate::race::contest::{Branch, Contestant};
use crate::race::decision::Decision;

/// Begins the first of `attempts`; each next one when the one begun before it has failed, or after
/// `delay`; until one returns `Ok`. The others are then cancelled, and their clean-up is awaited.
/// asyncio's `staggered_race`. Without a `delay`, each waits for the one before it to fail.
///
/// Returns the value of the winner with its index, if there is one, and for each attempt that was
/// begun its error, in order: `None` for the winner and for those that were cancelled.
///
/// The attempts run in this task, so they may borrow. An attempt is called when it begins.
///
/// # Panics
/// With a `delay`, outside a running event loop. A panic of an attempt goes on, and the others are
/// dropped where they are.
///
/// # Cancel safety
/// As [`race`](crate::race()).
///
/// # Examples
/// ```
/// use asyncio_futures::staggered_race;
/// use asyncio_loop::{EventLoop, sleep};
/// use std::time::Duration;
///
/// async fn connect(address: &str) -> Result<String, &'static str> {
///     if address.contains(':') {
///         return Err("no route");
///     }
///     sleep(Duration::from_millis(1)).await;
///     Ok(format!("connected to {address}"))
/// }
///
/// let event_loop = EventLoop::new()?;
/// event_loop.run_until_complete(async {
///     let attempts = ["::1", "127.0.0.1", "127.0.0.2"].map(|it| move || connect(it));
///     let (winner, errors) = staggered_race(attempts, Duration::from_secs(1)).await;
///     assert_eq!(winner, Some(("connected to 127.0.0.1".to_owned(), 1)));
///     assert_eq!(errors, [Some("no route"), None]);
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub async fn staggered_race<I, A, F, T, E>(
    attempts: I,
    delay: impl Into<Option<Duration>>,
) -> (Option<(T, usize)>, Vec<Option<E>>)
where
    I: IntoIterator<Item = A>,
    A: FnOnce() -> F,
    F: IntoFuture<Output = Result<T, E>>,
{
    let mut race = Staggered {
        attempts: attempts.into_iter(),
        delay: delay.into(),
        timer: None,
        due: true,
        begun: Vec::new(),
        errors: Vec::new(),
        decision: Decision::new(),
    };
    let winner = poll_fn(|cx| race.poll(cx)).await;
    (winner, race.errors)
}

/// So many attempts that fail at once are begun in one turn. The next ones have to wait for the
/// others that are ready.
const AT_ONCE_MAX: u32 = 64;

struct Staggered<I, F, T, E> {
    attempts: I,
    delay: Option<Duration>,
    /// Makes the next attempt due.
    timer: Option<Pin<Box<Sleep>>>,
    due: bool,
    begun: Vec<Pin<Box<Branch<F>>>>,
    errors: Vec<Option<E>>,
    decision: Decision<T>,
}

impl<I, A, F, T, E> Staggered<I, F::IntoFuture, T, E>
where
    I: Iterator<Item = A>,
    A: FnOnce() -> F,
    F: IntoFuture<Output = Result<T, E>>,
{
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<(T, usize)>> {
        let mut pending = self.poll_begun(0, cx);
        let mut begun = 0;
        loop {
            if let Some(timer) = &mut self.timer
                && timer.as_mut().poll(cx).is_ready()
            {
                self.timer = None;
                self.due = true;
            }
            // While a request is around, those that run answer it first.
            let wait = pending && self.decision.is_asked();
            if self.due && !wait && begun == AT_ONCE_MAX {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if wait || !self.begin_next() {
                break;
            }
            begun += 1;
            // Only that one: the others have had their poll, and there may be many.
            let newest = self.begun.len() - 1;
            let is_pending = self.poll_begun(newest, cx);
            pending = is_pending || (pending && !self.decision.is_final());
        }
        if pending || self.decision.is_cancelled() {
            return Poll::Pending;
        }
        Poll::Ready(self.decision.end())
    }

    /// Begins the next attempt, if one is due and there is one.
    fn begin_next(&mut self) -> bool {
        if !std::mem::take(&mut self.due) {
            return false;
        }
        self.timer = None;
        let Some(attempt) = self.attempts.next() else {
            return false;
        };
        let branch = Branch::new(attempt().into_future());
        self.begun.push(Box::pin(branch));
        self.errors.push(None);
        self.timer = self.delay.map(|delay| Box::pin(sleep(delay)));
        true
    }

    /// Polls what has begun, from this number on; from the first if that decides the race. Returns
    /// whether some of what was polled has not ended.
    fn poll_begun(&mut self, from: usize, cx: &mut Context<'_>) -> bool {
        let mut pending = false;
        let mut index = from;
        while let Some(branch) = self.begun.get_mut(index) {
            let polled = branch.as_mut().poll(cx);
            let over = self.decision.is_taken();
            let is_last = index + 1 == self.begun.len();
            match polled {
                Poll::Pending => pending = true,
                Poll::Ready(Some(Ok(Ok(value)))) => self.decision.returned(value, index),
                Poll::Ready(None) => {}
                Poll::Ready(Some(Ok(Err(error)))) => {
                    self.errors[index] = Some(error);
                    self.due |= !over && is_last;
                }
                // A loser's, or raised by the attempt itself: it has failed without an error.
                Poll::Ready(Some(Err(_))) if !self.decision.is_asked() => {
                    self.due |= !over && is_last;
                }
                Poll::Ready(Some(Err(request))) => {
                    self.decision.let_through(request);
                    (self.timer, self.due) = (None, false);
                }
            }
            index += 1;
            if let Some(winner) = self.decision.decide(|| is_last) {
                self.lose(winner);
                (pending, index) = (false, 0);
            }
        }
        pending
    }

    /// Cancels all but the winner.
    fn lose(&mut self, winner: usize) {
        (self.timer, self.due) = (None, false);
        for (index, branch) in self.begun.iter_mut().enumerate() {
            if index != winner {
                branch.as_mut().lose();
            }
        }
    }
}
