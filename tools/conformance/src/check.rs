//! Judging: each scenario is run, and its trace compared with the recorded one.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::case::{BadInput, Case};
use crate::compare::{Level, compare};
use crate::interpreter::interpret;

/// How many scenarios agree with CPython, and how many do not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Those whose traces are the recorded ones.
    pub agree: usize,
    /// The others.
    pub differ: usize,
}

impl std::fmt::Display for Judgement {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { agree, differ } = self;
        write!(formatter, "{agree} agree, {differ} differ")
    }
}

/// Judges the scenarios at these paths, and tells `tell` of each that differs, with the first
/// event of both traces that does. [`Case::each`] says what a path may be.
///
/// # Errors
/// [`BadInput`] when there is something else at a path.
pub fn check(
    paths: &[PathBuf],
    level: Level,
    mut tell: impl FnMut(&str),
) -> Result<Judgement, BadInput> {
    let mut judgement = Judgement::default();
    for path in paths {
        Case::each(path, |case| match difference(&case, level) {
            None => judgement.agree += 1,
            Some(difference) => {
                judgement.differ += 1;
                tell(&difference);
            }
        })?;
    }
    Ok(judgement)
}

/// Where a scenario differs, for people.
fn difference(case: &Case, level: Level) -> Option<String> {
    let Case {
        place, scenario, ..
    } = case;
    let name = &scenario.name;
    let mut told = format!("{name} ({place})");
    match interpret(scenario) {
        Err(error) => {
            let _ = write!(told, " has no trace here: {error}");
        }
        Ok(happened) => {
            let divergence = compare(&case.recorded, &happened, level).err()?;
            let _ = write!(told, " differs at event {}", divergence.at);
            for (whose, event) in [
                ("CPython", &divergence.recorded),
                ("here", &divergence.happened),
            ] {
                let event = event
                    .as_ref()
                    .map_or("the end".to_owned(), ToString::to_string);
                let _ = write!(told, "\n  {whose:<8} {event}");
            }
        }
    }
    Some(told)
}
