//! Everything that must pass before a change lands, in the order of what fails soonest.

use std::time::Duration;

use crate::shell::Shell;
use crate::steps::{AfterFailure, Outcome, Steps};
use crate::tidy::unsafe_code;
use crate::workspace::{Package, Workspace};
use crate::{book, conformance, loom, outside, sanitize, tidy};

/// How long one example may run: they are short programs, some of which show time passing.
const EXAMPLE_TIME_MAX: Duration = Duration::from_secs(60);

/// The variable by which users and tests choose a selector, and the one that is not the default.
const SELECTOR: (&str, &str) = ("ASYNCIO_SELECTOR", "poll");

/// Runs all steps, or those whose names begin so, stopping at the first that fails, and prints the
/// seconds of each.
///
/// # Errors
///
/// With the message of the step that failed.
pub fn run(workspace: &Workspace, steps: &[String]) -> Result<(), String> {
    let mut steps = Steps::new(AfterFailure::Stop).only(steps);
    steps.step("format", || {
        passed(cargo(workspace, &["fmt", "--all", "--check"]))
    });
    steps.step("tidy", || tidy::run(workspace).map(|()| String::new()));
    steps.step("lint", || {
        passed(
            cargo(workspace, &["clippy", "--workspace", "--all-targets"])
                .args(["--", "-D", "warnings"]),
        )
    });
    steps.step("documentation", || {
        passed(
            cargo(
                workspace,
                &[
                    "doc",
                    "--workspace",
                    "--no-deps",
                    "--document-private-items",
                ],
            )
            .env("RUSTDOCFLAGS", "-D warnings"),
        )
    });
    steps.step("test", || passed(cargo(workspace, &["test"])));
    steps.step("conformance", || conformance::recorded(workspace));
    steps.step("test with the other selector", || other_selector(workspace));
    steps.step("each library alone", || each_alone(workspace));
    steps.step("each feature", || each_feature(workspace));
    steps.step("projects outside", || {
        outside::run(workspace, &[]).map(|()| String::new())
    });
    steps.step("examples", || examples(workspace));
    steps.step("book", || book::run(workspace).map(|()| String::new()));
    steps.step("address and leak sanitizer", || sanitized(workspace));
    steps.step("loom models, short", || {
        loom::run(workspace, loom::SHORT_PREEMPTIONS)
    });
    steps.finish()
}

fn cargo(workspace: &Workspace, arguments: &[&str]) -> Shell {
    Shell::cargo(workspace, arguments)
}

fn passed(shell: Shell) -> Outcome {
    shell.run().map(|()| String::new())
}

/// The tests of everything that waits, with `poll(2)` instead of the system's best.
fn other_selector(workspace: &Workspace) -> Outcome {
    let waits = |it: &&Package| workspace.is_built_from(it, "asyncio-reactor");
    let packages: Vec<&str> = workspace
        .libraries()
        .filter(waits)
        .map(|it| it.name.as_str())
        .collect();
    let (variable, selector) = SELECTOR;
    cargo(workspace, &["test", "--tests"])
        .packages(packages.iter().copied())
        .env(variable, selector)
        .run()?;
    Ok(format!("{selector}: {}", packages.join(", ")))
}

/// Each library crate builds and passes its tests by itself: nothing that it needs comes from a
/// neighbour's features.
fn each_alone(workspace: &Workspace) -> Outcome {
    for package in workspace.libraries() {
        passed(cargo(workspace, &["test", "-p", &package.name]))?;
    }
    Ok(String::new())
}

/// Each library crate builds with no feature, with each, and with all.
fn each_feature(workspace: &Workspace) -> Outcome {
    let mut count = 0;
    for Package { name, features, .. } in workspace.libraries() {
        let check = ["check", "-p", name, "--no-default-features"];
        passed(cargo(workspace, &check))?;
        for feature in features {
            passed(cargo(workspace, &check).args(["--features", feature]))?;
            count += 1;
        }
        passed(cargo(workspace, &["check", "-p", name, "--all-features"]))?;
    }
    Ok(format!("{count} features"))
}

/// The libraries that hold unsafe code, under the sanitizer; `cargo xtask deep` does the others.
fn sanitized(workspace: &Workspace) -> Outcome {
    let libraries = workspace
        .libraries()
        .filter(|it| unsafe_code::is_in(&it.folder));
    let packages: Vec<String> = libraries.map(|it| it.name.clone()).collect();
    sanitize::address(workspace, &packages).map(|()| packages.join(", "))
}

/// Every example runs to its end.
fn examples(workspace: &Workspace) -> Outcome {
    let package = workspace
        .member("asyncio-examples")
        .ok_or("there are no examples")?;
    let programs: Vec<&str> = package
        .targets
        .iter()
        .filter(|it| it.kind == "bin")
        .map(|it| it.name.as_str())
        .collect();
    passed(cargo(workspace, &["build", "-p", &package.name, "--bins"]))?;
    let (serve, end): (Vec<_>, Vec<_>) = programs
        .into_iter()
        .partition(|program| package.servers.iter().any(|server| server == program));
    for program in &end {
        let run = ["run", "--quiet", "-p", &package.name, "--bin", program];
        passed(cargo(workspace, &run).time_max(EXAMPLE_TIME_MAX))?;
    }
    Ok(format!(
        "{} programs, and {} that serve in tests",
        end.len(),
        serve.len()
    ))
}
