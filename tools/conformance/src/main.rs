//! `cargo run -p asyncio-conformance -- check PATH…` and `… programs`: CPython as the judge.
//!
//! `check` runs scenarios on the crates and compares their traces with the recorded ones; it needs
//! no Python. `programs` asks an interpreter of this machine whether the recorded programs still
//! print what they did. Where none is new enough it says so and succeeds: nothing was asked, and
//! nothing is wrong.

#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use asyncio_conformance::{CPython, Level, NoInterpreter, Program, check};

/// What one program may take; the longest sleeps for two seconds.
const TIME_MAX: Duration = Duration::from_secs(60);

const USAGE: &str = "\
usage: asyncio-conformance check PATH... [--level turn|order|task]
       asyncio-conformance programs [NAME...]

check     runs the scenarios at the paths (NAME.json beside NAME.expected.json, packs in .jsonl,
          folders of both), and compares their traces with CPython's; exits with 1 if one differs,
          with 2 if something is no scenario. The level is `order` if none is given.
programs  runs the recorded programs with CPython, and compares what they print with the recordings.";

/// The exit status of a command line, or an input, that makes no sense.
const BAD_INPUT: u8 = 2;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((command, paths)) if command == "check" => judge(paths),
        Some((command, names)) if command == "programs" => match programs(names) {
            Ok(()) => ExitCode::SUCCESS,
            Err(message) => {
                eprintln!("{message}");
                ExitCode::FAILURE
            }
        },
        _ => refuse(""),
    }
}

fn refuse(message: &str) -> ExitCode {
    if message.is_empty() {
        eprintln!("{USAGE}");
    } else {
        eprintln!("{message}\n{USAGE}");
    }
    ExitCode::from(BAD_INPUT)
}

fn judge(arguments: &[String]) -> ExitCode {
    let mut paths = Vec::new();
    let mut level = Level::default();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let named = match argument.split_once('=') {
            Some(("--level", named)) => Some(named),
            _ if argument == "--level" => match arguments.next() {
                Some(named) => Some(named.as_str()),
                None => return refuse("`--level` names a level"),
            },
            _ if argument.starts_with("--") => {
                return refuse(&format!("there is no option `{argument}`"));
            }
            _ => None,
        };
        match named.map(str::parse) {
            None => paths.push(PathBuf::from(argument)),
            Some(Ok(named)) => level = named,
            Some(Err(message)) => return refuse(&message),
        }
    }
    if paths.is_empty() {
        return refuse("there is nothing to check");
    }
    match check(&paths, level, |difference| println!("{difference}")) {
        Ok(judgement) => {
            println!("{judgement}");
            match judgement.differ {
                0 => ExitCode::SUCCESS,
                _ => ExitCode::FAILURE,
            }
        }
        Err(bad) => {
            eprintln!("{bad}");
            ExitCode::from(BAD_INPUT)
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
