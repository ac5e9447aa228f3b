//! The recorded scenarios, run on the crates: who did what, when, in which order.

use std::path::{Path, PathBuf};

use asyncio_conformance::{Judgement, Known, Level, check};

fn recorded(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Judges what is recorded under this name at level `order`; every difference is in the message of
/// the failure, and so is what is known to differ and does not.
#[track_caller]
fn judge(name: &str, known: &Known) -> Judgement {
    let mut told = String::new();
    let judgement = check(&[recorded(name)], Level::Order, known, |line| {
        told.push_str(line);
        told.push('\n');
    });
    assert!(told.is_empty(), "\n{told}");
    judgement.unwrap()
}

#[test]
fn the_scenarios_made_by_hand_agree_with_cpython() {
    assert!(judge("scenarios", &Known::default()).agree >= 153);
}

#[test]
fn the_random_scenarios_agree_with_cpython_but_for_those_that_are_listed() {
    let known = Known::read(&recorded("known.txt")).unwrap();
    let judgement = judge("random-300.jsonl", &known);
    assert_eq!((judgement.agree, judgement.known), (296, 4));
}

/// What CPython does since gh-128550, recorded by 3.13.0 with `oracle.py --later`.
#[test]
fn what_a_later_cpython_does_otherwise_agrees_with_that() {
    assert!(judge("later.jsonl", &Known::default()).agree >= 5);
}
