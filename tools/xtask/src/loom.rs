//! The loom models: every interleaving of a few threads, up to a number of preemptions.
//!
//! A model is a test of a crate that has `loom` as a dependency: one in a file `tests/loom….rs`, or
//! a unit test with `loom` in its path. All is built with `--cfg loom`, which dependencies see too,
//! in a target folder of its own.

use crate::shell::Shell;
use crate::steps::Outcome;
use crate::workspace::{Package, Target, Workspace};

/// On every change: two preemptions find what a forgotten fence or a swapped line breaks.
pub const SHORT_PREEMPTIONS: u32 = 2;
/// In `cargo xtask deep`.
pub const LONG_PREEMPTIONS: u32 = 3;

/// Runs the models of all crates that have some; the command line's form.
///
/// # Errors
///
/// When a model fails, or there is none.
pub fn command(workspace: &Workspace, arguments: &[String]) -> Result<(), String> {
    let preemptions = match arguments {
        [] => LONG_PREEMPTIONS,
        [number] => number
            .parse()
            .map_err(|_| format!("`{number}` is no number"))?,
        _ => return Err("takes one number at most".into()),
    };
    run(workspace, preemptions).map(|models| println!("{models}"))
}

/// Runs the models of all crates that have some, and names the crates.
///
/// # Errors
///
/// When a model fails, or there is none.
pub fn run(workspace: &Workspace, preemptions: u32) -> Outcome {
    let has_models = |it: &&Package| it.dependencies.iter().any(|it| it.name == "loom");
    let packages: Vec<&Package> = workspace.members().filter(has_models).collect();
    if packages.is_empty() {
        return Err("no member has `loom` as a dependency, so there is no model".into());
    }
    for package in &packages {
        run_package(workspace, package, preemptions)?;
    }
    let names: Vec<&str> = packages.iter().map(|it| it.name.as_str()).collect();
    Ok(format!("{}, {preemptions} preemptions", names.join(", ")))
}

fn run_package(workspace: &Workspace, package: &Package, preemptions: u32) -> Result<(), String> {
    let test = ["test", "--release", "-p", &package.name];
    let cargo = || cargo(workspace, preemptions, &test);
    let list = cargo().args(["--lib", "--", "loom", "--list"]).output()?;
    let has_unit_tests = list.lines().any(|line| line.ends_with(": test"));
    if has_unit_tests {
        cargo().args(["--lib", "--", "loom"]).run()?;
    }
    let is_file = |it: &&Target| it.kind == "test" && it.name.starts_with("loom");
    let mut files = package.targets.iter().filter(is_file).peekable();
    if files.peek().is_some() {
        cargo()
            .args(files.flat_map(|it| ["--test", &it.name]))
            .run()
    } else if has_unit_tests {
        Ok(())
    } else {
        // A mistake in a name must not go unnoticed.
        Err(format!(
            "{} has `loom` as a dependency and no model",
            package.name
        ))
    }
}

fn cargo(workspace: &Workspace, preemptions: u32, arguments: &[&str]) -> Shell {
    Shell::cargo(workspace, arguments)
        .env("RUSTFLAGS", "--cfg loom")
        .env("LOOM_MAX_PREEMPTIONS", preemptions.to_string())
        .env("CARGO_TARGET_DIR", workspace.target.join("loom"))
}
