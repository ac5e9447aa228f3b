//! Which public type may go to and be shared with other threads (J2).

use std::cell::Cell;
use std::error::Error;
use std::rc::Rc;
use std::sync::MutexGuard;

use asyncio_blocking::{
    BrokenThreadPool, ConcurrentFuture, ConcurrentFutureRef, ConcurrentPromise, ElasticExecutor,
    Executor, Job, JobError, JobPanic, Map, Rejected, ResultError, SubmitError, ThreadPoolBuilder,
    ThreadPoolExecutor,
};
use static_assertions::{assert_impl_all, assert_not_impl_any, assert_obj_safe};

assert_obj_safe!(Executor);
assert_impl_all!(dyn Executor: Send, Sync);

// A value that is `Send` moves through: nobody gets a reference to it, so it need not be `Sync`.
assert_impl_all!(ConcurrentFuture<Cell<u8>>: Send, Sync, Unpin);
assert_impl_all!(ConcurrentPromise<Cell<u8>>: Send, Sync);
assert_impl_all!(Map<Cell<u8>>: Send, Sync);
// One that is not must stay.
assert_not_impl_any!(ConcurrentFuture<Rc<u8>>: Send, Sync);
assert_not_impl_any!(ConcurrentFuture<MutexGuard<'static, u8>>: Send, Sync);

assert_impl_all!(ConcurrentFutureRef: Send, Sync, Clone);
assert_not_impl_any!(ConcurrentFuture<u8>: Clone);
assert_impl_all!(Job: Send, Sync);
assert_impl_all!(ThreadPoolExecutor: Send, Sync);
assert_impl_all!(ThreadPoolBuilder: Send, Sync);
assert_impl_all!(ElasticExecutor: Send, Sync);
assert_impl_all!(SubmitError: Error, Send, Sync);
assert_impl_all!(BrokenThreadPool: Error, Send, Sync);
assert_impl_all!(Rejected: Error, Send, Sync);
// Each error can be passed on by `?` into any boxed error.
assert_impl_all!(JobError: Error, Send, Sync);
assert_impl_all!(ResultError: Error, Send, Sync);
assert_impl_all!(JobPanic: Send, Sync);

#[test]
fn every_public_type_crosses_threads_as_it_should_j2() {
    // The assertions above are checked by the compiler; this names the scenario in the results.
}
