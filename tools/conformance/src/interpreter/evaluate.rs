//! Expressions.

use asyncio::TaskError;
use asyncio::futures::Child;
use serde_json::Value;

use super::exception::{Exception, Raised, as_value};
use super::frame::Frame;
use super::named::Named;
use super::world::Thing;
use crate::scenario::{Comparison, Expression, Property, is_true};
use crate::trace::{equal, number};

impl Frame {
    pub(crate) fn evaluate(&self, expression: &Expression) -> Result<Value, Raised> {
        Ok(match expression {
            Expression::Literal(value) => value.clone(),
            Expression::Last => self.last(),
            Expression::Handled => self.handled(),
            Expression::Variable(name) => self.world.variable(name),
            Expression::List(list) => {
                let values = list.iter().map(|it| self.evaluate(it));
                Value::from(values.collect::<Result<Vec<_>, _>>()?)
            }
            Expression::Compare(comparison, pair) => {
                let (one, other) = (self.evaluate(&pair.0)?, self.evaluate(&pair.1)?);
                compared(*comparison, &one, &other)?
            }
            Expression::And(pair) => {
                // Both are evaluated, as by the oracle.
                let (one, other) = (self.evaluate(&pair.0)?, self.evaluate(&pair.1)?);
                if is_true(&one) { other } else { one }
            }
            Expression::Not(value) => Value::from(!is_true(&self.evaluate(value)?)),
            Expression::Context(name) => {
                let variable = self.world.context_variable(name);
                variable.get().unwrap_or_default()
            }
            Expression::Time => self.world.now(),
            Expression::Property(property, name) => match self.world.find(name) {
                Some(thing) => self.property(*property, &thing)?,
                None => Value::Null,
            },
        })
    }

    fn property(&self, property: Property, thing: &Thing) -> Result<Value, Raised> {
        match thing {
            Thing::Named(named) => of_named(property, named),
            Thing::Timeout(timeout) => match property {
                Property::Expired => Ok(timeout.expired().into()),
                Property::When => Ok(timeout
                    .when()
                    .map_or(Value::Null, |when| self.world.ticks(when))),
                _ => no_attribute(),
            },
            Thing::Handle(handle) => match property {
                Property::Cancelled | Property::HandleCancelled => Ok(handle.cancelled().into()),
                _ => no_attribute(),
            },
            Thing::Timer(timer) => match property {
                Property::Cancelled | Property::HandleCancelled => Ok(timer.cancelled().into()),
                Property::When => Ok(timer
                    .when()
                    .map_or(Value::Null, |when| self.world.ticks(when))),
                _ => no_attribute(),
            },
            Thing::Primitive(primitive) => primitive.property(property),
            Thing::Group(_) | Thing::Nothing => no_attribute(),
        }
    }
}

fn of_named(property: Property, named: &Named) -> Result<Value, Raised> {
    let ended = || {
        let ended = named.ended();
        ended.map_err(|_| Raised::from(Exception::Named("InvalidStateError")))
    };
    let cancelled = |error| match error {
        TaskError::Cancelled(message) => Raised::Cancelled(message),
        TaskError::Panicked(_) => Exception::Named("SystemError").into(),
    };
    Ok(match property {
        Property::Done => named.done().into(),
        Property::Cancelled | Property::HandleCancelled => named.is_cancelled_future().into(),
        Property::Result => ended()?.map_err(cancelled)??,
        Property::Exception => match ended()? {
            Err(error) if named.is_cancelled_future() => return Err(cancelled(error)),
            ended => named.exception_of(&ended).map_or(Value::Null, as_value),
        },
        Property::Cancelling => match named.as_task() {
            Some(task) => task.cancelling().into(),
            None => return no_attribute(),
        },
        _ => return no_attribute(),
    })
}

/// What Python says when an object has no such method.
pub(crate) fn no_attribute<T>() -> Result<T, Raised> {
    Err(Exception::Named("AttributeError").into())
}

/// Python's `==`, `>=` and `+`.
pub(crate) fn compared(
    comparison: Comparison,
    one: &Value,
    other: &Value,
) -> Result<Value, Exception> {
    let no_such = Exception::Named("TypeError");
    if let Comparison::Equal = comparison {
        return Ok(equal(one, other).into());
    }
    if let (Some(first), Some(second)) = (number(one), number(other)) {
        return Ok(match comparison {
            Comparison::Equal | Comparison::AtLeast => (first >= second).into(),
            Comparison::Sum => match (one.as_i64(), other.as_i64()) {
                (Some(one), Some(other)) => one.saturating_add(other).into(),
                _ => crate::trace::rounded(first + second),
            },
        });
    }
    match (comparison, one, other) {
        (Comparison::AtLeast, Value::String(one), Value::String(other)) => {
            Ok((one >= other).into())
        }
        (Comparison::AtLeast, Value::Array(one), Value::Array(other)) => {
            for (one, other) in one.iter().zip(other) {
                if !equal(one, other) {
                    return compared(comparison, one, other);
                }
            }
            Ok((one.len() >= other.len()).into())
        }
        (Comparison::Sum, Value::String(one), Value::String(other)) => {
            Ok(format!("{one}{other}").into())
        }
        (Comparison::Sum, Value::Array(one), Value::Array(other)) => {
            Ok(one.iter().chain(other).cloned().collect())
        }
        _ => Err(no_such),
    }
}
