//! One test in a process of its own: this test binary, started again for that test alone.

use std::env;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::exclusive::exclusive;
use crate::watchdog::Watchdog;

/// The name of the test that this process was started for.
const CHILD: &str = "ASYNCIO_TESTKIT_CHILD";

/// How long a parent waits beyond the child's own time: the child's watchdog speaks first.
const GRACE: Duration = Duration::from_secs(10);

/// Runs the body of a test in a child process.
///
/// The test calls [`run`](Child::run) with its own name. In the parent that starts this binary
/// again, for this test alone; in the child, where the same line is reached, it runs the body under
/// the limits that were declared. So a test can end its process, run out of descriptors, or look at
/// process-wide state that nothing else touches.
///
/// ```no_run
/// use asyncio_testkit::Child;
///
/// # fn main() {
/// // In a test with the name `aborts_on_a_double_panic`:
/// let outcome = Child::new("aborts_on_a_double_panic").run(|| std::process::abort());
/// let Some(outcome) = outcome else { return }; // This is the child, and its body has returned.
/// assert!(!outcome.status.success());
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing happens before `run`"]
pub struct Child {
    test: String,
    time_max: Duration,
    descriptors_max: Option<u64>,
    memory_bytes_max: Option<u64>,
    environment: Vec<(String, String)>,
}

/// How a child process ended, and what it printed.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Its exit status or the signal that ended it.
    pub status: ExitStatus,
    /// What it wrote to stdout, libtest's own lines included.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
}

impl Outcome {
    /// Insists that the test passed in the child.
    ///
    /// # Panics
    ///
    /// When it did not, with everything that the child printed.
    #[track_caller]
    pub fn assert_success(&self) {
        assert!(
            self.status.success(),
            "the child ended with {}\n--- stdout\n{}--- stderr\n{}",
            self.status,
            self.stdout,
            self.stderr
        );
    }
}

impl Child {
    /// A child for the test with this name: the whole path as libtest prints it, without the
    /// crate's name (`module::test`, or `test` at the root of a file in `tests/`).
    ///
    /// It may take 30 seconds, and has no other limits.
    pub fn new(test: &str) -> Child {
        Child {
            test: test.to_owned(),
            time_max: Duration::from_secs(30),
            descriptors_max: None,
            memory_bytes_max: None,
            environment: Vec::new(),
        }
    }

    /// Aborts the child after this much real time.
    pub fn time_max(mut self, limit: Duration) -> Child {
        self.time_max = limit;
        self
    }

    /// Lets the child have descriptors with numbers below this only (`RLIMIT_NOFILE`).
    ///
    /// # Platform-specific behaviour
    ///
    /// Unix only; elsewhere the child panics.
    pub fn descriptors_max(mut self, limit: u64) -> Child {
        self.descriptors_max = Some(limit);
        self
    }

    /// Lets the child have this many bytes of address space (`RLIMIT_AS`).
    ///
    /// # Platform-specific behaviour
    ///
    /// Unix only; elsewhere the child panics.
    pub fn memory_bytes_max(mut self, limit: u64) -> Child {
        self.memory_bytes_max = Some(limit);
        self
    }

    /// Sets a variable in the child's environment.
    pub fn env(mut self, name: &str, value: &str) -> Child {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// In the parent: runs the test in a child and returns how that ended. In the child: applies
    /// the limits, runs `body` and returns `None`.
    ///
    /// The parent holds [`exclusive`] meanwhile: its child must not be another test's surprise.
    ///
    /// # Panics
    ///
    /// When the child cannot be started or its limits cannot be set, and when no test has the
    /// name. In the child with `body`'s panic, which the parent sees as the outcome.
    #[track_caller]
    pub fn run(self, body: impl FnOnce()) -> Option<Outcome> {
        if env::var_os(CHILD).is_some_and(|test| test.to_str() == Some(&self.test)) {
            let _watchdog = Watchdog::start(&self.test, self.time_max);
            limits::set(self.descriptors_max, self.memory_bytes_max);
            body();
            return None;
        }
        let _alone = exclusive();
        let _watchdog = Watchdog::start(&self.test, self.time_max + GRACE);
        let binary = env::current_exe().expect("a test binary has a path");
        let output = Command::new(binary)
            .args([&self.test, "--exact", "--nocapture", "--test-threads=1"])
            .env(CHILD, &self.test)
            .envs(self.environment)
            .stdin(Stdio::null())
            .output()
            .expect("cannot start the test binary again");
        let outcome = Outcome {
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        assert!(
            outcome.stdout.contains("running 1 test"),
            "this binary has no test with the name `{}`",
            self.test
        );
        Some(outcome)
    }
}

/// Runs the body of the named test in a child process, where it must pass.
///
/// # Panics
///
/// When it does not pass, with everything that the child printed; and as [`Child::run`].
///
/// ```no_run
/// # fn main() {
/// // In a test with the name `leaks_nothing`:
/// asyncio_testkit::in_child("leaks_nothing", || { /* the test */ });
/// # }
/// ```
#[track_caller]
pub fn in_child(test: &str, body: impl FnOnce()) {
    if let Some(outcome) = Child::new(test).run(body) {
        outcome.assert_success();
    }
}

#[cfg(unix)]
mod limits {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    pub(super) fn set(descriptors_max: Option<u64>, memory_bytes_max: Option<u64>) {
        lower(Resource::Nofile, descriptors_max);
        lower(Resource::As, memory_bytes_max);
    }

    fn lower(resource: Resource, limit: Option<u64>) {
        if limit.is_some() {
            let maximum = getrlimit(resource).maximum;
            setrlimit(
                resource,
                Rlimit {
                    current: limit,
                    maximum,
                },
            )
            .unwrap_or_else(|error| panic!("cannot limit {resource:?} to {limit:?}: {error}"));
        }
    }
}

#[cfg(not(unix))]
mod limits {
    pub(super) fn set(descriptors_max: Option<u64>, memory_bytes_max: Option<u64>) {
        assert!(
            descriptors_max.is_none() && memory_bytes_max.is_none(),
            "this system has no limits that a process could set for itself"
        );
    }
}
