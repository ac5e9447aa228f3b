//! `cargo xtask`: see the library of the same name.

#![forbid(unsafe_code)]

use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    xtask::run(env::args().skip(1).collect())
}
