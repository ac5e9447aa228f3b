//! The loom models: every interleaving of a few threads, up to a number of preemptions.
//!
//! A model is a test of a crate that has `loom` as a dependency; its name has `loom` in it. It is
//! built with `--cfg loom`, which other crates of that name's convention see too, in a target
//! folder of its own.

use crate::shell::Shell;
use crate::steps::Outcome;
use crate::workspace::{Package, Workspace};

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
    let packages: Vec<&str> = workspace
        .members()
        .filter(has_models)
        .map(|it| it.name.as_str())
        .collect();
    if packages.is_empty() {
        return Err("no member has `loom` as a dependency, so there is no model".into());
    }
    // Per crate: a filter that matches no test of one of them must not go unnoticed.
    for package in &packages {
        let test = [
            "test",
            "--release",
            "-p",
            package,
            "--lib",
            "--tests",
            "loom",
        ];
        let list = cargo(workspace, preemptions, &test)
            .args(["--", "--list"])
            .output()?;
        if !list.lines().any(|line| line.ends_with(": test")) {
            return Err(format!(
                "{package} has `loom` as a dependency and no test named `…loom…`"
            ));
        }
        cargo(workspace, preemptions, &test).run()?;
    }
    Ok(format!(
        "{}, {preemptions} preemptions",
        packages.join(", ")
    ))
}

fn cargo(workspace: &Workspace, preemptions: u32, arguments: &[&str]) -> Shell {
    Shell::cargo(workspace, arguments)
        .env("RUSTFLAGS", "--cfg loom")
        .env("LOOM_MAX_PREEMPTIONS", preemptions.to_string())
        .env("CARGO_TARGET_DIR", workspace.target.join("loom"))
}
