//! Checks and chores of the workspace: `cargo xtask` lists them, `cargo xtask NAME` runs one.
//!
//! Every sentence about the architecture that can be checked is checked here ([`tidy`]), and every
//! tool that needs a longer command line has its command here, so that the continuous integration,
//! a contributor and the book mean the same thing by its name.
//!
//! # What really happens
//!
//! What there is to check comes from `cargo metadata` and from the files of the work tree, never
//! from a second list. [`tidy`] is pure: a [`tree::Tree`] and a [`workspace::Workspace`] in,
//! findings out. The rest runs cargo as a child process, prints the command, and ends at the first
//! failure; a step that cannot run says so in its summary. Sanitizers and foreign targets build in
//! folders of their own below the target folder.
//!
//! # What it does not do
//!
//! It changes no file of the work tree. It installs only what the command's description names:
//! mdBook below the target folder, and Debian's toolchain where it runs as root on Debian.

#![forbid(unsafe_code)]

use std::process::ExitCode;

pub mod book;
pub mod ci;
pub mod commands;
pub mod conformance;
pub mod cross;
pub mod debian;
pub mod deep;
pub mod loom;
pub mod msrv;
pub mod outside;
pub mod rust_source;
pub mod sanitize;
pub mod shell;
pub mod steps;
pub mod tidy;
pub mod tree;
pub mod workspace;

/// Runs the command that the arguments name, or lists the commands.
pub fn run(arguments: Vec<String>) -> ExitCode {
    let mut arguments = arguments.into_iter();
    let Some(name) = arguments.next() else {
        println!("{}", commands::table());
        return ExitCode::SUCCESS;
    };
    let Some(command) = commands::COMMANDS
        .iter()
        .find(|command| command.name == name)
    else {
        eprintln!(
            "xtask: there is no command `{name}`\n\n{}",
            commands::table()
        );
        return ExitCode::FAILURE;
    };
    let arguments: Vec<String> = arguments.collect();
    match workspace::Workspace::load().and_then(|it| (command.run)(&it, &arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask {name}: {message}");
            ExitCode::FAILURE
        }
    }
}
