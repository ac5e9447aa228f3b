//! `CapacityLimiter`: so many tasks at a time, each at most once, with a number that can change.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use asyncio_executor::{TaskRef, current_task};

use crate::waiters::{Stage, Ticket, Waiters};

/// A number of tokens, of which each task borrows one at most. anyio's and trio's
/// `CapacityLimiter`; asyncio has none.
///
/// Unlike a semaphore it knows who borrows, so that a task that would wait for itself is told so;
/// and the number can be changed while tokens are borrowed.
///
/// # Examples
/// ```
/// use asyncio_executor::Executor;
/// use asyncio_sync::{AlreadyBorrowsError, CapacityLimiter};
///
/// let executor = Executor::new();
/// let limiter = CapacityLimiter::new(1);
/// executor
///     .run_until_complete(async {
///         let _token = limiter.acquire().await.unwrap();
///         assert_eq!(limiter.available_tokens(), 0);
///         assert_eq!(limiter.acquire().await.err(), Some(AlreadyBorrowsError));
///     })
///     .unwrap();
/// assert_eq!(limiter.borrowed_tokens(), 0);
/// ```
pub struct CapacityLimiter {
    total: Cell<usize>,
    borrowers: RefCell<HashSet<Borrower>>,
    /// Each of the woken has a token of its own, though it is not a borrower yet.
    waiters: Waiters,
}

/// Who borrows a token.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Borrower {
    /// That task, of whichever executor of the thread.
    Task(TaskRef),
    /// Something else, by a number of your own.
    Other(u64),
}

/// Who wants to borrow a token has one already, and would wait for itself. anyio's `RuntimeError`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AlreadyBorrowsError;

/// Why no token was lent at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TryBorrowError {
    /// All are borrowed, or others wait for one. anyio's `WouldBlock`.
    NoTokens,
    /// Who wants to borrow one has one already. anyio's `RuntimeError`.
    AlreadyBorrows,
}

impl CapacityLimiter {
    /// A limiter with `total_tokens` tokens.
    #[must_use]
    pub fn new(total_tokens: usize) -> Self {
        Self {
            total: Cell::new(total_tokens),
            borrowers: RefCell::default(),
            waiters: Waiters::default(),
        }
    }

    /// Waits for a token for the current task, in order of arrival; not at all, not even for a
    /// turn, if there is one and nobody waits.
    ///
    /// # Errors
    /// When the task has one.
    ///
    /// # Panics
    /// Outside a task of an executor of these crates: use
    /// [`acquire_on_behalf_of`](Self::acquire_on_behalf_of) there.
    ///
    /// # Cancel safety
    /// Yes: dropped, it gives up its place, and passes on a token that it was woken for.
    pub async fn acquire(&self) -> Result<BorrowedToken<'_>, AlreadyBorrowsError> {
        self.acquire_on_behalf_of(this_task()).await
    }

    /// Waits for a token for whomever you say.
    ///
    /// # Errors
    /// When that one has one, before or meanwhile.
    ///
    /// # Cancel safety
    /// Yes, as [`acquire`](Self::acquire).
    pub async fn acquire_on_behalf_of(
        &self,
        borrower: Borrower,
    ) -> Result<BorrowedToken<'_>, AlreadyBorrowsError> {
        if self.borrows(&borrower) {
            return Err(AlreadyBorrowsError);
        }
        let waiting = Borrowing {
            limiter: self,
            borrower: &borrower,
            ticket: Ticket::default(),
        };
        waiting.await
    }

    /// A token for the current task, if there is one and nobody waits.
    ///
    /// # Errors
    /// When there is none, or others wait; or the task has one.
    ///
    /// # Panics
    /// As [`acquire`](Self::acquire).
    pub fn try_acquire(&self) -> Result<BorrowedToken<'_>, TryBorrowError> {
        self.try_acquire_on_behalf_of(this_task())
    }

    /// A token for whomever you say, if there is one and nobody waits.
    ///
    /// # Errors
    /// When there is none, or others wait; or that one has one.
    pub fn try_acquire_on_behalf_of(
        &self,
        borrower: Borrower,
    ) -> Result<BorrowedToken<'_>, TryBorrowError> {
        if self.borrows(&borrower) {
            return Err(TryBorrowError::AlreadyBorrows);
        }
        if !self.is_free() {
            return Err(TryBorrowError::NoTokens);
        }
        self.lend(&borrower, &mut Ticket::default())
            .map_err(|AlreadyBorrowsError| TryBorrowError::AlreadyBorrows)
    }

    /// How many tokens there are.
    #[must_use]
    pub fn total_tokens(&self) -> usize {
        self.total.get()
    }

    /// Changes how many tokens there are. More wake those who wait; fewer take nothing from those
    /// who borrow, but nobody gets one until fewer are borrowed than there are.
    pub fn set_total_tokens(&self, total_tokens: usize) {
        self.total.set(total_tokens);
        self.hand_out();
    }

    /// How many are borrowed.
    #[must_use]
    pub fn borrowed_tokens(&self) -> usize {
        self.borrowers.borrow().len()
    }

    /// How many are neither borrowed nor on their way to somebody.
    #[must_use]
    pub fn available_tokens(&self) -> usize {
        let taken = self.borrowed_tokens() + self.waiters.woken();
        self.total.get().saturating_sub(taken)
    }

    /// How many wait for one.
    #[must_use]
    pub fn tasks_waiting(&self) -> usize {
        self.waiters.len() - self.waiters.woken()
    }

    /// Whether this one has a token.
    #[must_use]
    pub fn borrows(&self, borrower: &Borrower) -> bool {
        self.borrowers.borrow().contains(borrower)
    }

    fn is_free(&self) -> bool {
        self.available_tokens() > 0 && !self.waiters.has_live()
    }

    /// Ends a wait with a token.
    fn lend(
        &self,
        borrower: &Borrower,
        ticket: &mut Ticket,
    ) -> Result<BorrowedToken<'_>, AlreadyBorrowsError> {
        let is_new = self.borrowers.borrow_mut().insert(borrower.clone());
        self.waiters.leave(ticket); // foreign code: an old waker's destructor
        if !is_new {
            self.hand_out();
            return Err(AlreadyBorrowsError);
        }
        Ok(BorrowedToken {
            limiter: self,
            borrower: borrower.clone(),
        })
    }

    fn hand_out(&self) {
        for _ in 0..self.waiters.len() {
            if self.available_tokens() == 0 || !self.waiters.wake_next() {
                return;
            }
        }
    }
}

impl fmt::Debug for CapacityLimiter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CapacityLimiter")
            .field("total_tokens", &self.total_tokens())
            .field("borrowers", &self.borrowers.borrow())
            .field("tasks_waiting", &self.tasks_waiting())
            .finish()
    }
}

/// A token that is borrowed; dropping it gives it back.
#[must_use = "dropping a token gives it back"]
pub struct BorrowedToken<'a> {
    limiter: &'a CapacityLimiter,
    borrower: Borrower,
}

impl BorrowedToken<'_> {
    /// Who borrows it.
    #[must_use]
    pub fn borrower(&self) -> &Borrower {
        &self.borrower
    }
}

impl Drop for BorrowedToken<'_> {
    fn drop(&mut self) {
        self.limiter.borrowers.borrow_mut().remove(&self.borrower);
        self.limiter.hand_out();
    }
}

impl fmt::Debug for BorrowedToken<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("BorrowedToken")
            .field("borrower", &self.borrower)
            .finish_non_exhaustive()
    }
}

fn this_task() -> Borrower {
    Borrower::Task(current_task().expect("only a task can borrow for itself"))
}

/// A wait for a token.
struct Borrowing<'a, 'b> {
    limiter: &'a CapacityLimiter,
    borrower: &'b Borrower,
    ticket: Ticket,
}

impl<'a> Future for Borrowing<'a, '_> {
    type Output = Result<BorrowedToken<'a>, AlreadyBorrowsError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self {
            limiter,
            borrower,
            ticket,
        } = &mut *self;
        let waiters = &limiter.waiters;
        let mine = match waiters.stage(ticket) {
            Stage::Fresh => limiter.is_free(),
            Stage::Woken => true,
            // It was passed over, and then not dropped: nobody else will wake it.
            Stage::Waiting => waiters.is_head(ticket) && limiter.available_tokens() > 0,
            Stage::Told | Stage::PassedOver => false,
        };
        if mine {
            return Poll::Ready(limiter.lend(borrower, ticket));
        }
        waiters.wait(ticket, cx, 1);
        Poll::Pending
    }
}

impl Drop for Borrowing<'_, '_> {
    fn drop(&mut self) {
        if self.limiter.waiters.leave(&mut self.ticket) == Stage::Woken {
            self.limiter.hand_out();
        }
    }
}

impl fmt::Display for AlreadyBorrowsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("this borrower has a token already")
    }
}

impl fmt::Display for TryBorrowError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTokens => formatter.write_str("no tokens are available"),
            Self::AlreadyBorrows => AlreadyBorrowsError.fmt(formatter),
        }
    }
}

impl std::error::Error for AlreadyBorrowsError {}
impl std::error::Error for TryBorrowError {}
