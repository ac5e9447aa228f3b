//! Debian's own Rust toolchain, for what rustup's stable one cannot do.
//!
//! Debian builds the whole toolchain from one source and packages the standard library's sources
//! with it, so that `-Zbuild-std` works: standard libraries for other systems and with sanitizers.
//! Its packages install `/usr/bin/rustc`, `/usr/bin/cargo` and the sources; rustup's toolchain
//! beside them is not touched.

use std::ffi::OsString;
use std::path::Path;

use crate::shell::{Shell, without_cargo_variables};
use crate::workspace::Workspace;

/// The packages, each with something that it installs.
const PACKAGES: &[(&str, &str)] = &[
    ("rustc-web", RUSTC),
    ("cargo-web", CARGO),
    ("rust-web-src", "/usr/lib/rustlib/src/rust/library/std"),
    // `dlltool`, which the standard library's check for Windows calls.
    (
        "binutils-mingw-w64-x86-64",
        "/usr/bin/x86_64-w64-mingw32-dlltool",
    ),
];
const RUSTC: &str = "/usr/bin/rustc";
const CARGO: &str = "/usr/bin/cargo";
const LIBRARIES: &str = "/usr/lib/rustlib/x86_64-unknown-linux-gnu/lib";

/// Debian's toolchain, which is installed.
#[derive(Debug)]
pub struct Debian {
    _installed: (),
}

impl Debian {
    /// Finds the toolchain; on Debian and as root installs what is missing of it.
    ///
    /// # Errors
    ///
    /// What is missing, in one line.
    pub fn ready() -> Result<Debian, String> {
        let is_missing = |(_, file): &&(&str, &str)| !Path::new(file).exists();
        let missing: Vec<&str> = PACKAGES
            .iter()
            .filter(is_missing)
            .map(|(package, _)| *package)
            .collect();
        if !missing.is_empty() {
            let is_root = Shell::new("id")
                .args(["-u"])
                .output()
                .is_ok_and(|it| it.trim() == "0");
            if !is_root || !Path::new("/usr/bin/apt-get").exists() {
                return Err(format!("needs Debian's packages {}", missing.join(" ")));
            }
            let apt = || Shell::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive");
            apt().args(["update", "-qq"]).run()?;
            apt()
                .args(["install", "-y", "-qq", "--no-install-recommends"])
                .args(missing)
                .run()?;
        }
        Ok(Debian { _installed: () })
    }

    /// Its cargo, at the root of the workspace, with nightly flags allowed.
    pub fn cargo(&self, workspace: &Workspace, arguments: &[&str]) -> Shell {
        let mut path = OsString::from("/usr/bin:");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        without_cargo_variables(Shell::new(CARGO))
            .env_remove("RUSTUP_TOOLCHAIN")
            .env_remove("RUSTC")
            .folder(&workspace.root)
            .args(arguments)
            .env("PATH", path)
            .env("RUSTC_BOOTSTRAP", "1")
    }

    /// Gives it rustup's sanitizer runtimes: Debian leaves them out, and they are the same.
    ///
    /// # Errors
    ///
    /// When rustup's toolchain has none, or the links cannot be made.
    pub fn link_sanitizers(&self, workspace: &Workspace) -> Result<(), String> {
        let sysroot = Shell::new("rustc")
            .folder(&workspace.root)
            .args(["--print", "sysroot"]);
        let rustups =
            Path::new(sysroot.output()?.trim()).join("lib/rustlib/x86_64-unknown-linux-gnu/lib");
        for sanitizer in ["asan", "lsan", "msan", "tsan"] {
            let name = format!("librustc-stable_rt.{sanitizer}.a");
            let (from, to) = (rustups.join(&name), Path::new(LIBRARIES).join(&name));
            if !from.exists() {
                return Err(format!("{} is missing", from.display()));
            }
            if !to.exists() {
                link(&from, &to).map_err(|error| format!("{}: {error}", to.display()))?;
            }
        }
        Ok(())
    }
}

#[cfg(unix)]
fn link(from: &Path, to: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(from, to)
}

#[cfg(not(unix))]
fn link(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::copy(from, to).map(drop)
}
