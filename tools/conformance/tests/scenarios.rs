//! The recorded scenarios, run on the crates: who did what, when, in which order.

use std::path::{Path, PathBuf};

use asyncio_conformance::{Judgement, Level, check};

fn recorded(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Judges what is recorded under this name; every difference is in the message of the failure.
#[track_caller]
fn judge(name: &str, level: Level) -> Judgement {
    let mut told = String::new();
    let judgement = check(&[recorded(name)], level, |difference| {
        told.push_str(difference);
        told.push('\n');
    });
    let judgement = judgement.unwrap();
    assert_eq!(judgement.differ, 0, "\n{told}");
    judgement
}

#[test]
fn the_scenarios_made_by_hand_agree_with_cpython() {
    assert!(judge("scenarios", Level::Order).agree >= 130);
}
