//! One allocation a job: the result's [`Cell`] and, beside it, the work that will fill it.
//!
//! The owner of the result sees it as `dyn Typed<T>`, references as `dyn Shared`, the executor as
//! `dyn Runnable`: three views of one `Arc`.

use std::sync::Arc;

use super::cell::{Audience, Cell, Phase};
use super::{Callback, ConcurrentFutureRef, calls};
use crate::guard::{catch, shield};
use crate::sync::{Mutex, lock};
use crate::{JobError, JobPanic};

/// A result's state, and the work that is not done yet (`()` where a promise fills it).
pub(crate) struct Packet<T, W> {
    cell: Cell<T>,
    /// Taken by whoever starts, cancels or abandons the job.
    work: Mutex<Option<W>>,
}

/// What does not depend on the result's type.
pub(crate) trait Shared: Send + Sync {
    fn phase(&self) -> Phase;
    fn cancel(self: Arc<Self>) -> bool;
    fn add_done_callback(self: Arc<Self>, callback: Callback);
    fn wait_until(&self, deadline: Option<std::time::Instant>) -> bool;
}

/// What the owner of the result sees.
pub(crate) trait Typed<T>: Shared {
    fn cell(&self) -> &Cell<T>;
}

/// What an executor sees.
pub(crate) trait Runnable: Shared {
    fn run(self: Arc<Self>, runner: &dyn Runner);
    fn fail(self: Arc<Self>, error: JobError);
}

/// Who runs a job, and wants to know how far it is.
pub(crate) trait Runner {
    /// Nothing is left to do but to wake the task or the threads that wait for the result.
    fn almost_done(&self) {}
    /// After `almost_done`: there is more to do, a value is to be dropped.
    fn not_yet_done(&self) {}
}

/// Whoever runs a job by hand does not care.
impl Runner for () {}

impl<T: Send + 'static, W: Send + 'static> Packet<T, W> {
    pub(crate) fn new(work: W) -> Arc<Self> {
        Arc::new(Self {
            cell: Cell::new(),
            work: Mutex::new(Some(work)),
        })
    }

    /// `Pending` to `Running`. False if the result is not wanted any more.
    pub(crate) fn start(&self) -> bool {
        self.cell.start()
    }

    /// The outcome is there. Gives it back where a cancellation came first.
    pub(crate) fn finish(
        self: &Arc<Self>,
        outcome: Result<T, JobError>,
    ) -> Result<(), Result<T, JobError>> {
        let audience = self.cell.finish(outcome)?;
        self.announce(audience);
        Ok(())
    }

    /// Tells everybody, with no lock held: blocked threads, the waker, the callbacks in order.
    fn announce(self: &Arc<Self>, audience: Audience) {
        let Audience {
            waker,
            callbacks,
            blocked,
        } = audience;
        if blocked {
            self.cell.unblock();
        }
        if let Some(waker) = waker {
            shield(|| waker.wake());
        }
        if !callbacks.is_empty() {
            let future = ConcurrentFutureRef::new(Arc::clone(self) as Arc<dyn Shared>);
            calls::call(&future, callbacks);
        }
    }

    /// Drops the work at once: what it holds shall not wait for the executor to come to it.
    fn discard_work(&self) {
        let work = lock(&self.work).take();
        shield(|| drop(work));
    }
}

impl<T: Send + 'static, W: Send + 'static> Shared for Packet<T, W> {
    fn phase(&self) -> Phase {
        self.cell.phase()
    }

    fn cancel(self: Arc<Self>) -> bool {
        match self.cell.cancel() {
            Ok(audience) => {
                self.discard_work();
                self.announce(audience);
                true
            }
            Err(before) => before,
        }
    }

    fn add_done_callback(self: Arc<Self>, callback: Callback) {
        if let Some(callback) = self.cell.add_callback(callback) {
            let future = ConcurrentFutureRef::new(self);
            calls::call(&future, [callback]);
        }
    }

    fn wait_until(&self, deadline: Option<std::time::Instant>) -> bool {
        self.cell.wait_until(deadline)
    }
}

impl<T: Send + 'static, W: Send + 'static> Typed<T> for Packet<T, W> {
    fn cell(&self) -> &Cell<T> {
        &self.cell
    }
}

impl<T, F> Runnable for Packet<T, F>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    fn run(self: Arc<Self>, runner: &dyn Runner) {
        // Nobody runs a job twice: `Job::run` takes the job. A missing closure is a cancelled one.
        if !self.start() {
            return;
        }
        let work = lock(&self.work).take();
        let outcome = match work {
            Some(work) => catch(work).map_err(|payload| JobError::Panicked(JobPanic::new(payload))),
            None => Err(JobError::Cancelled),
        };
        match self.cell.finish(outcome) {
            Ok(audience) => {
                let awaited = audience.waker.is_some() || audience.blocked;
                if awaited && audience.callbacks.is_empty() {
                    runner.almost_done();
                }
                self.announce(audience);
            }
            Err(refused) => shield(move || drop(refused)),
        }
        // If nobody holds the future any more and has not taken the value, it is dropped here.
        if let Some(value) = Arc::into_inner(self).and_then(|packet| packet.cell.into_outcome()) {
            runner.not_yet_done();
            shield(move || drop(value));
        }
    }

    fn fail(self: Arc<Self>, error: JobError) {
        self.discard_work();
        let refused = self.finish(Err(error));
        shield(move || drop((refused, self)));
    }
}
