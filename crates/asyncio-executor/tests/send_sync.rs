//! Which types may cross threads (J2), and which must not: what the compiler refuses is as much of
//! a promise as what it accepts.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::{Arc, MutexGuard};

use asyncio_executor::{
    CallbackId, Cancellation, Cancelled, CatchCancelled, Claim, Closed, Context, ContextVar, Door,
    End, Entry, ErrorContext, Executor, Finally, Handle, InvalidStateError, Join, MainTask,
    Message, PanicPayload, ReportingTaskBuilder, RunError, Running, Scope, ScopeRef, SendContext,
    Settled, Shielded, Spawner, Task, TaskAddress, TaskBuilder, TaskError, TaskFuture, TaskRef,
    ThreadsafeHandle, Token, TokenError, WaitPlace, WaitTask, Watch, YieldNow,
};
use static_assertions::{assert_impl_all, assert_not_impl_any};

#[test]
fn what_belongs_to_a_thread_stays_there_j2() {
    assert_not_impl_any!(Executor: Send, Sync);
    assert_not_impl_any!(Running<'static>: Send, Sync);
    assert_not_impl_any!(Spawner: Send, Sync);
    assert_not_impl_any!(Entry: Send, Sync);
    assert_not_impl_any!(Handle: Send, Sync);
    assert_not_impl_any!(TaskBuilder: Send, Sync);
    assert_not_impl_any!(ReportingTaskBuilder: Send, Sync);
    assert_not_impl_any!(TaskRef: Send, Sync);
    assert_not_impl_any!(TaskAddress: Send, Sync);
    assert_not_impl_any!(WaitTask: Send, Sync);
    assert_not_impl_any!(Scope: Send, Sync);
    assert_not_impl_any!(ScopeRef: Send, Sync);
    assert_not_impl_any!(Claim: Send, Sync);
    assert_not_impl_any!(WaitPlace: Send, Sync);
    assert_not_impl_any!(Cancellation: Send, Sync);
    assert_not_impl_any!(Context: Send, Sync);
    assert_not_impl_any!(ErrorContext<'static>: Send, Sync);
}

/// Whatever the task's value is: a handle to it is its thread's.
#[test]
fn handles_stay_whatever_their_value_j2() {
    macro_rules! stays {
        ($($value:ty),*) => {$(
            assert_not_impl_any!(Task<$value>: Send, Sync);
            assert_not_impl_any!(TaskFuture<$value>: Send, Sync);
            assert_not_impl_any!(Join<'static, $value>: Send, Sync);
            assert_not_impl_any!(Watch<'static, $value>: Send, Sync);
            assert_not_impl_any!(Token<$value>: Send, Sync);
            assert_not_impl_any!(MainTask<std::future::Ready<$value>>: Send, Sync);
            assert_not_impl_any!(CatchCancelled<std::future::Ready<$value>>: Send, Sync);
            assert_not_impl_any!(Shielded<std::future::Ready<$value>>: Send, Sync);
            assert_not_impl_any!(Finally<std::future::Ready<$value>, ()>: Send, Sync);
        )*};
    }
    stays!(
        (),
        u32,
        Cell<u32>,
        Rc<u32>,
        Arc<u32>,
        MutexGuard<'static, u32>
    );
}

#[test]
fn what_crosses_threads_may_j2() {
    assert_impl_all!(Door: Send, Sync, Clone);
    assert_impl_all!(ThreadsafeHandle: Send, Sync, Clone);
    assert_impl_all!(SendContext: Send, Sync, Clone);
    assert_impl_all!(Message: Send, Sync);
    assert_impl_all!(CallbackId: Send, Sync);
    assert_impl_all!(End: Send, Sync);
    assert_impl_all!(YieldNow: Send, Sync);
    assert_impl_all!(Cancelled: Send, Sync);
    assert_impl_all!(Settled<u32>: Send, Sync);
    assert_not_impl_any!(Settled<Rc<u32>>: Send, Sync);
    // A variable is a name: its values stay in contexts, so any type will do.
    assert_impl_all!(ContextVar<Rc<u32>>: Send, Sync);
}

/// Errors can be passed on by `?` into any boxed error, on any thread.
#[test]
fn errors_are_errors_j2() {
    use std::error::Error;
    assert_impl_all!(TaskError: Error, Send, Sync);
    assert_impl_all!(RunError: Error, Send, Sync);
    assert_impl_all!(InvalidStateError: Error, Send, Sync);
    assert_impl_all!(TokenError: Error, Send, Sync);
    assert_impl_all!(Closed: Error, Send, Sync);
    assert_impl_all!(PanicPayload: Send, Sync);
}

#[test]
fn handles_may_be_moved_before_they_are_awaited() {
    assert_impl_all!(Task<std::marker::PhantomPinned>: Unpin);
    assert_impl_all!(TaskFuture<std::marker::PhantomPinned>: Unpin);
    assert_impl_all!(WaitTask: Unpin);
    // A body that is pinned is not.
    assert_not_impl_any!(CatchCancelled<std::marker::PhantomPinned>: Unpin);
}
