//! Where two traces part.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::trace::Event;

/// How closely traces are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// Everything: also in which turn of the loop it happened.
    Turn,
    /// Who did what, when, in which order.
    #[default]
    Order,
    /// What each task did, and when; not the order between tasks.
    Task,
}

impl FromStr for Level {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "turn" => Ok(Self::Turn),
            "order" => Ok(Self::Order),
            "task" => Ok(Self::Task),
            _ => Err(format!("there is no level `{name}`: turn, order or task")),
        }
    }
}

/// The first event in which a trace is not the recorded one; `None` is the end of a trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Divergence {
    /// Its place, from 0: in the trace, or at level `task` in what one task did.
    pub at: usize,
    /// What CPython recorded.
    pub recorded: Option<Event>,
    /// What happened here.
    pub happened: Option<Event>,
}

impl fmt::Display for Divergence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |event: &Option<Event>| match event {
            Some(event) => event.to_string(),
            None => "the end".to_owned(),
        };
        let (recorded, happened) = (shown(&self.recorded), shown(&self.happened));
        let at = self.at;
        write!(
            formatter,
            "event {at}: {happened}, and in CPython {recorded}"
        )
    }
}

/// Compares what happened with what was recorded.
///
/// # Errors
/// With the first difference at this level.
///
/// # Examples
/// ```
/// use asyncio_conformance::{Level, compare, read_trace};
/// use serde_json::json;
///
/// let recorded = read_trace(&json!([[1, 0, "a", "go", null], [2, 0, "b", "go", null]]))?;
/// let happened = read_trace(&json!([[1, 0, "b", "go", null], [1, 0, "a", "go", null]]))?;
/// assert_eq!(compare(&recorded, &happened, Level::Order).unwrap_err().at, 0);
/// assert!(compare(&recorded, &happened, Level::Task).is_ok());
/// # Ok::<(), String>(())
/// ```
pub fn compare(
    recorded: &[Event],
    happened: &[Event],
    level: Level,
) -> Result<(), Box<Divergence>> {
    match level {
        Level::Turn => {
            let same = |one: &Event, other: &Event| one.turn == other.turn && one.is_same(other);
            in_order(recorded.iter(), happened.iter(), same)
        }
        Level::Order => in_order(recorded.iter(), happened.iter(), Event::is_same),
        Level::Task => {
            let mut tasks: BTreeMap<&str, (Vec<&Event>, Vec<&Event>)> = BTreeMap::new();
            for event in recorded {
                tasks.entry(&event.who).or_default().0.push(event);
            }
            for event in happened {
                tasks.entry(&event.who).or_default().1.push(event);
            }
            for (recorded, happened) in tasks.into_values() {
                in_order(recorded.into_iter(), happened.into_iter(), Event::is_same)?;
            }
            Ok(())
        }
    }
}

fn in_order<'a>(
    mut recorded: impl Iterator<Item = &'a Event>,
    mut happened: impl Iterator<Item = &'a Event>,
    same: fn(&Event, &Event) -> bool,
) -> Result<(), Box<Divergence>> {
    let mut at = 0;
    loop {
        match (recorded.next(), happened.next()) {
            (None, None) => return Ok(()),
            (Some(one), Some(other)) if same(one, other) => at += 1,
            (recorded, happened) => {
                return Err(Box::new(Divergence {
                    at,
                    recorded: recorded.cloned(),
                    happened: happened.cloned(),
                }));
            }
        }
    }
}
