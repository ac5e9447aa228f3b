//! Type-checking for other systems.
//!
//! We measure and test on Linux. All libraries must keep compiling elsewhere, so that the other
//! systems follow without rework. `-Zbuild-std` makes the standard library for them
//! from its sources; nothing is linked, so no foreign linker is needed.

use crate::debian::Debian;
use crate::workspace::Workspace;

/// IOCP, and kqueue with and without Apple's habits.
const TARGETS: &[&str] = &[
    "x86_64-pc-windows-gnu",
    "aarch64-apple-darwin",
    "x86_64-unknown-freebsd",
];

/// Type-checks the libraries for these systems, or for one of each kind.
///
/// # Errors
///
/// When a crate does not compile, and when Debian's toolchain is missing.
pub fn run(workspace: &Workspace, targets: &[String]) -> Result<(), String> {
    let debian = Debian::ready()?;
    let packages: Vec<&str> = workspace.libraries().map(|it| it.name.as_str()).collect();
    let named = targets.iter().map(String::as_str);
    let targets: Vec<&str> = if targets.is_empty() {
        TARGETS.to_vec()
    } else {
        named.collect()
    };
    for target in targets {
        debian
            .cargo(
                workspace,
                &["check", "-Zbuild-std", "--lib", "--target", target],
            )
            .packages(packages.iter().copied())
            .env("CARGO_TARGET_DIR", workspace.target.join("cross"))
            .run()?;
    }
    Ok(())
}
