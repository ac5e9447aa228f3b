//! The programs, with peers that are not ours: `nc`, `curl`, `wrk`, and Python.

mod clients;
mod servers;
#[path = "../service/mod.rs"]
mod service;
mod terminal;

use asyncio_testkit::{needs, needs_program};
use std::process::{Command, Stdio};

/// Whether `nc` is OpenBSD's, which knows Unix sockets and `-N`; others have the same name.
#[must_use = "the test is to return where this is false"]
fn needs_nc() -> bool {
    let help = Command::new("nc").arg("-h").stdin(Stdio::null()).output();
    let is_openbsds = help.is_ok_and(|it| {
        let said = [it.stdout, it.stderr].concat();
        String::from_utf8_lossy(&said).contains("OpenBSD")
    });
    needs("nc, of OpenBSD", is_openbsds)
}

/// Lines of Python, which any version since 3.8 understands.
fn python(code: &str) -> Option<Command> {
    let mut command = Command::new("python3");
    command.args(["-E", "-u", "-c", code]);
    needs_program("python3").then_some(command)
}
