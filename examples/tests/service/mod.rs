//! A program of this package that serves until it is stopped.

use std::io::{BufRead, BufReader, Lines};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

/// How long anything here may take, with room for a busy machine.
pub(crate) const TIME_MAX: Duration = Duration::from_secs(60);

/// The running program, which ends with the test.
pub(crate) struct Service {
    child: Child,
    /// What it prints after what it says first. Kept, so that it can print.
    _lines: Lines<BufReader<ChildStdout>>,
    /// Where it listens, as it says.
    pub(crate) bound: String,
    /// What to type next, as it says.
    pub(crate) typed: String,
}

impl Service {
    /// Starts it, and waits until it listens.
    pub(crate) fn start(program: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let mut lines = BufReader::new(stdout).lines();
        let line = lines.next().expect("it ends before it listens").unwrap();
        let (bound, typed) = line
            .strip_prefix("listening on ")
            .and_then(|rest| rest.split_once("; now type: "))
            .unwrap();
        Self {
            bound: bound.to_owned(),
            typed: typed.to_owned(),
            _lines: lines,
            child,
        }
    }

    /// Where it listens, on the network.
    pub(crate) fn address(&self) -> SocketAddr {
        self.bound.parse().unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
