//! Thread pools, and results that threads wait for: Python's
//! [`concurrent.futures`](https://docs.python.org/3/library/concurrent.futures.html).
//!
//! Python calls [`ConcurrentFuture`] `concurrent.futures.Future`; here it has a name of its own,
//! since both kinds of future are used side by side.

pub use asyncio_blocking::{
    BrokenThreadPool, ConcurrentFuture, ConcurrentFutureRef, ConcurrentPromise, ConfigError,
    ElasticExecutor, Executor, ExecutorExt, Job, JobError, JobPanic, Map, PoolMetrics, Rejected,
    ResultError, SubmitError, ThreadPoolBuilder, ThreadPoolExecutor, Unblock, fs, stdio,
};
