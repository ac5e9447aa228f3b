//! Comparing: what each level sees, and what it does not.

use asyncio_conformance::{Divergence, Event, Level, compare, read_trace};
use serde_json::{Value, json};

const LEVELS: [Level; 3] = [Level::Turn, Level::Order, Level::Task];

/// A trace to tamper with.
fn recorded() -> Vec<Event> {
    trace(json!([
        [1, 0, "main", "start", null],
        [2, 0, "a", "start", null],
        [2, 0, "b", "start", null],
        [3, 1, "a", "got", [1, "x"]],
        [4, 1, "a", "return", 2],
        [4, 1.5, "b", "raise", "Error(y)"],
        [5, 2, "main", "return", null]
    ]))
}

fn trace(lines: Value) -> Vec<Event> {
    read_trace(&lines).unwrap()
}

/// The levels at which tampering is seen, in order of strictness.
fn seen(tamper: impl Fn(&mut Vec<Event>)) -> Vec<Level> {
    let mut happened = recorded();
    tamper(&mut happened);
    let differs = |level: &Level| compare(&recorded(), &happened, *level).is_err();
    LEVELS.into_iter().filter(differs).collect()
}

#[test]
fn a_trace_agrees_with_itself_at_every_level() {
    assert_eq!(seen(|_| {}), []);
}

#[test]
fn a_value_a_time_an_event_and_a_name_are_seen_at_every_level() {
    assert_eq!(seen(|trace| trace[3].value = json!([1, "z"])), LEVELS);
    assert_eq!(seen(|trace| trace[4].value = Value::Null), LEVELS);
    assert_eq!(seen(|trace| trace[5].time = json!(1)), LEVELS);
    assert_eq!(seen(|trace| trace[5].event = "return".to_owned()), LEVELS);
    assert_eq!(seen(|trace| trace[2].who = "a".to_owned()), LEVELS);
}

#[test]
fn a_line_too_few_and_one_too_many_are_seen_at_every_level() {
    assert_eq!(seen(|trace| _ = trace.pop()), LEVELS);
    assert_eq!(seen(|trace| _ = trace.remove(0)), LEVELS);
    assert_eq!(seen(|trace| trace.push(trace[6].clone())), LEVELS);
    assert_eq!(seen(Vec::clear), LEVELS);
}

#[test]
fn the_order_of_two_tasks_is_not_seen_at_level_task() {
    let swapped = seen(|trace| trace.swap(1, 2));
    assert_eq!(swapped, [Level::Turn, Level::Order]);
    let within_one = seen(|trace| trace.swap(3, 4));
    assert_eq!(within_one, LEVELS);
}

#[test]
fn the_turn_is_seen_at_level_turn_only() {
    assert_eq!(seen(|trace| trace[6].turn = 9), [Level::Turn]);
}

#[test]
fn numbers_are_compared_by_what_they_count() {
    let same = seen(|trace| trace[4].value = json!(2.0));
    assert_eq!(same, []);
    let other = seen(|trace| trace[4].value = json!("2"));
    assert_eq!(other, LEVELS);
}

#[test]
fn the_first_difference_is_told_with_both_events() {
    let mut happened = recorded();
    happened[3].value = json!(7);
    happened.pop();
    let told = compare(&recorded(), &happened, Level::Order).unwrap_err();
    assert_eq!(
        told.to_string(),
        r#"event 3: [3, 1, "a", "got", 7], and in CPython [3, 1, "a", "got", [1,"x"]]"#
    );
    happened[3] = recorded()[3].clone();
    let told = compare(&recorded(), &happened, Level::Order).unwrap_err();
    let expected = Divergence {
        at: 6,
        recorded: Some(recorded()[6].clone()),
        happened: None,
    };
    assert_eq!(*told, expected);
    assert!(
        told.to_string()
            .starts_with("event 6: the end, and in CPython [")
    );
}

#[test]
fn lines_that_are_none_are_refused() {
    for line in [
        json!(1),
        json!([1, 0, "main", "start"]),
        json!([-1, 0, "main", "start", null]),
        json!([1, 0, "main", "start", null, null]),
    ] {
        assert!(read_trace(&json!([line])).is_err(), "{line}");
    }
    assert!(read_trace(&json!({})).is_err());
}
