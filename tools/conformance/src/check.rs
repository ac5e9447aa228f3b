//! Judging: each scenario is run, and its trace compared with the recorded one.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

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
    /// Those that differ as it is known of them, and written down why; they are not among the
    /// others.
    pub known: usize,
}

impl std::fmt::Display for Judgement {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            agree,
            differ,
            known,
        } = self;
        write!(formatter, "{agree} agree, {differ} differ")?;
        if *known > 0 {
            write!(formatter, ", {known} differ as is known")?;
        }
        Ok(())
    }
}

/// The names of scenarios that are known to differ.
///
/// A file of them has a name a line, and after it the reason, in a word that is explained
/// elsewhere. What follows `#` is a remark.
#[derive(Clone, Debug, Default)]
pub struct Known(BTreeSet<String>);

impl Known {
    /// Reads a file of names.
    ///
    /// # Errors
    /// [`BadInput`] when it cannot be read.
    pub fn read(path: &Path) -> Result<Self, BadInput> {
        let text = fs::read_to_string(path).map_err(|error| BadInput {
            place: path.display().to_string(),
            message: error.to_string(),
        })?;
        let name = |line: &str| {
            let line = line.split('#').next()?;
            line.split_whitespace().next().map(str::to_owned)
        };
        Ok(Self(text.lines().filter_map(name).collect()))
    }
}

/// Judges the scenarios at these paths, and tells `tell` of each that differs, with the first
/// event of both traces that does. [`Case::each`] says what a path may be. Of one that is `known`
/// to differ `tell` hears only if it does not.
///
/// # Errors
/// [`BadInput`] when there is something else at a path.
pub fn check(
    paths: &[PathBuf],
    level: Level,
    known: &Known,
    mut tell: impl FnMut(&str),
) -> Result<Judgement, BadInput> {
    let mut judgement = Judgement::default();
    for path in paths {
        Case::each(path, |case| {
            let is_known = known.0.contains(&case.scenario.name);
            match difference(&case, level) {
                Some(_) if is_known => judgement.known += 1,
                Some(difference) => {
                    judgement.differ += 1;
                    tell(&difference);
                }
                None => {
                    judgement.agree += 1;
                    if is_known {
                        let name = &case.scenario.name;
                        tell(&format!(
                            "{name} ({}) is known to differ, and agrees",
                            case.place
                        ));
                    }
                }
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
