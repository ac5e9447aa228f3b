//! Who wins, and what a request from outside does to that: the rules of every race.

use asyncio_executor::{Cancelled, requests_around};

/// What is known of a race that has begun.
pub(super) struct Decision<T> {
    /// The first that has returned, and its number.
    winner: Option<(T, usize)>,
    /// The winner stays, and the others have been cancelled.
    is_final: bool,
    /// A request from outside, which has gone on outwards unless there is a winner.
    cancelled: Option<Cancelled>,
    /// The requests around at entry.
    around: u32,
}

impl<T> Decision<T> {
    /// A race begins here and now.
    pub(super) fn new() -> Self {
        Self {
            winner: None,
            is_final: false,
            cancelled: None,
            around: requests_around(),
        }
    }

    /// Whether a request from outside is around.
    pub(super) fn is_asked(&self) -> bool {
        requests_around() > self.around
    }

    /// Whether nobody can win any more: somebody has, or a request from outside was let through.
    pub(super) fn is_taken(&self) -> bool {
        self.winner.is_some() || self.cancelled.is_some()
    }

    /// Whether the winner stays.
    pub(super) fn is_final(&self) -> bool {
        self.is_final
    }

    /// Whether a request from outside was let through, and nobody wins.
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.is_some() && self.winner.is_none()
    }

    /// One has returned this. What a loser has returned is dropped.
    pub(super) fn returned(&mut self, value: T, index: usize) {
        if !self.is_taken() {
            self.winner = Some((value, index));
        }
    }

    /// One has let a request through. The others get the same, unless they have answered it.
    pub(super) fn let_through(&mut self, request: Cancelled) {
        if !self.is_final {
            self.winner = None;
            if self.cancelled.is_none() {
                request.clone().go_on();
            }
        }
        self.cancelled = Some(request);
    }

    /// Called after each branch: the number of the winner, once it is time to cancel the others.
    ///
    /// While a request is around, the others may be about to let it through: then that is the outcome,
    /// and not what a branch that swallowed it has returned. So the last is waited for.
    pub(super) fn decide(&mut self, is_last: impl FnOnce() -> bool) -> Option<usize> {
        let (_, winner) = self.winner.as_ref()?;
        if self.is_final || (self.is_asked() && !is_last()) {
            return None;
        }
        self.is_final = true;
        Some(*winner)
    }

    /// All have ended. A request that came when there was a winner is answered after the race.
    pub(super) fn end(&mut self) -> Option<(T, usize)> {
        if let Some(request) = self.cancelled.take()
            && self.is_asked()
        {
            request.renew();
        }
        self.winner.take()
    }
}
