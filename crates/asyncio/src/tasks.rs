//! Tasks, and waiting for them: [`asyncio.tasks`](https://docs.python.org/3/library/asyncio-task.html).
//!
//! asyncio's keyword arguments of `create_task` are methods of
//! [`build_task`](crate::LoopRef::build_task)`()`. What is to be made before the loop runs takes the
//! loop's [`spawner`](crate::LoopRef::spawner): `gather_on`.

pub use asyncio_executor::{
    CallbackId, CatchCancelled, IntoTask, ReportingTaskBuilder, Scope, ScopeRef, Task, TaskBuilder,
    TaskFuture, TaskRef, current_task, yield_now,
};
#[cfg(feature = "futures")]
pub use asyncio_futures::{
    AsCompleted, Gather, GatherError, IntoChildren, ReturnWhen, Shield, Wait, as_completed,
    ensure_future, gather, gather_on, join, shield, try_gather, try_gather_on, try_join, try_wait,
    wait, wait_for,
};
pub use asyncio_loop::{
    Interval, MissedTicks, Sleep, all_tasks, create_task, interval, interval_at, sleep, sleep_until,
};
