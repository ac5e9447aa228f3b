//! Tests under the sanitizers.
//!
//! The address and the leak sanitizer come with rustup's stable toolchain; all they need is the
//! nightly flag, hence `RUSTC_BOOTSTRAP`. The thread sanitizer needs a standard library built with
//! it, or it reports races in `Mutex` that are none: that takes the standard library's sources,
//! which Debian packages beside a toolchain of the same version ([`crate::debian`]).

use std::time::Duration;

use crate::debian::Debian;
use crate::shell::Shell;
use crate::workspace::Workspace;

/// The system whose sanitizer runtimes rustup ships and that we run the tests on.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// A sanitizer makes tests several times slower, and a machine may have other work.
const TIME_MAX: Duration = Duration::from_secs(40 * 60);

/// How many times as long as elsewhere a test may take.
const PATIENCE: (&str, &str) = ("ASYNCIO_TEST_PATIENCE", "10");

/// Runs tests under the address sanitizer, which on Linux checks for leaks at the end too.
///
/// # Errors
///
/// When a test or the sanitizer fails.
pub fn address(workspace: &Workspace, packages: &[String]) -> Result<(), String> {
    with_rustup(workspace, packages, "address", "asan")
}

/// Runs tests under the leak sanitizer alone, which finds what hides from the other's larger heap.
///
/// # Errors
///
/// When a test or the sanitizer fails.
pub fn leak(workspace: &Workspace, packages: &[String]) -> Result<(), String> {
    with_rustup(workspace, packages, "leak", "lsan")
}

/// Runs tests under the thread sanitizer.
///
/// # Errors
///
/// When a test or the sanitizer fails, and when Debian's toolchain is missing.
pub fn thread(workspace: &Workspace, packages: &[String]) -> Result<(), String> {
    refuse_other_systems()?;
    let debian = Debian::ready()?;
    debian.link_sanitizers(workspace)?;
    let shell = debian.cargo(workspace, &["test", "-Zbuild-std"]);
    // A million of something on one thread shows it nothing and takes it minutes, and its frames
    // are larger than those that a small stack is promised to hold.
    let arguments = ["--skip", "million", "--skip", "small_stack"];
    test(workspace, shell, packages, "thread", "tsan", &arguments)
}

fn with_rustup(
    workspace: &Workspace,
    packages: &[String],
    sanitizer: &str,
    folder: &str,
) -> Result<(), String> {
    refuse_other_systems()?;
    let shell = Shell::cargo(workspace, &["test"]).env("RUSTC_BOOTSTRAP", "1");
    test(workspace, shell, packages, sanitizer, folder, &[])
}

/// Without packages: all libraries.
fn test(
    workspace: &Workspace,
    shell: Shell,
    packages: &[String],
    sanitizer: &str,
    folder: &str,
    arguments: &[&str],
) -> Result<(), String> {
    let libraries: Vec<String> = workspace.libraries().map(|it| it.name.clone()).collect();
    let packages = if packages.is_empty() {
        &libraries
    } else {
        packages
    };
    // The explicit target keeps the sanitizer out of build scripts.
    shell
        .args(["--no-fail-fast", "--tests", "--target", TARGET])
        .packages(packages.iter().map(String::as_str))
        .args(["--"])
        .args(arguments)
        .env("RUSTFLAGS", format!("-Zsanitizer={sanitizer}"))
        // Tests that panic on purpose must not spend seconds on reading debug information. The
        // sanitizers print stacks of their own.
        .env("RUST_BACKTRACE", "0")
        .env(PATIENCE.0, PATIENCE.1)
        // Those name lines.
        .env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only")
        .env("CARGO_TARGET_DIR", workspace.target.join(folder))
        .time_max(TIME_MAX)
        .run()
}

fn refuse_other_systems() -> Result<(), String> {
    if cfg!(all(
        target_os = "linux",
        target_arch = "x86_64",
        target_env = "gnu"
    )) {
        Ok(())
    } else {
        Err(format!("the sanitizers run on {TARGET} only"))
    }
}
