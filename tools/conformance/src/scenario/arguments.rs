//! What an operation is given: names, numbers, lists, and expressions.

use serde_json::Value;

use super::reader::{Read, bad};
use super::{Comparison, Expression, Property};

/// The arguments of one operation.
pub(super) struct Arguments<'a> {
    pub(super) operation: &'a str,
    pub(super) values: &'a [Value],
}

impl<'a> Arguments<'a> {
    pub(super) fn get(&self, index: usize) -> Option<&'a Value> {
        self.values.get(index)
    }

    pub(super) fn wrong<T>(&self, index: usize, expected: &str) -> Read<T> {
        let operation = self.operation;
        let index_shown = index + 1;
        bad(match self.get(index) {
            None => format!("`{operation}`: argument {index_shown} is missing: {expected}"),
            Some(value) => {
                format!(
                    "`{operation}`: argument {index_shown} is {value}, and should be {expected}"
                )
            }
        })
    }

    pub(super) fn text(&self, index: usize) -> Read<String> {
        match self.get(index) {
            Some(Value::String(text)) => Ok(text.clone()),
            _ => self.wrong(index, "a name"),
        }
    }

    pub(super) fn number(&self, index: usize) -> Read<f64> {
        match self.get(index).and_then(Value::as_f64) {
            Some(number) => Ok(number),
            None => self.wrong(index, "a number"),
        }
    }

    /// A number, or null; null too when it is left out.
    pub(super) fn limit(&self, index: usize) -> Read<Option<f64>> {
        match self.get(index) {
            None | Some(Value::Null) => Ok(None),
            Some(_) => self.number(index).map(Some),
        }
    }

    pub(super) fn count(&self, index: usize, default: i64) -> Read<i64> {
        match self.get(index) {
            None => Ok(default),
            Some(value) => match value.as_i64() {
                Some(count) => Ok(count),
                None => self.wrong(index, "a whole number"),
            },
        }
    }

    pub(super) fn list(&self, index: usize) -> Read<&'a [Value]> {
        match self.get(index) {
            Some(Value::Array(list)) => Ok(list),
            _ => self.wrong(index, "a list"),
        }
    }

    pub(super) fn names(&self, index: usize) -> Read<Vec<String>> {
        let name = |value: &Value| value.as_str().map(str::to_owned);
        match self.list(index)?.iter().map(name).collect() {
            Some(names) => Ok(names),
            None => self.wrong(index, "a list of names"),
        }
    }

    pub(super) fn flag(&self, index: usize) -> bool {
        self.get(index).is_some_and(is_true)
    }

    pub(super) fn expression(&self, index: usize) -> Read<Expression> {
        match self.get(index) {
            Some(value) => expression(value),
            None => self.wrong(index, "a value"),
        }
    }
}

/// What Python takes for true.
pub(crate) fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(members) => !members.is_empty(),
    }
}

pub(super) fn expression(value: &Value) -> Read<Expression> {
    Ok(match value {
        Value::String(text) => match text.strip_prefix('$') {
            None => Expression::Literal(value.clone()),
            Some("_") => Expression::Last,
            Some("exc") => Expression::Handled,
            Some(name) => Expression::Variable(name.to_owned()),
        },
        Value::Array(list) => Expression::List(list.iter().map(expression).collect::<Read<_>>()?),
        Value::Object(members) => {
            let mut members = members.iter();
            let (Some((key, argument)), None) = (members.next(), members.next()) else {
                return bad(format!("an expression has one key, unlike {value}"));
            };
            compound(key, argument)?
        }
        _ => Expression::Literal(value.clone()),
    })
}

fn compound(key: &str, argument: &Value) -> Read<Expression> {
    let pair = || match argument.as_array().map(Vec::as_slice) {
        Some([one, other]) => Ok(Box::new((expression(one)?, expression(other)?))),
        _ => bad(format!(
            "`{key}` takes a list of two values, and not {argument}"
        )),
    };
    let name = || match argument {
        Value::String(name) => Ok(name.clone()),
        _ => bad(format!("`{key}` takes a name, and not {argument}")),
    };
    let property = match key {
        "eq" => return Ok(Expression::Compare(Comparison::Equal, pair()?)),
        "ge" => return Ok(Expression::Compare(Comparison::AtLeast, pair()?)),
        "add" => return Ok(Expression::Compare(Comparison::Sum, pair()?)),
        "and" => return Ok(Expression::And(pair()?)),
        "not" => return Ok(Expression::Not(Box::new(expression(argument)?))),
        "ctx" => return Ok(Expression::Context(name()?)),
        "time" => return Ok(Expression::Time),
        "done" => Property::Done,
        "cancelled" => Property::Cancelled,
        "result" => Property::Result,
        "exception" => Property::Exception,
        "cancelling" => Property::Cancelling,
        "expired" => Property::Expired,
        "when" => Property::When,
        "handle_cancelled" => Property::HandleCancelled,
        "locked" => Property::Locked,
        "is_set" => Property::IsSet,
        "qsize" => Property::QSize,
        "empty" => Property::Empty,
        "full" => Property::Full,
        "n_waiting" => Property::NWaiting,
        "broken" => Property::Broken,
        "parties" => Property::Parties,
        _ => return bad(format!("there is no expression `{key}`")),
    };
    Ok(Expression::Property(property, name()?))
}
