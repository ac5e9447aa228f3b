//! A single-threaded executor with asyncio's semantics: tasks that are requested to cancel, and
//! that may clean up before they do; done-callbacks, names, contexts, and one FIFO for everything
//! that is ready.
//!
//! * [`Executor`]: tasks and callbacks, run turn by turn. Complete without I/O and time.
//! * [`Task`] and [`TaskRef`]: the handle that holds the result, and untyped ones to watch and
//!   cancel. Dropping a handle does not cancel.
//! * [`catch_cancelled`], [`finally()`], [`finally_with`], [`shielded`]: where a cancellation is
//!   answered, innermost first, with clean-up that awaits and that is never lost; [`Scope`] is what
//!   they are made of.
//! * [`ContextVar`]: values that follow the flow of work from task to task.
//! * [`Door`]: the one way in from other threads.
//!
//! # What really happens
//! A task is one allocation, which holds its state, its future and later its result
//! (`async-task`). Waking it on the executor's thread is one atomic operation and a push on a
//! `VecDeque`; from another thread a push on a lock-free queue and a call of the executor's
//! [`Notify`]. A turn runs exactly what was ready when it began, so that what makes itself ready
//! again and again starves nobody. Futures are polled and dropped on the executor's thread only,
//! also when a waker fires elsewhere while the executor closes. A panic in a task, a callback or
//! a destructor is caught, and reaches whoever awaits the task, or else the exception handler. (A
//! second panic while the first unwinds aborts the process, as everywhere, and so does any with
//! `panic = "abort"`.)
//!
//! What it does not do: wait for descriptors, keep time, run threads. `asyncio-loop` adds those.
//!
//! # Example
//! ```
//! use asyncio_executor::{Executor, TaskError};
//!
//! let executor = Executor::new();
//! let waits = executor.create_task(std::future::pending::<()>());
//! let sum = executor.create_task(async { 40 + 2 });
//! waits.cancel_with("not needed");
//!
//! let (waits, sum) = executor
//!     .run_until_complete(async { (waits.await, sum.await) })
//!     .unwrap();
//! assert_eq!(sum.unwrap(), 42);
//! assert!(matches!(waits, Err(TaskError::Cancelled(Some(why))) if &*why == "not needed"));
//! ```
#![deny(unsafe_code)] // allowed in `entry` and `home` only

mod callback;
mod cancel;
mod caught;
mod closing;
mod context;
mod entry;
mod error;
mod executor;
mod flat;
mod home;
mod local;
mod main_task;
mod recurring;
mod registry;
mod reports;
mod shared;
mod spawner;
mod task;
mod yielding;

pub use callback::Handle;
pub use cancel::{
    Cancellation, Cancelled, CatchCancelled, Claim, ClaimRef, Claimed, Finally, Scope, ScopeKey,
    ScopeRef, Settled, Shielded, WaitPlace, catch_cancelled, finally, finally_with,
    raise_cancelled, renew_requests, requests_around, shielded,
};
pub use context::{Context, ContextVar, SendContext, Token, TokenError};
pub use entry::{Dispatch, Entry};
pub use error::{ErrorContext, InvalidStateError, Message, PanicPayload, TaskError};
pub use executor::{Executor, Running};
pub use flat::drop_flat;
pub use local::{ExceptionHandler, TaskFactory};
pub use main_task::{MainFuture, MainTask, RunError};
pub use recurring::Recurring;
pub use shared::{Closed, Door, Notify, ThreadsafeHandle};
pub use spawner::{Spawner, current_task};
pub use task::{
    CallbackId, End, IntoTask, Join, Observer, ReportingTaskBuilder, Task, TaskAddress,
    TaskBuilder, TaskFuture, TaskList, TaskOutcomes, TaskRef, WaitTask, Watch,
};
pub use yielding::{YieldNow, yield_now};

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
