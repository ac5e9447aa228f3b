//! The bench: see the package's README.

#![forbid(unsafe_code)]

use std::fs::File;
use std::io::{self, Write};
use std::process::ExitCode;

use asyncio_bench::command_line::{Action, Options, USAGE};
use asyncio_bench::{cases, contenders, harness, instructions, load, report};
use serde_json::Value;

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(error) => {
            eprint!("{error}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let done = match options.action {
        Action::Compare => compare(&options),
        Action::List => list(),
        Action::Once => once(&options),
        Action::Load(order) => load::run(order).map(|()| true),
        Action::Instructions => count_instructions(&options),
        Action::Help => io::stdout().write_all(USAGE.as_bytes()).map(|()| true),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// All figures; false if a contender failed.
fn compare(options: &Options) -> io::Result<bool> {
    // Opened first: a wrong path is told before minutes of work.
    let file = options.json.as_ref().map(File::create).transpose()?;
    let mut stdout = io::stdout();
    writeln!(stdout, "{}", report::heading(&options.contenders))?;
    let mut entries = Vec::new();
    let mut complete = true;
    for case in &options.cases {
        let params = options.params(case);
        let all = harness::compare(
            case,
            &options.contenders,
            options.runs,
            params,
            options.budget(),
        );
        writeln!(stdout, "{}", report::table(case, &all))?;
        complete &= all.iter().all(|series| series.failure.is_none());
        entries.extend(report::json(case, &all));
    }
    if let Some(file) = file {
        serde_json::to_writer_pretty(file, &Value::Array(entries))?;
    }
    Ok(complete)
}

fn list() -> io::Result<bool> {
    let mut stdout = io::stdout();
    for case in cases::all() {
        let names: Vec<&str> = contenders::all()
            .into_iter()
            .filter(|contender| contender.measure(case.name).is_some())
            .map(|contender| contender.name)
            .collect();
        writeln!(stdout, "{:<20} {:<8} {}", case.name, case.unit, case.what)?;
        writeln!(stdout, "{:<29} {}", "", names.join(", "))?;
    }
    Ok(true)
}

/// One sample, taken in this process.
fn once(options: &Options) -> io::Result<bool> {
    let (case, contender) = (options.cases[0], options.contenders[0]);
    let sample = harness::sample_here(case, contender, options.params(case))
        .map_err(|failure| io::Error::other(format!("{}: {failure}", contender.name)))?;
    let mut stdout = io::stdout();
    stdout.write_all(harness::write_sample(&sample).as_bytes())?;
    stdout.flush()?;
    Ok(true)
}

fn count_instructions(options: &Options) -> io::Result<bool> {
    const OPS: u64 = 20_000; // valgrind is fifty times slower than the machine
    let case = options.cases[0];
    let mut stdout = io::stdout();
    writeln!(stdout, "{}: instructions per operation", case.name)?;
    for contender in &options.contenders {
        match instructions::per_op(case, contender, options.ops.unwrap_or(OPS)) {
            Ok(count) => writeln!(stdout, "  {:<9}{count:>10.1}", contender.name)?,
            Err(harness::Failure::NoPart) => {}
            Err(failure) => writeln!(stdout, "  {:<9}{failure}", contender.name)?,
        }
    }
    Ok(true)
}
