//! Futures that are set once and awaited by many, groups of tasks, and the ways to wait for several
//! things at once: asyncio's `futures`, `tasks`, `taskgroups` and `timeouts` modules.
//!
//! * [`task_group()`] and [`TaskGroup`]: tasks that end together, and with the first failure.
//! * [`gather()`] and [`try_gather`]: a group of tasks, started at once, awaited and cancelled as
//!   one. [`wait()`]: for some of them. [`as_completed()`]: in the order in which they end.
//! * [`timeout()`], [`Timeout`], [`wait_for()`], [`move_on_after`]: deadlines for whatever is
//!   awaited. [`CancelScope`]: a handle that ends a part of a task.
//! * [`race()`], [`select!`], [`staggered_race`]: the first of several futures; the others are
//!   cancelled, and their clean-up is awaited. [`join!`] and [`try_join!`]: all of several.
//! * [`shield()`]: keeps a cancellation away from what is to go on.
//! * [`Future`]: a value that comes later. [`ensure_future`]: what makes a task of a future.
//!
//! # What really happens
//! A group costs a few words for each child and no allocation: a task that ends tells its one
//! observer, which puts an entry into the loop's ready queue, in the place where asyncio has a
//! done-callback. So everything here comes as many turns later as in asyncio: the awaiting task
//! goes on in the third turn after it called `gather`. A timeout is a cancel scope and, once
//! its body has to wait, a timer; each branch of a race is a cancel scope.
//!
//! What awaits a task, a [`Future`], a group or a shield passes a cancellation on to it, and waits
//! for what it makes of that; dropping an `await` cancels nothing.
//!
//! # What is a handle
//! A task, a [`Future`], a [`Gather`], a [`Shield`] is a handle: it is awaited by value or through
//! `&mut`, and may be asked whether it is done. It is not itself a future of the standard library,
//! so that combinators can tell a future, which they make a task of, from a handle, which they
//! take as it is. For foreign combinators there is [`into_future`](IntoFuture::into_future).
//!
//! A handle is awaited, and combined with others, in its own event loop. In another one that is a
//! panic, unless what it stands for has ended: one thread does not run both, so the wait would not
//! end. Foreign executors may wait.
//!
//! # Example
//! ```
//! use asyncio_futures::{gather, timeout};
//! use asyncio_loop::{EventLoop, sleep};
//! use std::time::Duration;
//!
//! async fn fetch(n: u64) -> u64 {
//!     sleep(Duration::from_millis(n)).await;
//!     n
//! }
//!
//! let event_loop = EventLoop::new()?;
//! event_loop.run_until_complete(async {
//!     let all = gather((1..=3).map(fetch));
//!     let values = timeout(Duration::from_secs(5), all).await.unwrap().unwrap();
//!     assert_eq!(values, [1, 2, 3]);
//! })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What this crate does not do
//! It runs nothing by itself: tasks are the executor's, timers the loop's. It drops nothing that may
//! still have to clean up, unless you drop it.
#![forbid(unsafe_code)]

mod as_completed;
mod awaited;
mod cancel_scope;
mod child;
mod completion;
mod ensure;
mod error;
mod future;
mod gather;
mod group;
mod inbox;
mod join;
mod mapped;
mod owned;
mod panics;
mod race;
mod running;
mod shield;
mod timeout;
mod wait;

pub use as_completed::{AsCompleted, AsCompletedWithin, as_completed};
pub use awaited::{Awaited, AwaitedMut, Handle, Watch};
pub use cancel_scope::{CancelScope, InScope};
pub use child::{Child, Target};
pub use ensure::ensure_future;
pub use error::{EmptySetError, GatherError, TimeoutError};
pub use future::{Future, FutureCallbackId, FutureWait, create_future};
pub use gather::{
    ChildList, Children, Gather, IntoChildren, Many, Mode, Plain, ReturnExceptions, Rules, Try,
    TryChildren, Tuple, Verdict, Visitor, gather, gather_on, try_gather, try_gather_on,
};
pub use group::{
    ChildFailed, ErrorGroup, GroupError, GroupTaskBuilder, Ready, StartError, TaskGroup,
    TaskGroupClosed, task_group,
};
pub use join::{Join, TryJoin};
#[doc(hidden)]
pub use race::select as __choice;
pub use race::{Race, race, staggered_race};
pub use shield::{Shield, shield};
pub use timeout::{
    Awaitable, Coroutine, Timed, Timeout, TimeoutStateError, Waitable, move_on_after, timeout,
    timeout_at, wait_for,
};
pub use wait::{ReturnWhen, Wait, try_wait, wait};

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
