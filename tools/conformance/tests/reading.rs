//! Reading: what is no scenario is refused with a sentence that says where and why.

use std::fs;
use std::path::{Path, PathBuf};

use asyncio_conformance::{Case, Known, Level, NoTrace, Scenario, check, interpret};
use serde_json::{Value, json};

/// Why this is no scenario.
fn refused(scenario: Value) -> String {
    Scenario::read(&scenario).unwrap_err().to_string()
}

fn with_main(main: Value) -> Value {
    json!({"name": "a", "main": main})
}

#[test]
fn what_is_no_operation_is_named() {
    assert_eq!(
        refused(with_main(json!([["sleeep", 1]]))),
        "there is no operation `sleeep`"
    );
    assert_eq!(
        refused(with_main(json!([["sleep"]]))),
        "`sleep`: argument 1 is missing: a number"
    );
    assert_eq!(
        refused(with_main(json!([["wait", ["t", 1]]]))),
        r#"`wait`: argument 1 is ["t",1], and should be a list of names"#
    );
    assert_eq!(
        refused(with_main(json!([["log", "x", {"lokked": "k"}]]))),
        "there is no expression `lokked`"
    );
    assert_eq!(
        refused(with_main(json!([["await", "@b"]]))),
        "there is no coroutine `b`"
    );
    assert_eq!(
        refused(with_main(json!([["call_soon", "h", [["sleep", 1]]]]))),
        "`call_soon`: a callback cannot wait"
    );
    assert_eq!(
        refused(with_main(json!([1]))),
        "an operation is a list that begins with its name, and not 1"
    );
}

#[test]
fn what_is_no_program_is_named() {
    assert_eq!(refused(json!({"main": []})), "a scenario has a `name`");
    let none = "a scenario has either `main` or a list of `runs`";
    assert_eq!(refused(json!({"name": "a"})), none);
    assert_eq!(refused(json!({"name": "a", "main": [], "runs": []})), none);
    assert_eq!(
        refused(json!({"name": "a", "main": [], "objects": {"x": ["locker"]}})),
        "object `x`: unknown kind"
    );
    assert_eq!(
        refused(json!({"name": "a", "main": [], "objects": {"c": ["condition", "k"]}})),
        "there is no lock `k` for a condition"
    );
}

/// A folder of this test's own, taken away at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        // What an interrupted run has left.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn write(&self, name: &str, text: &Value) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, format!("{text}\n")).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn short() -> (Value, Value) {
    let scenario = with_main(json!([["log", "x"]]));
    let trace = json!([
        [1, 0, "main", "start", null],
        [1, 0, "main", "x", null],
        [1, 0, "main", "return", null]
    ]);
    (scenario, trace)
}

#[test]
fn files_packs_and_folders_are_found() {
    let folder = Folder::new("found");
    let (scenario, trace) = short();
    folder.write("one.json", &scenario);
    folder.write("one.expected.json", &json!({"trace": trace}));
    folder.write("two.jsonl", &json!({"scenario": scenario, "trace": trace}));
    folder.write("three.txt", &json!("nothing of interest"));
    let mut places = Vec::new();
    Case::each(&folder.0, |case| places.push(case.place)).unwrap();
    assert_eq!(places.len(), 2);
    assert!(places[0].ends_with("one.json") && places[1].ends_with("two.jsonl:1"));

    let judgement = check(
        std::slice::from_ref(&folder.0),
        Level::Turn,
        &Known::default(),
        |told| panic!("{told}"),
    )
    .unwrap();
    assert_eq!(judgement.to_string(), "2 agree, 0 differ");
    // As a shell lists `*.json`: the recording is not taken for a scenario.
    let listed = ["one.json", "one.expected.json"].map(|name| folder.0.join(name));
    let judgement = check(&listed, Level::Turn, &Known::default(), |told| {
        panic!("{told}")
    })
    .unwrap();
    assert_eq!((judgement.agree, judgement.differ), (1, 0));
}

#[test]
fn a_difference_is_counted_and_told() {
    let folder = Folder::new("told");
    let (scenario, mut trace) = short();
    trace[1][3] = json!("y");
    let pack = folder.write("pack.jsonl", &json!({"scenario": scenario, "trace": trace}));
    let mut told = Vec::new();
    let judgement = check(&[pack], Level::Order, &Known::default(), |line| {
        told.push(line.to_owned());
    })
    .unwrap();
    assert_eq!((judgement.agree, judgement.differ), (0, 1));
    assert!(told[0].contains("differs at event 1"), "{told:?}");
    assert!(told[0].contains(r#"CPython  [1, 0, "main", "y", null]"#));
    assert!(told[0].contains(r#"here     [1, 0, "main", "x", null]"#));
}

#[test]
fn what_is_known_to_differ_is_counted_apart_and_told_when_it_does_not() {
    let folder = Folder::new("known");
    let (scenario, trace) = short();
    let mut other = trace.clone();
    other[1][3] = json!("y");
    let agrees = folder.write(
        "agrees.jsonl",
        &json!({"scenario": scenario, "trace": trace}),
    );
    let differs = folder.write(
        "differs.jsonl",
        &json!({"scenario": scenario, "trace": other}),
    );
    let names = folder.0.join("known.txt");
    fs::write(&names, "# name  reason\na  because\n").unwrap();
    let known = Known::read(&names).unwrap();
    let judgement = check(&[differs], Level::Order, &known, |told| panic!("{told}")).unwrap();
    assert_eq!(
        judgement.to_string(),
        "0 agree, 0 differ, 1 differ as is known"
    );
    let mut told = Vec::new();
    check(&[agrees], Level::Order, &known, |line| {
        told.push(line.to_owned());
    })
    .unwrap();
    assert!(
        told[0].ends_with("is known to differ, and agrees"),
        "{told:?}"
    );
}

#[test]
fn bad_input_says_where() {
    let folder = Folder::new("bad");
    let (scenario, trace) = short();
    let alone = folder.write("alone.json", &scenario);
    let error = Case::each(&alone, |_| {}).unwrap_err().to_string();
    assert!(error.contains("its recording") && error.contains("alone.json"));

    let pack = folder.write(
        "pack.jsonl",
        &json!({"scenario": {"name": 1}, "trace": trace}),
    );
    let error = Case::each(&pack, |_| {}).unwrap_err().to_string();
    assert!(
        error.ends_with("pack.jsonl:1: a scenario has a `name`"),
        "{error}"
    );

    let other = folder.write("other.toml", &json!(0));
    assert!(Case::each(&other, |_| {}).is_err());
    assert!(Case::each(&folder.0.join("missing.json"), |_| {}).is_err());
}

#[test]
fn what_has_no_meaning_here_has_no_trace_but_a_reason() {
    let main = json!([["gather", "g", []], ["set_result", "g", 1]]);
    let scenario = Scenario::read(&with_main(main)).unwrap();
    let reason: NoTrace = interpret(&scenario).unwrap_err();
    assert!(reason.to_string().contains("is not set from outside"));

    let endless =
        json!({"name": "a", "coros": {"a": [["await", "@a"]]}, "main": [["await", "@a"]]});
    let reason = interpret(&Scenario::read(&endless).unwrap()).unwrap_err();
    assert!(reason.to_string().contains("too deeply"));
}
