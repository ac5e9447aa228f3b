//! `cargo run -p asyncio-conformance -- check PATH…`, `… fresh`, `… programs`: CPython as the judge.
//!
//! `check` runs scenarios on the crates and compares their traces with the recorded ones; it needs
//! no Python. `fresh` has CPython record ten thousand random ones first. `programs` asks an interpreter of this machine whether the recorded programs still
//! print what they did. Where none is new enough it says so and succeeds: nothing was asked, and
//! nothing is wrong.

#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use asyncio_conformance::{
    CPython, Judgement, Known, Level, NoInterpreter, Program, SEEDS, check, record,
};

/// What one program may take; the longest sleeps for two seconds.
const TIME_MAX: Duration = Duration::from_secs(60);

const USAGE: &str = "\
usage: asyncio-conformance check PATH... [--level turn|order|task] [--known FILE]
       asyncio-conformance fresh [--level turn|order|task] [--known FILE]
       asyncio-conformance programs [NAME...]

check     runs the scenarios at the paths (NAME.json beside NAME.expected.json, packs in .jsonl,
          folders of both), and compares their traces with CPython's; exits with 1 if one differs,
          with 2 if something is no scenario. The level is `order` if none is given. Scenarios
          that FILE names may differ.
fresh     makes 10000 random scenarios, always the same ones, has CPython 3.13 record them, and
          checks them.
programs  runs the recorded programs with CPython, and compares what they print with the recordings.";

/// The exit status of a command line, or an input, that makes no sense.
const BAD_INPUT: u8 = 2;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((command, paths)) if command == "check" => judge(paths),
        Some((command, arguments)) if command == "fresh" => fresh(arguments),
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

/// What `check` and `fresh` are told.
#[derive(Default)]
struct Asked {
    paths: Vec<PathBuf>,
    level: Level,
    known: Known,
}

impl Asked {
    fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut asked = Self::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let (option, given) = match argument.split_once('=') {
                Some((option, given)) if option.starts_with("--") => (option, Some(given)),
                _ => (argument.as_str(), None),
            };
            let mut value = || match given.or_else(|| arguments.next().map(String::as_str)) {
                Some(value) => Ok(value),
                None => Err(format!("`{option}` needs a value")),
            };
            match option {
                "--level" => asked.level = value()?.parse()?,
                "--known" => {
                    let known = Known::read(&PathBuf::from(value()?));
                    asked.known = known.map_err(|bad| bad.to_string())?;
                }
                _ if option.starts_with("--") => {
                    return Err(format!("there is no option `{option}`"));
                }
                path => asked.paths.push(PathBuf::from(path)),
            }
        }
        Ok(asked)
    }

    fn check(&self, paths: &[PathBuf]) -> ExitCode {
        match check(paths, self.level, &self.known, |line| println!("{line}")) {
            Ok(judgement @ Judgement { differ, .. }) => {
                println!("{judgement}");
                match differ {
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
}

fn judge(arguments: &[String]) -> ExitCode {
    match Asked::parse(arguments) {
        Ok(asked) if asked.paths.is_empty() => refuse("there is nothing to check"),
        Ok(asked) => asked.check(&asked.paths),
        Err(message) => refuse(&message),
    }
}

/// Recordings are those of one version: where there is another one, or none, nothing is asked.
fn fresh(arguments: &[String]) -> ExitCode {
    let asked = match Asked::parse(arguments) {
        Ok(asked) if !asked.paths.is_empty() => return refuse("`fresh` takes no path"),
        Ok(asked) => asked,
        Err(message) => return refuse(&message),
    };
    let python = match CPython::find() {
        Ok(python) if matches!(python.version(), (3, 13, _)) => python,
        Ok(_) => {
            println!("nothing asked: there is a CPython, but not 3.13");
            return ExitCode::SUCCESS;
        }
        Err(missing @ NoInterpreter::Missing) => {
            println!("nothing asked: {missing}");
            return ExitCode::SUCCESS;
        }
        Err(refused @ NoInterpreter::Refused(_)) => return refuse(&refused.to_string()),
    };
    let folder = std::env::temp_dir().join(format!("asyncio-conformance-{}", std::process::id()));
    let mut packs = Vec::new();
    let mut recorded = std::fs::create_dir_all(&folder).map_err(|error| error.to_string());
    for seeds in SEEDS {
        recorded = recorded.and_then(|()| {
            packs.extend(record(&python, seeds, &folder)?);
            Ok(())
        });
    }
    let judged = match recorded {
        Ok(()) => asked.check(&packs),
        Err(message) => {
            eprintln!("{message}");
            ExitCode::from(BAD_INPUT)
        }
    };
    if let Err(error) = std::fs::remove_dir_all(&folder) {
        eprintln!("{}: {error}", folder.display());
    }
    judged
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
