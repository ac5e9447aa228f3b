//! The program itself: every case by every contender ends with a figure, and bad arguments are
//! told. Nothing here looks at how large a time is.

use std::process::{Command, Output};

use asyncio_bench::command_line::Options;
use asyncio_bench::harness::read_sample;
use asyncio_bench::{cases, contenders};

fn bench(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_asyncio-bench"))
        .args(arguments)
        .output()
        .expect("the bench could not be started")
}

/// Every case by everybody, as small as it gets. The sleeping cases wait for real time: some
/// milliseconds each.
#[test]
fn every_case_yields_a_sample() {
    for case in cases::all().filter(|case| case.name != "sleep/drop-1m") {
        for contender in contenders::all() {
            if contender.measure(case.name).is_none() {
                continue;
            }
            let output = bench(&[
                "--once",
                case.name,
                "--contender",
                contender.name,
                "--ops",
                "20",
            ]);
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(
                output.status.success(),
                "{} by {}",
                case.name,
                contender.name
            );
            let sample = read_sample(&text);
            assert!(
                sample.is_some_and(|sample| sample.value.is_finite()),
                "{} by {}: {text}",
                case.name,
                contender.name
            );
        }
    }
}

#[test]
fn the_list_names_every_case() {
    let output = bench(&["--list"]);
    let text = String::from_utf8_lossy(&output.stdout);
    for case in cases::all() {
        assert!(
            text.lines().any(|line| line.starts_with(case.name)),
            "{}",
            case.name
        );
    }
}

#[test]
fn a_comparison_writes_its_json() {
    let file = std::env::temp_dir().join(format!("asyncio-bench-{}.json", std::process::id()));
    let path = file.to_str().expect("a path in UTF-8");
    let output = bench(&[
        "--case",
        "yield/10",
        "--contender",
        "limit,tokio",
        "--runs",
        "2",
        "--ops",
        "1000",
        "--json",
        path,
    ]);
    assert!(output.status.success());
    let text = std::fs::read_to_string(&file).expect("the JSON file");
    std::fs::remove_file(&file).expect("the JSON file can be removed");
    let entries: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let entries = entries.as_array().expect("a list");
    assert_eq!(entries.len(), 4, "two cases by two contenders: {text}");
    assert!(entries.iter().all(|entry| entry["runs"] == 2));
}

#[test]
fn cases_are_asked_for_by_prefix_in_any_order_and_come_once() {
    let arguments = ["--case", "soon", "--case", "yield/10", "--case", "yield/1"];
    let options = Options::parse(arguments.map(str::to_owned)).expect("options");
    let names: Vec<&str> = options.cases.iter().map(|case| case.name).collect();
    assert_eq!(names, ["yield/1", "yield/10", "yield/1000", "soon/chain"]);
}

#[test]
fn bad_arguments_are_told_with_the_usage() {
    for arguments in [
        &["--nonsense"][..],
        &["--case"],
        &["--case", "nothing"],
        &["--contender", "nobody"],
        &["--runs", "0"],
        &["--ops", "many"],
        &["--once", "yield"],
        &["--once", "yield/1"],
    ] {
        let error = Options::parse(arguments.iter().map(ToString::to_string));
        assert!(error.is_err(), "{arguments:?}");
    }
    let output = bench(&["--nonsense"]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        text.contains("unknown argument --nonsense") && text.contains("usage:"),
        "{text}"
    );
}

#[test]
fn a_case_without_the_contender_is_an_error() {
    let output = bench(&[
        "--once",
        "parked/bytes",
        "--contender",
        "limit",
        "--ops",
        "20",
    ]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("takes no part"));
}

#[test]
fn a_json_file_that_cannot_be_written_is_told_before_the_work() {
    let output = bench(&["--case", "yield/1", "--json", "/nowhere/at/all.json"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty(), "it began to measure");
}
