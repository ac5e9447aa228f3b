//! Thread pools for code that blocks: bounded, named, cancellable, shut down in order.
//!
//! What an event loop must not do (a slow system call, a library that waits, a computation) a
//! thread does for it. This crate has the threads, and the future that leads back:
//!
//! * [`ThreadPoolExecutor`], Python's: at most so many threads, with names, an initializer, an end;
//! * [`ElasticExecutor`], the pool of the `blocking` crate, which a process has once;
//! * [`ConcurrentFuture`], the result of a job, which threads wait for with
//!   [`result`](ConcurrentFuture::result) and tasks with `.await`; [`ConcurrentPromise`] is its
//!   other half;
//! * [`fs`] and [`stdio`]: files and the standard streams on top, and [`Unblock`] for everything
//!   else that reads or writes;
//! * [`Executor`], the object-safe trait that all pools have; [`ExecutorExt`] for what is done with
//!   them: `submit`, `map`.
//!
//! It knows no event loop: its futures can be awaited on every executor.
//!
//! # What happens on the machine
//!
//! A submission is one allocation and a push to a lock-free queue. If a worker is looking for work
//! that is all; otherwise one is woken, or, if none is idle and there may be more, a thread is
//! started. A burst of submissions wakes one worker, which wakes the next as long as jobs wait. One
//! idle worker of a pool looks out for 20 µs before it sleeps, so that jobs one after the other
//! need no system call. A completion takes one lock, then wakes who waits, in the worker's thread.
//!
//! # Examples
//!
//! ```
//! use asyncio_blocking::{ExecutorExt, ThreadPoolExecutor};
//!
//! # futures_lite::future::block_on(async {
//! let pool = ThreadPoolExecutor::builder().max_workers(4).thread_name_prefix("disk").build()?;
//! let manifest = pool.submit(|| std::fs::read_to_string("Cargo.toml"))?;
//! let text = manifest.await??;
//! assert!(text.contains("asyncio-blocking"));
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```
//!
//! # What it does not do
//!
//! It stops no job that runs: no system can do that to a thread and leave the process whole. It
//! orders jobs by arrival only: no priorities, no stealing, no scopes that borrow from the caller.
//! It is not for computations on all cores, for which there is `rayon`.
//!
//! A panic in a job is its future's error. One in a done-callback, a waker or a destructor is
//! reported by the panic hook, as every panic is, and ends there. Both need unwinding: with
//! `panic = "abort"` the process ends, and so it does at a second panic while unwinding.

#![forbid(unsafe_code)]

mod elastic;
mod error;
mod executor;
pub mod fs;
mod future;
mod guard;
mod job;
mod map;
mod panic;
mod piped;
mod pool;
pub mod stdio;
mod sync;

/// Reads, writes or iterates in a thread of the elastic pool: the `blocking` crate's, as it is.
///
/// Three things to know: flush before dropping, or what is still in its pipe may be lost; after
/// `close` it panics when it is used; and reading runs ahead, so that a relative seek does not
/// start where the reader is. [`fs::File`] and [`stdio`] have none of these edges.
pub use blocking::Unblock;

pub use crate::elastic::ElasticExecutor;
pub use crate::error::{BrokenThreadPool, JobError, Rejected, ResultError, SubmitError};
pub use crate::executor::{Executor, ExecutorExt};
pub use crate::future::{ConcurrentFuture, ConcurrentFutureRef, ConcurrentPromise};
pub use crate::job::Job;
pub use crate::map::Map;
pub use crate::panic::JobPanic;
pub use crate::pool::{ConfigError, PoolMetrics, ThreadPoolBuilder, ThreadPoolExecutor};

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
