//! Steps stop or go on, programs are bounded, examples become programs.

use std::path::Path;
use std::time::Duration;

use xtask::outside::program;
use xtask::shell::Shell;
use xtask::steps::{AfterFailure, Steps};
use xtask::tree::Tree;

fn three_steps(after_failure: AfterFailure) -> (String, Vec<&'static str>) {
    let mut ran = Vec::new();
    let mut steps = Steps::new(after_failure);
    steps.step("first", || Ok("a remark".into()));
    steps.step("second", || Err("its error".into()));
    steps.step("third", || {
        ran.push("third");
        Ok(String::new())
    });
    let summary = steps.summary();
    assert_eq!(steps.finish(), Err("second: its error".into()));
    (summary, ran)
}

#[test]
fn steps_stop_at_the_first_failure_and_say_what_did_not_run() {
    let (summary, ran) = three_steps(AfterFailure::Stop);
    assert!(ran.is_empty());
    assert!(summary.contains("first (a remark)"), "{summary}");
    assert!(summary.contains("second FAILED"), "{summary}");
    assert!(summary.contains("-  third (not run)"), "{summary}");
    assert!(
        summary.ends_with("\nsteps: 1 passed, 1 failed"),
        "{summary}"
    );
}

#[test]
fn steps_can_go_on_and_fail_at_the_end() {
    let (summary, ran) = three_steps(AfterFailure::GoOn);
    assert_eq!(ran, ["third"]);
    assert!(
        summary.ends_with("\nsteps: 2 passed, 1 failed"),
        "{summary}"
    );
}

#[test]
fn steps_that_pass_are_fine() {
    let mut steps = Steps::new(AfterFailure::Stop);
    steps.step("only", || Ok(String::new()));
    assert_eq!(steps.finish(), Ok(()));
}

#[test]
fn only_the_steps_asked_for_run() {
    let run = |asked_for: &str| {
        let mut ran = Vec::new();
        let mut steps = Steps::new(AfterFailure::Stop).only(&[asked_for.to_owned()]);
        for name in ["lint", "test", "test again"] {
            steps.step(name, || {
                ran.push(name);
                Ok(String::new())
            });
        }
        (ran, steps.finish())
    };
    assert_eq!(run("test"), (vec!["test", "test again"], Ok(())));
    let (ran, end) = run("tset");
    assert!(ran.is_empty() && end.is_err());
}

#[test]
#[cfg(unix)]
fn a_program_reports_failure_and_output() {
    assert_eq!(Shell::new("true").run(), Ok(()));
    assert!(
        Shell::new("false")
            .run()
            .unwrap_err()
            .contains("`false` failed")
    );
    assert!(Shell::new("no-such-program").run().is_err());
    let shell = Shell::new("sh")
        .args(["-c", "echo $GREETING"])
        .env("GREETING", "good day");
    assert_eq!(shell.output().unwrap(), "good day\n");
}

#[test]
#[cfg(unix)]
fn a_program_that_takes_too_long_is_ended() {
    // Real time: the bound is the wall clock's. An hour would be noticed.
    let shell = Shell::new("sleep")
        .args(["3600"])
        .time_max(Duration::from_millis(50));
    assert_eq!(shell.run(), Err("`sleep 3600` did not end in time".into()));
}

#[test]
fn an_example_becomes_a_program() {
    let expected = "#![deny(warnings)]\nfn main() {\nuse a::b;\nb();\n\n}\n";
    assert_eq!(program("# use a::b;\nb();\n#\n"), expected);
    let whole = "fn main() {\n    #[cfg(a)]\n}\n";
    assert_eq!(program(whole), format!("#![deny(warnings)]\n{whole}"));
}

#[test]
fn the_tree_is_read_without_what_is_built() {
    let tree = Tree::read(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    assert!(tree.file("src/tree.rs").unwrap().text.starts_with("//!"));
    assert!(tree.has("tests") && !tree.has("src/no_such_file.rs"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let tree = Tree::read(&root).unwrap();
    assert!(tree.has("crates") && !tree.has("target") && !tree.has(".git"));
}
