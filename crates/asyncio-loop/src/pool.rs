//! A thread pool of the loop's own, made when it is first used.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use asyncio_blocking::{
    Executor, Job, Rejected, SubmitError, ThreadPoolBuilder, ThreadPoolExecutor,
};

/// A place for a pool. Nothing is borrowed while a pool is built, exchanged or dropped, so a
/// failure there leaves the place as it was, and the next use tries again.
pub(crate) struct LazyPool {
    pool: RefCell<Option<Arc<ThreadPoolExecutor>>>,
    settings: fn() -> ThreadPoolBuilder,
}

impl LazyPool {
    pub(crate) fn new(settings: fn() -> ThreadPoolBuilder) -> Self {
        Self {
            pool: RefCell::new(None),
            settings,
        }
    }

    /// Hands a job to the pool. Runs no user code: a job that is refused comes back.
    pub(crate) fn execute(&self, job: Job) -> Result<(), Rejected> {
        if let Some(pool) = &*self.pool.borrow() {
            return pool.execute(job);
        }
        match (self.settings)().build() {
            Ok(pool) => {
                let pool = Arc::new(pool);
                self.replace(Arc::clone(&pool));
                pool.execute(job)
            }
            Err(error) => Err(Rejected::new(job, SubmitError::Other(error.into()))),
        }
    }

    /// The pool, if there is one.
    pub(crate) fn existing(&self) -> Option<Arc<ThreadPoolExecutor>> {
        self.pool.borrow().clone()
    }

    /// Puts another pool in its place. The one before takes no more jobs if it was ours alone;
    /// those that it has are done. Nobody waits for it.
    pub(crate) fn replace(&self, pool: Arc<ThreadPoolExecutor>) {
        let old = self.pool.replace(Some(pool));
        if let Some(old) = old.and_then(Arc::into_inner) {
            old.shutdown(false, false);
        }
    }

    /// Takes no more jobs, for good: the loop is closing. Jobs that no thread has begun are done,
    /// or cancelled if `cancel`; nobody waits for them.
    pub(crate) fn close(&self, cancel: bool) {
        let pool = self.pool.take();
        if let Some(pool) = pool {
            pool.shutdown(false, cancel);
        }
    }
}

impl fmt::Debug for LazyPool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("LazyPool")
            .field(&self.existing())
            .finish()
    }
}
