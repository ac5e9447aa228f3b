//! What a test needs of its machine and may not find there: a program, a right.

use std::env;
use std::io::{self, Write};
use std::path::Path;
use std::thread;

/// The variable that turns skipping into failing, when it is set and not empty: for a machine on
/// which all is installed, where a test that skips is one that nobody runs.
const NO_SKIP: &str = "ASYNCIO_TEST_NO_SKIP";

/// Whether the test can go on; if not it says so, in one line, and is to return.
///
/// `what` names what is needed so that a reader knows what to install or to be.
///
/// ```
/// use asyncio_testkit::needs;
///
/// fn it_answers_over_ipv6() {
///     let has_ipv6 = std::net::UdpSocket::bind("[::1]:0").is_ok();
///     if !needs("IPv6 on the loopback interface", has_ipv6) {
///         return;
///     }
///     // …
/// }
/// ```
///
/// # Panics
///
/// When it is not there and `ASYNCIO_TEST_NO_SKIP` is set.
#[must_use = "the test is to return where this is false"]
#[track_caller]
pub fn needs(what: &str, is_there: bool) -> bool {
    if is_there {
        return true;
    }
    let forbidden = env::var_os(NO_SKIP).is_some_and(|value| !value.is_empty());
    assert!(!forbidden, "needs {what}, and {NO_SKIP} is set");
    let current = thread::current();
    let test = current.name().unwrap_or("a test");
    // Not `eprintln!`, which libtest captures: of a test that passes nothing would be seen.
    let _ = writeln!(io::stderr(), "skipped: needs {what} ({test})");
    false
}

/// [`needs()`] a program of this name, on the search path.
///
/// # Panics
///
/// As [`needs()`].
#[must_use = "the test is to return where this is false"]
#[track_caller]
pub fn needs_program(name: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    let is_there = env::split_paths(&path).any(|folder| is_program(&folder.join(&file)));
    needs(name, is_there)
}

/// [`needs()`] to be the superuser.
///
/// # Platform-specific behaviour
///
/// Unix only; elsewhere nobody is.
///
/// # Panics
///
/// As [`needs()`].
#[must_use = "the test is to return where this is false"]
#[track_caller]
pub fn needs_root() -> bool {
    #[cfg(unix)]
    let is_root = rustix::process::geteuid().is_root();
    #[cfg(not(unix))]
    let is_root = false;
    needs("root", is_root)
}

#[cfg(unix)]
fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata()
        .is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(file: &Path) -> bool {
    file.is_file()
}
