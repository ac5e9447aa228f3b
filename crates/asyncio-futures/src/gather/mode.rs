//! What a group makes of its children's ends: asyncio's two ways, and the one for `Result`s.

use std::any::Any;

use asyncio_executor::{End, Message, TaskError};

use crate::error::GatherError;
use crate::gather::children::{Children, TryChildren};
use crate::gather::group::{Rules, Verdict};

/// How the ends of the children `C` become the group's: [`Plain`], [`ReturnExceptions`], [`Try`].
pub trait Mode<C> {
    /// What the group returns.
    type Value;
    /// What it fails with.
    type Error;
    /// What [`Gather::result`](crate::Gather::result) shows of a failure.
    type Shown<'a>
    where
        C: 'a;
    /// What it is worth as a child of another group.
    type Output: 'static;

    /// Which ends of children end the group.
    fn rules() -> Rules;

    /// Takes the children's values.
    ///
    /// # Errors
    /// The group's failure.
    fn finish(children: C, verdict: Verdict) -> Result<Self::Value, Self::Error>;

    /// The message, if this failure is a cancellation.
    fn cancellation(error: &Self::Error) -> Option<Option<Message>>;

    /// Shows a failure that stays where it is.
    fn show<'a>(error: &'a Self::Error) -> Self::Shown<'a>
    where
        C: 'a;

    /// The group's outcome as a child's.
    ///
    /// # Errors
    /// The group's failure, where that is a child's.
    fn into_output(outcome: Result<Self::Value, Self::Error>) -> Result<Self::Output, TaskError>;
}

/// Ends with the first child that is cancelled or panics.
#[derive(Debug)]
pub enum Plain {}

/// Ends when every child has ended, however they do: asyncio's `return_exceptions=True`.
#[derive(Debug)]
pub enum ReturnExceptions {}

/// Ends with the first child that returns an `Err`, is cancelled or panics.
#[derive(Debug)]
pub enum Try {}

fn never(_: &dyn Any) -> bool {
    false
}

fn cancellation(error: &TaskError) -> Option<Option<Message>> {
    match error {
        TaskError::Cancelled(message) => Some(message.clone()),
        TaskError::Panicked(_) => None,
    }
}

impl<C: Children> Mode<C> for Plain {
    type Value = C::Values;
    type Error = TaskError;
    type Shown<'a>
        = TaskError
    where
        C: 'a;
    type Output = C::Values;

    fn rules() -> Rules {
        Rules {
            stops_at: |end| matches!(end, End::Cancelled | End::Panicked),
            is_failure: never,
            told_as: |end| end,
        }
    }

    fn finish(children: C, verdict: Verdict) -> Result<C::Values, TaskError> {
        match verdict {
            Verdict::AllEnded => children.into_values(),
            Verdict::Failed(index) => Err(children
                .into_failure(index)
                .unwrap_or(TaskError::Cancelled(None))),
            Verdict::Cancelled(message) => Err(TaskError::Cancelled(message)),
        }
    }

    fn cancellation(error: &TaskError) -> Option<Option<Message>> {
        cancellation(error)
    }

    fn show<'a>(error: &'a TaskError) -> TaskError
    where
        C: 'a,
    {
        error.clone()
    }

    fn into_output(outcome: Result<C::Values, TaskError>) -> Result<C::Values, TaskError> {
        outcome
    }
}

impl<C: Children> Mode<C> for ReturnExceptions {
    type Value = C::Results;
    type Error = TaskError;
    type Shown<'a>
        = TaskError
    where
        C: 'a;
    type Output = C::Results;

    fn rules() -> Rules {
        Rules {
            stops_at: |_| false,
            is_failure: never,
            told_as: |end| end,
        }
    }

    fn finish(children: C, verdict: Verdict) -> Result<C::Results, TaskError> {
        match verdict {
            Verdict::Cancelled(message) => Err(TaskError::Cancelled(message)),
            Verdict::AllEnded | Verdict::Failed(_) => Ok(children.into_results()),
        }
    }

    fn cancellation(error: &TaskError) -> Option<Option<Message>> {
        cancellation(error)
    }

    fn show<'a>(error: &'a TaskError) -> TaskError
    where
        C: 'a,
    {
        error.clone()
    }

    fn into_output(outcome: Result<C::Results, TaskError>) -> Result<C::Results, TaskError> {
        outcome
    }
}

impl<C: TryChildren> Mode<C> for Try {
    type Value = C::OkValues;
    type Error = GatherError<C::Error>;
    type Shown<'a>
        = &'a GatherError<C::Error>
    where
        C: 'a;
    type Output = Result<C::OkValues, GatherError<C::Error>>;

    fn rules() -> Rules {
        Rules {
            stops_at: |end| end != End::Returned,
            is_failure: C::is_failure,
            // As a child of another group it returns an `Err`.
            told_as: |end| match end {
                End::Returned => End::Returned,
                End::Failed | End::Cancelled | End::Panicked => End::Failed,
            },
        }
    }

    fn finish(children: C, verdict: Verdict) -> Result<C::OkValues, Self::Error> {
        match verdict {
            Verdict::AllEnded => children.into_ok_values(),
            Verdict::Failed(index) => Err(children
                .into_error(index)
                .unwrap_or(GatherError::Cancelled(None))),
            Verdict::Cancelled(message) => Err(GatherError::Cancelled(message)),
        }
    }

    fn cancellation(error: &Self::Error) -> Option<Option<Message>> {
        match error {
            GatherError::Cancelled(message) => Some(message.clone()),
            GatherError::Error(_) | GatherError::Panicked(_) => None,
        }
    }

    fn show<'a>(error: &'a Self::Error) -> &'a Self::Error
    where
        C: 'a,
    {
        error
    }

    fn into_output(outcome: Result<C::OkValues, Self::Error>) -> Result<Self::Output, TaskError> {
        Ok(outcome)
    }
}
