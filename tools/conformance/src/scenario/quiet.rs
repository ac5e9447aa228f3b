//! Steps that raise nothing, whatever happens: clean-up that can only end, or be cancelled.
//!
//! Python's `finally` block may raise, and its exception takes the place of a cancellation that was
//! on its way. The clean-up of `finally` here has no outcome. So only what certainly raises nothing
//! is run by it.

use super::{Act, Blocked, Expression, Step, Waited};

/// Whether none of these steps can raise.
pub(crate) fn raise_nothing(steps: &[Step]) -> bool {
    steps.iter().all(raises_nothing)
}

fn raises_nothing(step: &Step) -> bool {
    match step {
        Step::Act(Act::Log(_, value)) => value.as_ref().is_none_or(is_plain),
        Step::Act(Act::Set(_, value) | Act::SetContext(_, value)) => is_plain(value),
        Step::Act(
            Act::Eager(_)
            | Act::Spawn(..)
            | Act::Future(_)
            | Act::CallSoon(..)
            | Act::CallLater(..)
            | Act::CallAt(..)
            | Act::Stop,
        )
        | Step::Wait(Waited::Sleep(..) | Waited::Yield)
        | Step::Block(Blocked::Return(None) | Blocked::Outcome(..)) => true,
        Step::Block(Blocked::Return(Some(value))) => is_plain(value),
        Step::Block(Blocked::If(condition, then, otherwise)) => {
            is_plain(condition) && raise_nothing(then) && raise_nothing(otherwise)
        }
        Step::Block(Blocked::Repeat(_, body)) => raise_nothing(body),
        Step::Act(_) | Step::Wait(_) | Step::Block(_) => false,
    }
}

/// Whether it has a value in any case.
fn is_plain(expression: &Expression) -> bool {
    match expression {
        Expression::Literal(_)
        | Expression::Last
        | Expression::Handled
        | Expression::Variable(_)
        | Expression::Context(_)
        | Expression::Time => true,
        Expression::List(list) => list.iter().all(is_plain),
        Expression::And(pair) => is_plain(&pair.0) && is_plain(&pair.1),
        Expression::Not(value) => is_plain(value),
        Expression::Compare(..) | Expression::Property(..) => false,
    }
}
