//! [`ThreadPoolBuilder`]: Python's keyword arguments of the pool, and a few of ours.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::ThreadPoolExecutor;

/// How long a worker waits for a job before it ends. Ten seconds is tokio's figure too: longer
/// than the pauses of a program that is at work, short for a person.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Jobs that may wait. Python has no limit; this is one that only a runaway producer meets, at a
/// few hundred megabytes.
const MAX_QUEUE: usize = 1 << 20;

/// The settings of a [`ThreadPoolExecutor`].
///
/// # Examples
///
/// ```
/// use asyncio_blocking::{ExecutorExt, ThreadPoolExecutor};
///
/// let pool = ThreadPoolExecutor::builder()
///     .max_workers(4)
///     .initializer(|| std::env::current_dir().map(drop))
///     .build()?;
/// assert!(pool.submit(|| true)?.result(None)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
#[must_use = "nothing is built before `build` is called"]
pub struct ThreadPoolBuilder {
    settings: Settings,
}

/// What an initializer is.
pub(super) type Initializer = dyn Fn() -> Result<(), Box<dyn Error + Send + Sync>> + Send + Sync;

pub(super) struct Settings {
    pub(super) max_workers: usize,
    pub(super) max_queue: usize,
    pub(super) thread_name_prefix: String,
    pub(super) keep_alive: Duration,
    pub(super) stack_size: Option<usize>,
    pub(super) initializer: Option<Arc<Initializer>>,
}

impl ThreadPoolBuilder {
    /// The most threads there may be at a time. Default: the number of processors plus four, at
    /// most 32, as in Python.
    pub fn max_workers(mut self, max_workers: usize) -> Self {
        self.settings.max_workers = max_workers;
        self
    }

    /// Threads are called `prefix_0`, `prefix_1`, …; the number of a thread that has ended is used
    /// again. Default, also for an empty prefix: `ThreadPoolExecutor-N`, where `N` counts the
    /// pools of the process that have no prefix.
    ///
    /// # Platform-specific behaviour
    ///
    /// Linux shows the first 15 bytes.
    pub fn thread_name_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.settings.thread_name_prefix = prefix.into();
        self
    }

    /// Called by each thread when it starts, before its first job.
    ///
    /// If it fails or panics the pool is broken, as in Python: the jobs that wait fail with
    /// [`JobError::Broken`](crate::JobError::Broken), later ones are rejected, those that are
    /// being run end as usual.
    pub fn initializer<F, E>(mut self, initializer: F) -> Self
    where
        F: Fn() -> Result<(), E> + Send + Sync + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        self.settings.initializer = Some(Arc::new(move || initializer().map_err(Into::into)));
        self
    }

    /// How long a worker without work lives. Default: ten seconds. `Duration::MAX` is for ever, as
    /// in Python; zero ends it as soon as it is idle.
    pub fn keep_alive(mut self, keep_alive: Duration) -> Self {
        self.settings.keep_alive = keep_alive;
        self
    }

    /// The most jobs that may wait for a worker; those beyond are rejected with
    /// [`SubmitError::QueueFull`](crate::SubmitError::QueueFull). Default: 1,048,576.
    pub fn max_queue(mut self, max_queue: usize) -> Self {
        self.settings.max_queue = max_queue;
        self
    }

    /// The stack of each thread in bytes. Default: std's, 2 MiB or `RUST_MIN_STACK`.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.settings.stack_size = Some(bytes);
        self
    }

    /// The pool. No thread is started before the first job.
    ///
    /// # Errors
    ///
    /// If a setting makes no sense.
    pub fn build(self) -> Result<ThreadPoolExecutor, ConfigError> {
        let settings = self.settings;
        if settings.max_workers == 0 {
            return Err(ConfigError::MaxWorkers);
        }
        if settings.max_queue == 0 {
            return Err(ConfigError::MaxQueue);
        }
        if settings.thread_name_prefix.contains('\0') {
            return Err(ConfigError::ThreadNamePrefix);
        }
        Ok(ThreadPoolExecutor::with(settings))
    }
}

impl Settings {
    /// What the threads are called but for their number.
    pub(super) fn prefix(&self) -> String {
        static POOLS: AtomicUsize = AtomicUsize::new(0);
        if self.thread_name_prefix.is_empty() {
            format!(
                "ThreadPoolExecutor-{}",
                POOLS.fetch_add(1, Ordering::Relaxed)
            )
        } else {
            self.thread_name_prefix.clone()
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            // What asyncio's default executor has: min(32, process_cpu_count() + 4).
            max_workers: processors().saturating_add(4).min(32),
            max_queue: MAX_QUEUE,
            thread_name_prefix: String::new(),
            keep_alive: KEEP_ALIVE,
            stack_size: None,
            initializer: None,
        }
    }
}

/// Those that this process may use, at least one.
pub(super) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("max_workers", &self.max_workers)
            .field("max_queue", &self.max_queue)
            .field("thread_name_prefix", &self.thread_name_prefix)
            .field("keep_alive", &self.keep_alive)
            .field("stack_size", &self.stack_size)
            .field("initializer", &self.initializer.is_some())
            .finish()
    }
}

/// A setting of a [`ThreadPoolBuilder`] that makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// `max_workers` is zero.
    MaxWorkers,
    /// `max_queue` is zero: every job waits in the queue for a moment.
    MaxQueue,
    /// The prefix contains a zero byte, which the name of a thread cannot.
    ThreadNamePrefix,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MaxWorkers => "max_workers must be greater than 0",
            Self::MaxQueue => "max_queue must be greater than 0",
            Self::ThreadNamePrefix => "thread_name_prefix must not contain a zero byte",
        })
    }
}

impl Error for ConfigError {}
