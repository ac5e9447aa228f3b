//! CPython as the judge: the recorded scenarios, and fresh ones where there is a CPython to record
//! them.

use crate::shell::Shell;
use crate::steps::Outcome;
use crate::workspace::Workspace;

/// What is recorded, from the root of the workspace.
const RECORDED: &[&str] = &[
    "tools/conformance/scenarios",
    "tools/conformance/random-300.jsonl",
    "tools/conformance/later.jsonl",
];
/// What is known to differ, and why.
const KNOWN: &str = "tools/conformance/known.txt";

/// Judges what is recorded, and then ten thousand random scenarios.
///
/// # Errors
///
/// When a scenario differs of which that is not known.
pub fn run(workspace: &Workspace) -> Result<(), String> {
    recorded(workspace)?;
    judge(workspace).args(["fresh", "--known", KNOWN]).run()
}

/// Judges what is recorded, which takes a second.
///
/// # Errors
///
/// As [`run`].
pub fn recorded(workspace: &Workspace) -> Outcome {
    let judged = judge(workspace)
        .args(["check", "--known", KNOWN])
        .args(RECORDED)
        .run();
    judged.map(|()| String::new())
}

fn judge(workspace: &Workspace) -> Shell {
    let run = ["run", "--release", "-p", "asyncio-conformance", "--"];
    Shell::cargo(workspace, &run)
}
