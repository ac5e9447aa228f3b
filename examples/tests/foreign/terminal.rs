//! A program with somebody who types and reads.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use crate::service::TIME_MAX;

/// The running program, which ends with the test.
pub(crate) struct Terminal {
    child: Child,
    keyboard: Option<ChildStdin>,
    screen: Receiver<String>,
}

impl Terminal {
    /// Types a command line, without quotes.
    pub(crate) fn command(line: &str) -> Self {
        let mut words = line.split_whitespace();
        let mut command = Command::new(words.next().unwrap());
        Self::start(command.args(words))
    }

    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let keyboard = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, screen) = mpsc::channel();
        // A thread, since a read of a pipe has no time-out. It ends with the program, or with us.
        thread::spawn(move || {
            for line in stdout.lines() {
                if line.is_err() || line.is_ok_and(|it| sender.send(it).is_err()) {
                    return;
                }
            }
        });
        Self {
            child,
            keyboard,
            screen,
        }
    }

    /// Types a line.
    pub(crate) fn say(&mut self, line: &str) {
        writeln!(self.keyboard.as_ref().unwrap(), "{line}").unwrap();
    }

    /// Types the end of its input.
    pub(crate) fn says_no_more(&mut self) {
        self.keyboard = None;
    }

    /// The next line that it shows.
    pub(crate) fn line(&self) -> String {
        self.screen.recv_timeout(TIME_MAX).expect("no line")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
