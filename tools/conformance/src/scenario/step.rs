//! What a program is made of: operations that do not wait, operations that do, blocks; and the
//! expressions in them.

use asyncio::ReturnWhen;
use serde_json::Value;

use super::Steps;

/// One operation.
#[derive(Debug)]
pub(crate) enum Step {
    /// Done at once: all that is allowed in callbacks.
    Act(Act),
    /// Waits.
    Wait(Waited),
    /// Has a body, or changes the flow.
    Block(Blocked),
}

/// Operations that do not wait.
#[derive(Debug)]
pub(crate) enum Act {
    Log(String, Option<Expression>),
    Set(String, Expression),
    Increment(String, Value),
    SetContext(String, Expression),
    Raise(String),
    RaiseCancelled,
    Eager(bool),
    Spawn(String, Body),
    Future(String),
    SetResult(String, Expression),
    SetException(String, String),
    Cancel(String, Option<String>),
    Uncancel(String),
    AddCallback(String, String),
    RemoveCallback(String, String),
    Shield(String, Target),
    Gather {
        name: String,
        targets: Vec<Target>,
        return_exceptions: bool,
    },
    SpawnInGroup {
        group: String,
        name: String,
        body: Body,
    },
    Reschedule(String, Option<f64>),
    CallSoon(String, Steps),
    CallLater(String, f64, Steps),
    CallAt(String, f64, Steps),
    CancelHandle(String),
    Release(String),
    SetEvent(String),
    ClearEvent(String),
    Notify(String, i64),
    NotifyAll(String),
    PutNowait(String, Expression),
    GetNowait(String),
    TaskDone(String),
    ShutDown(String, bool),
    Stop,
}

/// Operations that wait.
#[derive(Debug)]
pub(crate) enum Waited {
    Sleep(f64, Value),
    Yield,
    Await(Target),
    Wait {
        names: Vec<String>,
        timeout: Option<f64>,
        when: ReturnWhen,
    },
    AsCompleted(Vec<String>, Option<f64>),
    WaitFor(Target, Option<f64>),
    /// On something that the scenario declares.
    Object(String, OnObject),
}

/// Waiting for a lock, an event, a queue …
#[derive(Debug)]
pub(crate) enum OnObject {
    Acquire,
    Event,
    Condition,
    ConditionFor(Expression),
    Barrier,
    AbortBarrier,
    ResetBarrier,
    Put(Expression),
    Get,
    Join,
}

/// Operations with bodies, and those that leave one.
#[derive(Debug)]
pub(crate) enum Blocked {
    Try {
        body: Steps,
        catches: Vec<Catch>,
        last: Steps,
    },
    Reraise,
    Outcome(String, Steps),
    If(Expression, Steps, Steps),
    Repeat(u64, Steps),
    /// With a name if the scenario asks for its handle.
    Timeout(Option<String>, Deadline, Steps),
    TaskGroup(String, Steps),
    With(String, Steps),
    Return(Option<Expression>),
}

/// `except KINDS: BODY`.
#[derive(Debug)]
pub(crate) struct Catch {
    pub(crate) kinds: Vec<String>,
    pub(crate) body: Steps,
}

/// When a timeout expires.
#[derive(Debug)]
pub(crate) enum Deadline {
    After(Option<f64>),
    At(Option<f64>),
}

/// What a task runs.
#[derive(Debug)]
pub(crate) enum Body {
    /// One of the scenario's coroutines.
    Named(String),
    Inline(Steps),
}

/// What is awaited.
#[derive(Debug)]
pub(crate) enum Target {
    /// A task or a future, by name.
    Name(String),
    /// A fresh coroutine, and what it is called in the trace.
    Coroutine { body: String, label: String },
}

/// A value that is found when it is needed.
#[derive(Debug)]
pub(crate) enum Expression {
    Literal(Value),
    /// `$_`
    Last,
    /// `$exc`
    Handled,
    Variable(String),
    List(Vec<Expression>),
    Compare(Comparison, Box<(Expression, Expression)>),
    And(Box<(Expression, Expression)>),
    Not(Box<Expression>),
    Context(String),
    Time,
    Property(Property, String),
}

/// What is made of two values.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Comparison {
    Equal,
    AtLeast,
    Sum,
}

/// What can be asked of something that has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Property {
    Done,
    Cancelled,
    Result,
    Exception,
    Cancelling,
    Expired,
    When,
    HandleCancelled,
    Locked,
    IsSet,
    QSize,
    Empty,
    Full,
    NWaiting,
    Broken,
    Parties,
}
