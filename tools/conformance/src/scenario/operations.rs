//! From JSON to steps: each operation by its name, with its bodies.

use std::collections::HashSet;
use std::rc::Rc;

use asyncio::ReturnWhen;
use serde_json::Value;

use super::arguments::{Arguments, expression};
use super::reader::{Read, bad};
use super::{Act, Blocked, Body, Catch, Deadline, OnObject, Step, Steps, Target, Waited};

/// Remembers which coroutines were named.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) bodies: Vec<String>,
    /// What is said elsewhere than where a timeout gets its name.
    pub(super) said: HashSet<String>,
}

impl Reader {
    pub(super) fn steps(&mut self, body: &Value) -> Read<Steps> {
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
                Blocked::Timeout(self.handle(a)?, deadline, self.nested(a, 2)?)
            }
            "timeout_at" => {
                let deadline = Deadline::At(a.limit(1)?);
                Blocked::Timeout(self.handle(a)?, deadline, self.nested(a, 2)?)
            }
            "taskgroup" => Blocked::TaskGroup(a.text(0)?, self.nested(a, 1)?),
            "with" => Blocked::With(a.text(0)?, self.nested(a, 1)?),
            "return" => Blocked::Return(a.get(0).map(expression).transpose()?),
            _ => return Ok(None),
        }))
    }

    /// The name of a timeout, if somebody asks for what it names.
    fn handle(&self, a: &Arguments<'_>) -> Read<Option<String>> {
        Ok(Some(a.text(0)?).filter(|name| self.said.contains(name)))
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
