//! The long checks, all of them, whatever fails.

use crate::shell::Shell;
use crate::steps::{AfterFailure, Outcome, Steps};
use crate::workspace::Workspace;
use crate::{book, cross, loom, msrv, sanitize};

/// How many operations the models of locks, queues and channels try, besides the beginnings of tasks
/// and the turns: minutes. Each more takes some 18 times as long.
const MODEL_OPERATIONS: u32 = 4;

/// Runs all long checks, or those whose names begin so, and prints the seconds of each.
///
/// # Errors
///
/// With the message of the first that failed, after all have run.
pub fn run(workspace: &Workspace, steps: &[String]) -> Result<(), String> {
    let mut steps = Steps::new(AfterFailure::GoOn).only(steps);
    let plain = |outcome: Result<(), String>| outcome.map(|()| String::new());
    steps.step("address and leak sanitizer", || {
        plain(sanitize::address(workspace, &[]))
    });
    steps.step("leak sanitizer", || plain(sanitize::leak(workspace, &[])));
    steps.step("thread sanitizer", || {
        plain(sanitize::thread(workspace, &[]))
    });
    steps.step("loom models", || {
        loom::run(workspace, loom::LONG_PREEMPTIONS)
    });
    steps.step("models of locks, queues and channels", || {
        sync_models(workspace)
    });
    steps.step("other systems", || plain(cross::run(workspace, &[])));
    steps.step("book", || plain(book::run(workspace)));
    steps.step("oldest toolchain", || match msrv::toolchain(workspace)? {
        Some(_) => plain(msrv::run(workspace)),
        None => Ok(format!("not run: {}", msrv::missing(workspace))),
    });
    steps.finish()
}

fn sync_models(workspace: &Workspace) -> Outcome {
    let test = ["test", "--release", "-p", "asyncio-sync", "--test", "model"];
    Shell::cargo(workspace, &test)
        .env("ASYNCIO_MODEL_OPERATIONS", MODEL_OPERATIONS.to_string())
        .run()?;
    Ok(format!("{MODEL_OPERATIONS} operations"))
}
