//! Traces: who did what, when, in which order.

use std::fmt;

use serde_json::{Number, Value};

/// One line of a trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The number of the loop's turn; the first is 1.
    pub turn: u64,
    /// The time in ticks since the start: seconds of the manual clock.
    pub time: Value,
    /// The task or coroutine, or `loop` (a callback) or `runner`.
    pub who: String,
    /// What happened.
    pub event: String,
    /// With which value.
    pub value: Value,
}

impl Event {
    /// Reads a line: `[turn, time, who, event, value]`. `None` when it is none.
    #[must_use]
    pub fn read(line: &Value) -> Option<Self> {
        let [turn, time, who, event, value] = line.as_array()?.as_slice() else {
            return None;
        };
        Some(Self {
            turn: turn.as_u64()?,
            time: time.clone(),
            who: who.as_str()?.to_owned(),
            event: event.as_str()?.to_owned(),
            value: value.clone(),
        })
    }

    /// Whether nothing but the turn may differ.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.who == other.who
            && self.event == other.event
            && equal(&self.time, &other.time)
            && equal(&self.value, &other.value)
    }
}

/// As it is written in a recording.
impl fmt::Display for Event {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            turn,
            time,
            who,
            event,
            value,
        } = self;
        write!(formatter, "[{turn}, {time}, {who:?}, {event:?}, {value}]")
    }
}

/// Reads a trace: a list of lines.
///
/// # Errors
/// With the line that is none.
pub fn read_trace(trace: &Value) -> Result<Vec<Event>, String> {
    let lines = trace.as_array().ok_or("a trace is a list")?;
    let event =
        |line: &Value| Event::read(line).ok_or_else(|| format!("no line of a trace: {line}"));
    lines.iter().map(event).collect()
}

/// Python's `==` of values: numbers by what they count, not by how they are written.
pub(crate) fn equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| equal(one, other))
        }
        _ => match (number(one), number(other)) {
            (Some(one), Some(other)) => one == other,
            _ => one == other,
        },
    }
}

/// A number, or a truth value, which Python counts as one.
pub(crate) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(value) => Some(f64::from(u8::from(*value))),
        Value::Number(number) => number.as_f64(),
        _ => None,
    }
}

/// A number as Python's recordings have it: to six places, and whole if it is.
pub(crate) fn rounded(number: f64) -> Value {
    let rounded = (number * 1e6).round() / 1e6;
    // The limit: up to here every whole number is itself.
    if rounded.fract() == 0.0 && rounded.abs() < 9e15 {
        #[expect(clippy::cast_possible_truncation, reason = "whole, and in range")]
        return Value::from(rounded as i64);
    }
    Number::from_f64(rounded).map_or(Value::Null, Value::Number)
}
