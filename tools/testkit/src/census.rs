//! What the process holds from the kernel: descriptors, threads, children, CPU time.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::exclusive::is_test_thread;
use crate::watchdog::holds_before;

/// The descriptors and threads that the process has, by number.
///
/// Empty on systems other than Linux, where there is no `/proc/self` to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Census {
    /// Number and target of each descriptor, in order of number.
    descriptors: Vec<(u64, String)>,
    /// Number and name of each thread, in order of number.
    threads: Vec<(u64, String)>,
    children: Children,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Children {
    None,
    Running,
    Zombie,
}

impl Census {
    /// Looks at the process.
    ///
    /// # Panics
    ///
    /// When `/proc/self` cannot be read on Linux.
    pub fn take() -> Census {
        sys::census()
    }

    /// What of `self`, taken later, was not there in `before`, or is no longer there.
    ///
    /// Threads of tests that wait for [`exclusive`](crate::exclusive()) are not counted, nor are
    /// threads that have ended.
    pub fn since(&self, before: &Census) -> Difference {
        let missing_in = |other: &Census, descriptors: &[(u64, String)]| -> Vec<String> {
            descriptors
                .iter()
                .filter(|entry| !other.descriptors.contains(entry))
                .map(|(number, target)| format!("{number} ({target})"))
                .collect()
        };
        Difference {
            opened: missing_in(before, &self.descriptors),
            closed: missing_in(self, &before.descriptors),
            threads: self
                .threads
                .iter()
                .filter(|(id, _)| !is_test_thread(*id))
                .filter(|(id, _)| !before.threads.iter().any(|(known, _)| known == id))
                .map(|(id, name)| format!("{id} ({name})"))
                .collect(),
            // Children that were there before are the caller's business, until one is a zombie.
            children: match (before.children, self.children) {
                (Children::None, Children::Running) => Some("a child process still runs"),
                (Children::None | Children::Running, Children::Zombie) => {
                    Some("a child process has ended and nobody waited for it")
                }
                _ => None,
            },
        }
    }

    /// How many descriptors the process had open. Zero on systems other than Linux.
    pub fn descriptors(&self) -> usize {
        self.descriptors.len()
    }

    /// How many threads the process had. Zero on systems other than Linux.
    pub fn threads(&self) -> usize {
        self.threads.len()
    }
}

/// What one [`Census`] has that an earlier one had not, and the other way round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Descriptors that were opened and not closed, with what they are.
    pub opened: Vec<String>,
    /// Descriptors that were open before: somebody closed what was not theirs.
    pub closed: Vec<String>,
    /// Threads that were started and have not ended, with their names.
    pub threads: Vec<String>,
    /// A child process that still runs or was not waited for.
    pub children: Option<&'static str>,
}

impl Difference {
    /// Whether no more than this many descriptors and threads are new, nothing was closed, and
    /// no child is left.
    pub fn is_within(&self, descriptors: usize, threads: usize) -> bool {
        self.opened.len() <= descriptors
            && self.closed.is_empty()
            && self.threads.len() <= threads
            && self.children.is_none()
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (what, entries) in [
            ("descriptors left open", &self.opened),
            ("descriptors closed that were open before", &self.closed),
            ("threads left running", &self.threads),
        ] {
            if !entries.is_empty() {
                write!(f, "{separator}{what}: {}", entries.join(", "))?;
                separator = "; ";
            }
        }
        if let Some(children) = self.children {
            write!(f, "{separator}{children}")?;
        }
        Ok(())
    }
}

/// Threads that no test waits for any more: a sanitizer's own, a process-wide pool's.
static LASTING: Mutex<Vec<u64>> = Mutex::new(Vec::new());

/// Waits until the threads are gone that earlier tests have started, and with them the descriptors
/// that such a thread still held. One that outlives the wait is there to stay: a sanitizer's own, for
/// which nobody should wait ten times as long because everything is slow under it.
pub(crate) fn settle(limit: Duration) {
    let first = u64::from(std::process::id());
    let mut lasting = LASTING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut left = Vec::new();
    let are_gone = holds_before(limit, || {
        left = Census::take().threads;
        left.retain(|(id, _)| *id != first && !is_test_thread(*id) && !lasting.contains(id));
        left.is_empty()
    });
    if !are_gone {
        lasting.extend(left.into_iter().map(|(id, _)| id));
    }
}

/// How many threads the process has, or `None` where that cannot be seen (not on Linux).
pub fn threads() -> Option<usize> {
    match Census::take().threads() {
        0 => None,
        count => Some(count),
    }
}

/// CPU time that all threads of the process have used, or `None` where there is no such clock.
///
/// `clock_gettime(CLOCK_PROCESS_CPUTIME_ID)`, on Unix.
pub fn cpu_time() -> Option<Duration> {
    sys::cpu_time()
}

#[cfg(target_os = "linux")]
mod sys {
    use super::{Census, Children};
    use rustix::io::Errno;
    use rustix::process::{WaitId, WaitIdOptions, waitid};
    use std::fs;

    pub(super) fn census() -> Census {
        Census {
            // A descriptor can close while the folder is read, and the reader's own is in it: what
            // no longer has a target is not open.
            descriptors: entries("/proc/self/fd", |number| {
                let target = fs::read_link(format!("/proc/self/fd/{number}")).ok()?;
                let target = target.to_string_lossy().into_owned();
                (!target.ends_with("/fd") || !target.starts_with("/proc/")).then_some(target)
            }),
            threads: entries("/proc/self/task", |id| {
                let name = fs::read_to_string(format!("/proc/self/task/{id}/comm")).ok()?;
                Some(name.trim_end().to_owned())
            }),
            children: children(),
        }
    }

    fn entries(folder: &str, describe: impl Fn(u64) -> Option<String>) -> Vec<(u64, String)> {
        let listing = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder}: {error}"));
        let mut entries: Vec<(u64, String)> = listing
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter_map(|number| Some((number, describe(number)?)))
            .collect();
        entries.sort_unstable();
        entries
    }

    /// Looks without reaping (`WNOWAIT`): the child may be another test's.
    fn children() -> Children {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match waitid(WaitId::All, options) {
            Ok(Some(_)) => Children::Zombie,
            Ok(None) => Children::Running,
            Err(Errno::CHILD) => Children::None,
            Err(error) => panic!("waitid: {error}"),
        }
    }

    pub(super) use super::unix::cpu_time;
}

#[cfg(not(target_os = "linux"))]
mod sys {
    use super::{Census, Children};
    use std::sync::Once;

    pub(super) fn census() -> Census {
        static SAID: Once = Once::new();
        SAID.call_once(|| {
            eprintln!("testkit: descriptors, threads and children are only looked at on Linux");
        });
        Census {
            descriptors: Vec::new(),
            threads: Vec::new(),
            children: Children::None,
        }
    }

    #[cfg(unix)]
    pub(super) use super::unix::cpu_time;

    #[cfg(not(unix))]
    pub(super) fn cpu_time() -> Option<std::time::Duration> {
        None
    }
}

#[cfg(unix)]
mod unix {
    use rustix::time::{ClockId, clock_gettime};
    use std::time::Duration;

    pub(super) fn cpu_time() -> Option<Duration> {
        let now = clock_gettime(ClockId::ProcessCPUTime);
        // The kernel's clock never gives a negative time.
        Some(Duration::new(
            u64::try_from(now.tv_sec).ok()?,
            u32::try_from(now.tv_nsec).ok()?,
        ))
    }
}
