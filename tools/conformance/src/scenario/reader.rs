//! From JSON to steps.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use asyncio::ReturnWhen;
use serde_json::Value;

use super::{
    Act, Blocked, Body, Catch, Comparison, Deadline, Expression, Object, OnObject, Property, Runs,
    Scenario, Step, Steps, Target, Waited,
};

/// Why something is no scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadScenario(String);

impl BadScenario {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for BadScenario {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for BadScenario {}

type Read<T> = Result<T, BadScenario>;

fn bad<T>(message: impl Into<String>) -> Read<T> {
    Err(BadScenario::new(message))
}

pub(super) fn scenario(scenario: &Value) -> Read<Scenario> {
    let Some(name) = scenario["name"].as_str() else {
        return bad("a scenario has a `name`");
    };
    let mut reader = Reader::default();
    let mut coroutines = BTreeMap::new();
    if let Some(bodies) = members(scenario, "coros")? {
        for (name, body) in bodies {
            coroutines.insert(name.clone(), reader.steps(body)?);
        }
    }
    let runs = match (scenario.get("main"), scenario.get("runs")) {
        (Some(main), None) => Runs::Main(reader.steps(main)?),
        (None, Some(Value::Array(runs))) => {
            let runs: Read<_> = runs.iter().map(|run| reader.steps(run)).collect();
            Runs::Several(runs?)
        }
        _ => return bad("a scenario has either `main` or a list of `runs`"),
    };
    if let Some(missing) = reader
        .bodies
        .iter()
        .find(|it| !coroutines.contains_key(*it))
    {
        return bad(format!("there is no coroutine `{missing}`"));
    }
    let mut objects = Vec::new();
    for (name, declared) in members(scenario, "objects")?.into_iter().flatten() {
        objects.push((name.clone(), object(name, declared)?));
    }
    let conditions = objects.iter().filter_map(|(_, object)| match object {
        Object::Condition(Some(lock)) => Some(lock),
        _ => None,
    });
    for lock in conditions {
        let is_lock = |(name, object): &_| name == lock && matches!(object, Object::Lock);
        if !objects.iter().any(is_lock) {
            return bad(format!("there is no lock `{lock}` for a condition"));
        }
    }
    Ok(Scenario {
        name: name.to_owned(),
        objects,
        coroutines,
        runs,
    })
}

fn members<'a>(scenario: &'a Value, key: &str) -> Read<Option<&'a serde_json::Map<String, Value>>> {
    match scenario.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(members)) => Ok(Some(members)),
        Some(_) => bad(format!("`{key}` is an object")),
    }
}

fn object(name: &str, declared: &Value) -> Read<Object> {
    let declared = match declared {
        Value::Array(declared) => declared.as_slice(),
        kind => std::slice::from_ref(kind),
    };
    let number = |default| match declared.get(1) {
        None => Ok(default),
        Some(value) => match value.as_i64() {
            Some(number) => Ok(number),
            None => bad(format!("object `{name}`: {value} is no number")),
        },
    };
    Ok(match declared.first().and_then(Value::as_str) {
        Some("lock") => Object::Lock,
        Some("semaphore") => Object::Semaphore(number(1)?),
        Some("bounded") => Object::BoundedSemaphore(number(1)?),
        Some("event") => Object::Event,
        Some("condition") => match declared.get(1) {
            None => Object::Condition(None),
            Some(Value::String(lock)) => Object::Condition(Some(lock.clone())),
            Some(value) => return bad(format!("condition `{name}`: {value} is no name of a lock")),
        },
        Some("barrier") => Object::Barrier(number(1)?),
        Some("queue") => Object::Queue(number(0)?),
        Some("lifo") => Object::LifoQueue(number(0)?),
        Some("prio") => Object::PriorityQueue(number(0)?),
        Some("var") => Object::Variable(declared.get(1).cloned().unwrap_or_default()),
        _ => return bad(format!("object `{name}`: unknown kind")),
    })
}

/// Remembers which coroutines were named.
#[derive(Default)]
struct Reader {
    bodies: Vec<String>,
}

/// The arguments of one operation.
struct Arguments<'a> {
    operation: &'a str,
    values: &'a [Value],
}

impl<'a> Arguments<'a> {
    fn get(&self, index: usize) -> Option<&'a Value> {
        self.values.get(index)
    }

    fn wrong<T>(&self, index: usize, expected: &str) -> Read<T> {
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

    fn text(&self, index: usize) -> Read<String> {
        match self.get(index) {
            Some(Value::String(text)) => Ok(text.clone()),
            _ => self.wrong(index, "a name"),
        }
    }

    fn number(&self, index: usize) -> Read<f64> {
        match self.get(index).and_then(Value::as_f64) {
            Some(number) => Ok(number),
            None => self.wrong(index, "a number"),
        }
    }

    /// A number, or null; null too when it is left out.
    fn limit(&self, index: usize) -> Read<Option<f64>> {
        match self.get(index) {
            None | Some(Value::Null) => Ok(None),
            Some(_) => self.number(index).map(Some),
        }
    }

    fn count(&self, index: usize, default: i64) -> Read<i64> {
        match self.get(index) {
            None => Ok(default),
            Some(value) => match value.as_i64() {
                Some(count) => Ok(count),
                None => self.wrong(index, "a whole number"),
            },
        }
    }

    fn list(&self, index: usize) -> Read<&'a [Value]> {
        match self.get(index) {
            Some(Value::Array(list)) => Ok(list),
            _ => self.wrong(index, "a list"),
        }
    }

    fn names(&self, index: usize) -> Read<Vec<String>> {
        let name = |value: &Value| value.as_str().map(str::to_owned);
        match self.list(index)?.iter().map(name).collect() {
            Some(names) => Ok(names),
            None => self.wrong(index, "a list of names"),
        }
    }

    fn flag(&self, index: usize) -> bool {
        self.get(index).is_some_and(is_true)
    }

    fn expression(&self, index: usize) -> Read<Expression> {
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

impl Reader {
    fn steps(&mut self, body: &Value) -> Read<Steps> {
        let Value::Array(body) = body else {
            return bad(format!("a body is a list of operations, and not {body}"));
        };
        body.iter().map(|step| self.step(step)).collect()
    }

    fn step(&mut self, step: &Value) -> Read<Step> {
        let Some((operation, values)) = step
            .as_array()
            .and_then(|step| step.split_first())
            .and_then(|(operation, values)| Some((operation.as_str()?, values)))
        else {
            return bad(format!(
                "an operation is a list that begins with its name, and not {step}"
            ));
        };
        let arguments = Arguments { operation, values };
        if let Some(act) = self.act(&arguments)? {
            return Ok(Step::Act(act));
        }
        if let Some(waited) = self.waited(&arguments)? {
            return Ok(Step::Wait(waited));
        }
        match self.block(&arguments)? {
            Some(block) => Ok(Step::Block(block)),
            None => bad(format!("there is no operation `{operation}`")),
        }
    }

    fn act(&mut self, a: &Arguments<'_>) -> Read<Option<Act>> {
        Ok(Some(match a.operation {
            "log" => {
                let value = a.get(1).map(expression).transpose()?;
                Act::Log(a.text(0)?, value)
            }
            "set" => Act::Set(a.text(0)?, a.expression(1)?),
            "incr" => Act::Increment(a.text(0)?, a.get(1).cloned().unwrap_or_else(|| 1.into())),
            "ctx_set" => Act::SetContext(a.text(0)?, a.expression(1)?),
            "raise" => Act::Raise(a.text(0)?),
            "raise_cancelled" => Act::RaiseCancelled,
            "eager" => Act::Eager(a.flag(0)),
            "spawn" => Act::Spawn(a.text(0)?, self.body(a, 1)?),
            "future" => Act::Future(a.text(0)?),
            "set_result" => Act::SetResult(a.text(0)?, a.expression(1)?),
            "set_exception" => Act::SetException(a.text(0)?, a.text(1)?),
            "cancel" => {
                let message = a.get(1).filter(|it| !it.is_null());
                Act::Cancel(a.text(0)?, message.map(|_| a.text(1)).transpose()?)
            }
            "uncancel" => Act::Uncancel(a.text(0)?),
            "callback" => Act::AddCallback(a.text(0)?, a.text(1)?),
            "remove_callback" => Act::RemoveCallback(a.text(0)?, a.text(1)?),
            "shield" => Act::Shield(a.text(0)?, self.target(&a.text(1)?)),
            "gather" => Act::Gather {
                name: a.text(0)?,
                targets: a.names(1)?.iter().map(|it| self.target(it)).collect(),
                return_exceptions: a.flag(2),
            },
            "tg_spawn" => Act::SpawnInGroup {
                group: a.text(0)?,
                name: a.text(1)?,
                body: self.body(a, 2)?,
            },
            "reschedule" => Act::Reschedule(a.text(0)?, a.limit(1)?),
            "call_soon" => Act::CallSoon(a.text(0)?, self.callback(a, 1)?),
            "call_later" => Act::CallLater(a.text(0)?, a.number(1)?, self.callback(a, 2)?),
            "call_at" => Act::CallAt(a.text(0)?, a.number(1)?, self.callback(a, 2)?),
            "cancel_handle" => Act::CancelHandle(a.text(0)?),
            "release" => Act::Release(a.text(0)?),
            "event_set" => Act::SetEvent(a.text(0)?),
            "event_clear" => Act::ClearEvent(a.text(0)?),
            "notify" => Act::Notify(a.text(0)?, a.count(1, 1)?),
            "notify_all" => Act::NotifyAll(a.text(0)?),
            "put_nowait" => Act::PutNowait(a.text(0)?, a.expression(1)?),
            "get_nowait" => Act::GetNowait(a.text(0)?),
            "task_done" => Act::TaskDone(a.text(0)?),
            "shutdown" => Act::ShutDown(a.text(0)?, a.flag(1)),
            "stop" => Act::Stop,
            _ => return Ok(None),
        }))
    }

    fn waited(&mut self, a: &Arguments<'_>) -> Read<Option<Waited>> {
        Ok(Some(match a.operation {
            "sleep" => Waited::Sleep(a.number(0)?, a.get(1).cloned().unwrap_or_default()),
            "yield" => Waited::Yield,
            "await" => Waited::Await(self.target(&a.text(0)?)),
            "wait" => {
                let options = a.get(1).unwrap_or(&Value::Null);
                let when = match options["when"].as_str() {
                    None | Some("ALL_COMPLETED") => ReturnWhen::AllCompleted,
                    Some("FIRST_COMPLETED") => ReturnWhen::FirstCompleted,
                    Some("FIRST_EXCEPTION") => ReturnWhen::FirstException,
                    Some(when) => return bad(format!("`wait`: there is no `{when}`")),
                };
                Waited::Wait {
                    names: a.names(0)?,
                    timeout: options["timeout"].as_f64(),
                    when,
                }
            }
            "as_completed" => Waited::AsCompleted(a.names(0)?, a.limit(1)?),
            "wait_for" => Waited::WaitFor(self.target(&a.text(0)?), a.limit(1)?),
            _ => match on_object(a)? {
                Some(waited) => Waited::Object(a.text(0)?, waited),
                None => return Ok(None),
            },
        }))
    }

    fn block(&mut self, a: &Arguments<'_>) -> Read<Option<Blocked>> {
        Ok(Some(match a.operation {
            "try" => {
                let mut catches = Vec::new();
                for clause in a.get(1).map_or(Ok(&[][..]), |_| a.list(1))? {
                    catches.push(self.catch(clause)?);
                }
                Blocked::Try {
                    body: self.nested(a, 0)?,
                    catches,
                    last: self.optional(a, 2)?,
                }
            }
            "reraise" => Blocked::Reraise,
            "outcome" => Blocked::Outcome(a.text(0)?, self.nested(a, 1)?),
            "if" => Blocked::If(a.expression(0)?, self.nested(a, 1)?, self.optional(a, 2)?),
            "repeat" => {
                let times = u64::try_from(a.count(0, 0)?).unwrap_or(0);
                Blocked::Repeat(times, self.nested(a, 1)?)
            }
            "timeout" => {
                let deadline = Deadline::After(a.limit(1)?);
                Blocked::Timeout(a.text(0)?, deadline, self.nested(a, 2)?)
            }
            "timeout_at" => {
                let deadline = Deadline::At(a.limit(1)?);
                Blocked::Timeout(a.text(0)?, deadline, self.nested(a, 2)?)
            }
            "taskgroup" => Blocked::TaskGroup(a.text(0)?, self.nested(a, 1)?),
            "with" => Blocked::With(a.text(0)?, self.nested(a, 1)?),
            "return" => Blocked::Return(a.get(0).map(expression).transpose()?),
            _ => return Ok(None),
        }))
    }

    fn nested(&mut self, a: &Arguments<'_>, index: usize) -> Read<Steps> {
        match a.get(index) {
            Some(body) => self.steps(body),
            None => a.wrong(index, "a list of operations"),
        }
    }

    fn optional(&mut self, a: &Arguments<'_>, index: usize) -> Read<Steps> {
        match a.get(index) {
            Some(body) => self.steps(body),
            None => Ok(Rc::from([])),
        }
    }

    fn callback(&mut self, a: &Arguments<'_>, index: usize) -> Read<Steps> {
        let steps = self.nested(a, index)?;
        let waits = steps.iter().any(|step| !matches!(step, Step::Act(_)));
        if waits {
            return bad(format!("`{}`: a callback cannot wait", a.operation));
        }
        Ok(steps)
    }

    fn catch(&mut self, clause: &Value) -> Read<Catch> {
        let Some([kinds, body]) = clause.as_array().map(Vec::as_slice) else {
            return bad(format!(
                "`try`: a handler is [KINDS, BODY], and not {clause}"
            ));
        };
        let kinds = match kinds {
            Value::Array(kinds) => kinds.as_slice(),
            kind => std::slice::from_ref(kind),
        };
        let kind = |kind: &Value| kind.as_str().map(str::to_owned);
        let Some(kinds) = kinds.iter().map(kind).collect() else {
            return bad(format!("`try`: kinds are names, and not {}", clause[0]));
        };
        Ok(Catch {
            kinds,
            body: self.steps(body)?,
        })
    }

    /// A body, or its name; the name of the task where it is left out.
    fn body(&mut self, a: &Arguments<'_>, index: usize) -> Read<Body> {
        match a.get(index) {
            Some(body @ Value::Array(_)) => Ok(Body::Inline(self.steps(body)?)),
            Some(_) => self.named_body(a.text(index)?),
            None => self.named_body(a.text(index - 1)?),
        }
    }

    fn named_body(&mut self, name: String) -> Read<Body> {
        self.bodies.push(name.clone());
        Ok(Body::Named(name))
    }

    fn target(&mut self, target: &str) -> Target {
        let Some(coroutine) = target.strip_prefix('@') else {
            return Target::Name(target.to_owned());
        };
        let (body, label) = coroutine.split_once(':').unwrap_or((coroutine, ""));
        self.bodies.push(body.to_owned());
        Target::Coroutine {
            body: body.to_owned(),
            label: if label.is_empty() { body } else { label }.to_owned(),
        }
    }
}

fn on_object(a: &Arguments<'_>) -> Read<Option<OnObject>> {
    Ok(Some(match a.operation {
        "acquire" => OnObject::Acquire,
        "event_wait" => OnObject::Event,
        "cond_wait" => OnObject::Condition,
        "cond_wait_for" => OnObject::ConditionFor(a.expression(1)?),
        "barrier_wait" => OnObject::Barrier,
        "barrier_abort" => OnObject::AbortBarrier,
        "barrier_reset" => OnObject::ResetBarrier,
        "put" => OnObject::Put(a.expression(1)?),
        "get" => OnObject::Get,
        "join" => OnObject::Join,
        _ => return Ok(None),
    }))
}

fn expression(value: &Value) -> Read<Expression> {
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
