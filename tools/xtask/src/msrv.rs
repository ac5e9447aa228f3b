//! The oldest toolchain that we promise to build with.
//!
//! On every change clippy's `incompatible_msrv` looks at the standard library's items that we use
//! and [`crate::tidy::manifests::oldest_toolchain`] at what our dependencies ask for. This is the
//! proof: that toolchain itself.

use crate::shell::Shell;
use crate::workspace::Workspace;

/// Type-checks the libraries with the toolchain of their `rust-version`.
///
/// # Errors
///
/// When they do not compile, and when rustup does not have that toolchain.
pub fn run(workspace: &Workspace) -> Result<(), String> {
    let Some(toolchain) = toolchain(workspace)? else {
        return Err(missing(workspace));
    };
    let libraries = workspace.libraries().map(|it| it.name.as_str());
    Shell::new("rustup")
        .folder(&workspace.root)
        .args(["run", &toolchain, "cargo", "check", "--all-features"])
        .packages(libraries)
        .env("CARGO_TARGET_DIR", workspace.target.join("msrv"))
        .run()
}

/// The installed toolchain for our `rust-version`, if there is one.
///
/// # Errors
///
/// When rustup cannot be asked.
pub fn toolchain(workspace: &Workspace) -> Result<Option<String>, String> {
    let version = version(workspace);
    let list = Shell::new("rustup").args(["toolchain", "list"]).output()?;
    let mut names = list
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    let is_ours = |name: &str| {
        let rest = name.strip_prefix(version);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.']))
    };
    Ok(names.find(|name| is_ours(name)).map(str::to_owned))
}

/// What to do about a toolchain that is missing.
pub fn missing(workspace: &Workspace) -> String {
    format!("needs `rustup toolchain install {}`", version(workspace))
}

fn version(workspace: &Workspace) -> &str {
    let mut versions = workspace
        .libraries()
        .filter_map(|it| it.rust_version.as_deref());
    versions.next().unwrap_or_default()
}
