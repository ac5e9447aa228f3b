//! Tasks, and waiting for them: [`asyncio.tasks`](https://docs.python.org/3/library/asyncio-task.html).
//!
//! asyncio's keyword arguments of `create_task` are methods of
//! [`build_task`](crate::LoopRef::build_task)`()`.

pub use asyncio_executor::{
    CallbackId, CatchCancelled, IntoTask, ReportingTaskBuilder, Scope, ScopeRef, Task, TaskBuilder,
    TaskFuture, TaskRef, current_task, yield_now,
};
pub use asyncio_loop::{
    Interval, MissedTicks, Sleep, all_tasks, create_task, interval, interval_at, sleep, sleep_until,
};
