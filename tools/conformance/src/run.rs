//! Running a program: without input, for a bounded time.

use std::io::Read;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use std::{fmt, io};

/// How often a program that has closed its output is asked whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Runs a program to its end, without input, and returns what it wrote to stdout. What it writes
/// to stderr goes where ours goes.
///
/// # Errors
///
/// When it cannot be started, fails, or takes longer than `time_max`; then it is killed.
///
/// # Examples
///
/// ```
/// use asyncio_conformance::run;
/// use std::{process::Command, time::Duration};
///
/// let version = run(Command::new("rustc").arg("--version"), Duration::from_secs(30))?;
/// assert!(version.starts_with("rustc"));
/// # Ok::<(), asyncio_conformance::RunError>(())
/// ```
pub fn run(command: &mut Command, time_max: Duration) -> Result<String, RunError> {
    let deadline = Instant::now() + time_max;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut stdout = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let (sender, output) = mpsc::channel();
    // A thread, since a read of a pipe has no time-out. It ends with the program.
    thread::spawn(move || {
        let mut text = String::new();
        // Nobody listens any more when the time is up.
        let _ = sender.send(stdout.read_to_string(&mut text).map(|_| text));
    });
    let left = || deadline.saturating_duration_since(Instant::now());
    let output = output.recv_timeout(left());
    let mut status = child.try_wait()?;
    while output.is_ok() && status.is_none() && !left().is_zero() {
        thread::sleep(LOOK_EVERY);
        status = child.try_wait()?;
    }
    let (Ok(output), Some(status)) = (output, status) else {
        // It may have ended in between.
        let _ = child.kill();
        child.wait()?;
        return Err(RunError::TimedOut(time_max));
    };
    let output = output?;
    if !status.success() {
        return Err(RunError::Failed(status, output));
    }
    Ok(output)
}

/// Why a program gave no output.
#[derive(Debug)]
pub enum RunError {
    /// It could not be started, or its output is no text.
    Io(io::Error),
    /// It failed, after it had printed this.
    Failed(ExitStatus, String),
    /// It did not end in this time.
    TimedOut(Duration),
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunError::Io(error) => error.fmt(f),
            RunError::Failed(status, _) => write!(f, "it failed: {status}"),
            RunError::TimedOut(time) => write!(f, "it did not end within {time:?}"),
        }
    }
}

impl std::error::Error for RunError {}

impl From<io::Error> for RunError {
    fn from(error: io::Error) -> RunError {
        RunError::Io(error)
    }
}

impl From<io::ErrorKind> for RunError {
    fn from(kind: io::ErrorKind) -> RunError {
        RunError::Io(kind.into())
    }
}
