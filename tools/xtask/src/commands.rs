//! The table of commands.

use std::fmt::Write as _;

use crate::shell::Shell;
use crate::workspace::Workspace;
use crate::{book, ci, conformance, cross, deep, loom, msrv, outside, sanitize, tidy};

/// One command of `cargo xtask`.
#[derive(Debug)]
pub struct Command {
    /// What is typed.
    pub name: &'static str,
    /// What it takes, in the notation of usage lines.
    pub arguments: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// Does it.
    pub run: fn(&Workspace, &[String]) -> Result<(), String>,
}

/// All commands, in the order in which people meet them.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "tidy",
        arguments: "",
        summary: "check layers, files, unsafe code, READMEs, scenario IDs; a second or two",
        run: |workspace, _| tidy::run(workspace),
    },
    Command {
        name: "ci",
        arguments: "[STEP...]",
        summary: "everything that must pass before a change lands; what .ci/run calls",
        run: ci::run,
    },
    Command {
        name: "deep",
        arguments: "[STEP...]",
        summary: "the long checks: sanitizers, models, other systems, msrv, book",
        run: deep::run,
    },
    Command {
        name: "asan",
        arguments: "[PACKAGE...]",
        summary: "tests under the address sanitizer with its leak check (Linux, x86-64)",
        run: |workspace, packages| sanitize::address(workspace, packages),
    },
    Command {
        name: "lsan",
        arguments: "[PACKAGE...]",
        summary: "tests under the leak sanitizer alone (Linux, x86-64)",
        run: |workspace, packages| sanitize::leak(workspace, packages),
    },
    Command {
        name: "tsan",
        arguments: "[PACKAGE...]",
        summary: "tests under the thread sanitizer (Debian's rustc-web; installed when root)",
        run: |workspace, packages| sanitize::thread(workspace, packages),
    },
    Command {
        name: "loom",
        arguments: "[PREEMPTIONS]",
        summary: "the loom models, with that many preemptions (3 if not given)",
        run: loom::command,
    },
    Command {
        name: "cross",
        arguments: "[TARGET...]",
        summary: "type-check the libraries for other systems (Debian's rustc-web)",
        run: cross::run,
    },
    Command {
        name: "outside",
        arguments: "[PACKAGE...]",
        summary: "build and run a project outside the workspace for each library crate",
        run: outside::run,
    },
    Command {
        name: "book",
        arguments: "",
        summary: "build the book; installs mdBook below the target folder when it is missing",
        run: |workspace, _| book::run(workspace),
    },
    Command {
        name: "msrv",
        arguments: "",
        summary: "type-check with the oldest supported toolchain",
        run: |workspace, _| msrv::run(workspace),
    },
    Command {
        name: "conformance",
        arguments: "",
        summary: "judge the recorded scenarios, and 10000 random ones where CPython 3.13 is",
        run: |workspace, _| conformance::run(workspace),
    },
    Command {
        name: "bench",
        arguments: "[ARGUMENT...]",
        summary: "measure us and the peers: cargo run --release -p asyncio-bench",
        run: bench,
    },
];

/// The commands with their summaries, for people.
pub fn table() -> String {
    let mut table = String::from("cargo xtask COMMAND\n");
    for Command {
        name,
        arguments,
        summary,
        ..
    } in COMMANDS
    {
        let _ = write!(table, "\n  {:<22} {summary}", format!("{name} {arguments}"));
    }
    table
}

fn bench(workspace: &Workspace, arguments: &[String]) -> Result<(), String> {
    let arguments = arguments
        .strip_prefix(&["--".to_owned()])
        .unwrap_or(arguments);
    Shell::cargo(
        workspace,
        &["run", "--release", "-p", "asyncio-bench", "--"],
    )
    .args(arguments)
    .unbounded()
    .run()
}
