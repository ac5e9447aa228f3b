//! What may cross threads and what may not (J2).

use std::cell::Cell;
use std::rc::Rc;

use asyncio_executor::{Task, TaskList, TaskRef};
use asyncio_futures::{
    AsCompleted, AsCompletedWithin, Awaited, AwaitedMut, CancelScope, ChildFailed, EmptySetError,
    ErrorGroup, Future, FutureCallbackId, FutureWait, Gather, GatherError, GroupError,
    GroupTaskBuilder, InScope, Ready as ReadyTo, ReturnExceptions, ReturnWhen, Shield, StartError,
    Target, TaskGroup, TaskGroupClosed, Timed, Timeout, TimeoutError, TimeoutStateError, Try, Wait,
    Watch,
};
use static_assertions::{assert_impl_all, assert_not_impl_any};

type Group = Gather<TaskList<i32>>;
type Ready = std::future::Ready<i32>;

// Everything that knows a loop stays on its thread, whatever it holds.
assert_not_impl_any!(Future<i32>: Send, Sync);
assert_not_impl_any!(Future<Cell<i32>>: Send, Sync);
assert_not_impl_any!(Future<Rc<i32>>: Send, Sync);
assert_not_impl_any!(FutureWait<i32>: Send, Sync);
assert_not_impl_any!(Group: Send, Sync);
assert_not_impl_any!(Gather<(Task<i32>, Future<Rc<i32>>)>: Send, Sync);
assert_not_impl_any!(Gather<TaskList<i32>, ReturnExceptions>: Send, Sync);
assert_not_impl_any!(Gather<TaskList<Result<i32, i32>>, Try>: Send, Sync);
assert_not_impl_any!(Awaited<Group>: Send, Sync);
assert_not_impl_any!(AwaitedMut<'static, Group>: Send, Sync);
assert_not_impl_any!(Watch<'static, Group>: Send, Sync);
assert_not_impl_any!(Shield<Task<i32>>: Send, Sync);
assert_not_impl_any!(Wait<TaskRef>: Send, Sync);
assert_not_impl_any!(AsCompleted<Task<i32>>: Send, Sync);
assert_not_impl_any!(AsCompletedWithin<Task<i32>>: Send, Sync);
assert_not_impl_any!(Timed<Ready>: Send, Sync);
assert_not_impl_any!(Timeout: Send, Sync);
assert_not_impl_any!(Target: Send, Sync);
assert_not_impl_any!(TaskList<i32>: Send, Sync);
assert_not_impl_any!(TaskGroup<i32>: Send, Sync);
assert_not_impl_any!(GroupTaskBuilder<i32>: Send, Sync);
assert_not_impl_any!(ReadyTo<i32>: Send, Sync);
assert_not_impl_any!(CancelScope: Send, Sync);
assert_not_impl_any!(InScope<Ready>: Send, Sync);

// Errors and plain values may, as far as what they hold may.
assert_impl_all!(TimeoutError: Send, Sync, Copy, std::error::Error);
assert_impl_all!(TimeoutStateError: Send, Sync, Copy, std::error::Error);
assert_impl_all!(EmptySetError: Send, Sync, Copy, std::error::Error);
assert_impl_all!(GatherError<std::io::Error>: Send, Sync, std::error::Error);
assert_not_impl_any!(GatherError<Rc<i32>>: Send, Sync);
assert_impl_all!(GatherError<Cell<i32>>: Send);
assert_not_impl_any!(GatherError<Cell<i32>>: Sync);
assert_impl_all!(ErrorGroup<std::io::Error>: Send, Sync, std::error::Error);
assert_impl_all!(GroupError<std::io::Error>: Send, Sync, std::error::Error);
assert_not_impl_any!(ErrorGroup<Rc<i32>>: Send, Sync);
assert_impl_all!(ChildFailed: Send, Sync, Copy, std::error::Error);
assert_impl_all!(TaskGroupClosed: Send, Sync, Copy, std::error::Error);
assert_impl_all!(StartError: Send, Sync, Copy, std::error::Error);
assert_impl_all!(ReturnWhen: Send, Sync, Copy);
assert_impl_all!(FutureCallbackId: Send, Sync, Copy);

/// The assertions above are checked when this is built.
#[test]
fn handles_stay_on_their_thread_and_errors_may_cross_j2() {
    let error: Box<dyn std::error::Error + Send + Sync> = Box::new(TimeoutError);
    let crossed = std::thread::spawn(move || error.to_string()).join();
    assert_eq!(crossed.unwrap(), "timed out");
}
