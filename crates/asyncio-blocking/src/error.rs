//! What can go wrong: with a job ([`JobError`]), while waiting for it ([`ResultError`]), when it
//! is handed over ([`SubmitError`], [`Rejected`]).

use std::error::Error;
use std::sync::Arc;
use std::{fmt, io};

use crate::{Job, JobPanic};

/// Why a job gave no value.
#[derive(Debug)]
#[non_exhaustive]
pub enum JobError {
    /// It was cancelled before it started, or whoever should have completed it went away.
    Cancelled,
    /// It panicked, with this.
    Panicked(JobPanic),
    /// It was still waiting when the pool's initializer failed.
    Broken(BrokenThreadPool),
    /// It did give a value, which has been taken already.
    Taken,
}

impl JobError {
    /// Whether the job was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled)
    }

    /// What the job panicked with, if it did.
    #[must_use]
    pub fn into_panic(self) -> Option<JobPanic> {
        match self {
            Self::Panicked(panic) => Some(panic),
            _ => None,
        }
    }
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("the job was cancelled"),
            Self::Panicked(panic) => write!(f, "the job panicked: {panic}"),
            Self::Broken(broken) => broken.fmt(f),
            Self::Taken => f.write_str("the job's result has been taken already"),
        }
    }
}

impl Error for JobError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Broken(broken) => Some(broken),
            _ => None,
        }
    }
}

impl From<JobError> for io::Error {
    fn from(error: JobError) -> Self {
        Self::other(error)
    }
}

/// Why [`ConcurrentFuture::result`](crate::ConcurrentFuture::result) gave no value.
#[derive(Debug)]
pub enum ResultError {
    /// The time was up first. The job goes on, and `result` may be called again.
    TimedOut,
    /// The job ended without a value.
    Job(JobError),
}

impl fmt::Display for ResultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => f.write_str("the result was not there in time"),
            Self::Job(error) => error.fmt(f),
        }
    }
}

impl Error for ResultError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::TimedOut => None,
            Self::Job(error) => error.source(),
        }
    }
}

impl From<JobError> for ResultError {
    fn from(error: JobError) -> Self {
        Self::Job(error)
    }
}

impl From<ResultError> for io::Error {
    fn from(error: ResultError) -> Self {
        match error {
            ResultError::TimedOut => Self::new(io::ErrorKind::TimedOut, error),
            ResultError::Job(error) => error.into(),
        }
    }
}

/// Why an executor did not take a job.
#[non_exhaustive]
#[derive(Debug)]
pub enum SubmitError {
    /// The executor has been shut down.
    ShutDown,
    /// The pool's initializer has failed; it takes no job any more.
    Broken(BrokenThreadPool),
    /// As many jobs are waiting as the executor allows.
    QueueFull {
        /// That number.
        limit: usize,
    },
    /// There is no worker, and the system did not let one start. A later try may go well.
    Spawn(io::Error),
    /// A reason of an executor that is not of this crate.
    Other(Box<dyn Error + Send + Sync>),
}

impl fmt::Display for SubmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShutDown => f.write_str("cannot schedule new futures after shutdown"),
            Self::Broken(broken) => broken.fmt(f),
            Self::QueueFull { limit } => write!(f, "the queue is full: {limit} jobs are waiting"),
            Self::Spawn(error) => write!(f, "cannot start a worker thread: {error}"),
            Self::Other(error) => error.fmt(f),
        }
    }
}

impl Error for SubmitError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Spawn(error) => Some(error),
            Self::Broken(broken) => Some(broken),
            Self::Other(error) => error.source(),
            Self::ShutDown | Self::QueueFull { .. } => None,
        }
    }
}

impl From<SubmitError> for io::Error {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Spawn(error) => error,
            SubmitError::QueueFull { .. } => Self::new(io::ErrorKind::WouldBlock, error),
            other => Self::other(other),
        }
    }
}

/// A job that was not taken, given back, and why.
///
/// Dropping it drops the job, whose future is then cancelled.
#[derive(Debug)]
pub struct Rejected {
    job: Job,
    error: SubmitError,
}

impl Rejected {
    /// For executors: gives `job` back.
    #[must_use]
    pub fn new(job: Job, error: SubmitError) -> Self {
        Self { job, error }
    }

    /// Why.
    #[must_use]
    pub fn error(&self) -> &SubmitError {
        &self.error
    }

    /// The job, to be given to another executor or run here, and why it was not taken.
    pub fn into_parts(self) -> (Job, SubmitError) {
        (self.job, self.error)
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Error for Rejected {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

/// The initializer of a [`ThreadPoolExecutor`](crate::ThreadPoolExecutor) failed in one of its
/// threads, and the pool is not usable any more.
#[derive(Clone, Debug)]
pub struct BrokenThreadPool {
    cause: Arc<dyn Error + Send + Sync>,
}

impl BrokenThreadPool {
    pub(crate) fn by_error(cause: Box<dyn Error + Send + Sync>) -> Self {
        Self {
            cause: cause.into(),
        }
    }

    pub(crate) fn by_panic(panic: &JobPanic) -> Self {
        // Only the text is kept: the payload is for one owner, this error is for every job.
        Self::by_error(format!("it panicked: {panic}").into())
    }
}

impl fmt::Display for BrokenThreadPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cause = &self.cause;
        write!(
            f,
            "a thread initializer failed, the thread pool is not usable anymore: {cause}"
        )
    }
}

impl Error for BrokenThreadPool {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.cause.as_ref())
    }
}
