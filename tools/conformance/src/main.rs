//! `cargo run -p asyncio-conformance -- programs`: asks CPython whether the recordings still hold.
//!
//! Each program is run by an interpreter of this machine, and its output compared with the recorded
//! one. Where no interpreter is new enough it says so and succeeds: nothing was asked, and nothing
//! is wrong.

#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::time::Duration;

use asyncio_conformance::{CPython, NoInterpreter, Program};

/// What one program may take; the longest sleeps for two seconds.
const TIME_MAX: Duration = Duration::from_secs(60);

const USAGE: &str = "usage: asyncio-conformance programs [NAME...]
Runs the recorded programs with CPython, and compares what they print with the recordings.";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() != Some("programs") {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    }
    let names: Vec<String> = arguments.collect();
    match programs(&names) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn programs(names: &[String]) -> Result<(), String> {
    let programs = if names.is_empty() {
        Program::all()
    } else {
        names.iter().map(|name| Program::named(name)).collect()
    };
    let programs = programs.map_err(|error| error.to_string())?;
    let python = match CPython::find() {
        Ok(python) => python,
        Err(missing @ NoInterpreter::Missing) => {
            println!("nothing asked: {missing}");
            return Ok(());
        }
        Err(refused @ NoInterpreter::Refused(_)) => return Err(refused.to_string()),
    };
    let (major, minor, micro) = python.version();
    println!("CPython {major}.{minor}.{micro}");
    let mut differing = 0;
    for program in &programs {
        let compared = python
            .run(program.source(), TIME_MAX)
            .map_err(|error| error.to_string())
            .and_then(|output| program.compare(&output).map_err(|it| it.to_string()));
        match compared {
            Ok(()) => println!("  ok {}", program.name()),
            Err(message) => {
                differing += 1;
                println!("FAIL {}: {message}", program.name());
            }
        }
    }
    match differing {
        0 => Ok(()),
        _ => Err(format!("{differing} of {} programs differ", programs.len())),
    }
}
