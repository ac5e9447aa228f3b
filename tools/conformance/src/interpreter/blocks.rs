//! Operations with bodies, and those that leave one.

use std::cell::Cell;
use std::rc::Rc;

use asyncio::taskgroups::{ErrorGroup, GroupError};
use asyncio::{Timeout, catch_cancelled, finally, task_group, timeout, timeout_at};

use super::exception::{Caught, Exception, cancelled_kind, catches_cancelled};
use super::frame::{Flow, Frame, raise};
use super::world::{Thing, delay};
use crate::scenario::{Blocked, Catch, Deadline, Expression, Steps, is_true, raise_nothing};

type Left = Result<Flow, Exception>;

impl Frame {
    pub(crate) async fn enter(self: Rc<Self>, block: &Blocked) -> Left {
        match block {
            Blocked::Try {
                body,
                catches,
                last,
            } => self.try_finally(body, catches, last).await,
            Blocked::Reraise => {
                let caught = self.caught.borrow().clone();
                match caught {
                    Some(Caught::Exception(exception)) => Err(exception),
                    Some(Caught::Cancelled(cancelled)) => cancelled.reraise().await,
                    None => Err(Exception::Named("TypeError")),
                }
            }
            Blocked::Outcome(label, body) => {
                let caught = catch_cancelled(Rc::clone(&self).block(Rc::clone(body))).await;
                let (outcome, flow) = match caught {
                    Ok(Ok(flow)) => ("ok".to_owned(), flow),
                    Ok(Err(exception)) => (exception.to_string(), None),
                    Err(cancelled) => (cancelled_kind(cancelled.message()), None),
                };
                self.world.log(&self.who, label, outcome.into());
                Ok(flow)
            }
            Blocked::If(condition, then, otherwise) => {
                let holds = is_true(&self.value(condition).await?);
                let body = if holds { then } else { otherwise };
                let body = Rc::clone(body);
                self.block(body).await
            }
            Blocked::Repeat(times, body) => {
                for _ in 0..*times {
                    let flow = Rc::clone(&self).block(Rc::clone(body)).await?;
                    if flow.is_some() {
                        return Ok(flow);
                    }
                }
                Ok(None)
            }
            Blocked::Timeout(name, deadline, body) => {
                self.timeout(name.as_deref(), deadline, body).await
            }
            Blocked::TaskGroup(name, body) => {
                let frame = Rc::clone(&self);
                let ended = task_group(async |group| {
                    self.world.set(name, Thing::Group(group));
                    frame.block(Rc::clone(body)).await
                });
                ended.await.map_err(|errors| self.grouped(errors))
            }
            Blocked::With(name, body) => self.with(name, body).await,
            Blocked::Return(value) => match value {
                Some(value) => Ok(Some(self.value(value).await?)),
                None => Ok(Some(serde_json::Value::Null)),
            },
        }
    }

    /// The plain functions where nobody asks for the handle.
    async fn timeout(
        self: Rc<Self>,
        name: Option<&str>,
        deadline: &Deadline,
        body: &Steps,
    ) -> Left {
        let handle = match *deadline {
            Deadline::After(Some(ticks)) if name.is_none() => {
                return timeout(delay(ticks), self.block(Rc::clone(body))).await?;
            }
            Deadline::After(Some(ticks)) => Timeout::after(delay(ticks)),
            Deadline::At(Some(ticks)) => match self.world.moment(ticks) {
                Some(when) if name.is_none() => {
                    return timeout_at(when, self.block(Rc::clone(body))).await?;
                }
                Some(when) => Timeout::at(when),
                None => Timeout::never(),
            },
            Deadline::After(None) | Deadline::At(None) => Timeout::never(),
        };
        if let Some(name) = name {
            self.world.set(name, Thing::Timeout(handle.clone()));
        }
        handle.run(self.block(Rc::clone(body))).await?
    }

    fn grouped(&self, errors: ErrorGroup<Exception>) -> Exception {
        let error = |error| match error {
            GroupError::Error(exception) => Some(exception),
            GroupError::Panicked(payload) => {
                self.world.give_up(format!("a task panicked: {payload}"));
                None
            }
        };
        Exception::Group(errors.into_iter().filter_map(error).collect())
    }

    /// `async with` of something that is acquired and released.
    async fn with(self: Rc<Self>, name: &str, body: &Steps) -> Left {
        let acquired = match self.world.primitive(name) {
            Ok(primitive) => primitive.acquire().await.map(|()| primitive),
            Err(raised) => Err(raised),
        };
        let primitive = match acquired {
            Ok(primitive) => primitive,
            Err(raised) => return raise(raised).await,
        };
        let ended = catch_cancelled(self.block(Rc::clone(body))).await;
        if let Err(raised) = primitive.release() {
            return raise(raised).await;
        }
        match ended {
            Ok(ended) => ended,
            Err(cancelled) => cancelled.reraise().await,
        }
    }

    async fn value(&self, expression: &Expression) -> Result<serde_json::Value, Exception> {
        match self.evaluate(expression) {
            Ok(value) => Ok(value),
            Err(raised) => raise(raised).await,
        }
    }

    /// `try: … except …: … finally: …`
    async fn try_finally(self: Rc<Self>, body: &Steps, catches: &[Catch], last: &Steps) -> Left {
        let guarded = Rc::clone(&self).try_except(body, catches);
        if last.is_empty() {
            return guarded.await;
        }
        if raise_nothing(last) {
            let left = Rc::new(Cell::new(None));
            let clean_up = {
                let (left, last) = (Rc::clone(&left), Rc::clone(last));
                || async move {
                    // It raises nothing, but may have a `return`.
                    left.set(self.block(last).await.ok().flatten());
                }
            };
            let ended = finally(guarded, clean_up).await?;
            return Ok(left.take().or(ended));
        }
        let ended = catch_cancelled(guarded).await;
        let flow = self.block(Rc::clone(last)).await?;
        match ended {
            Ok(ended) => ended.map(|ended| flow.or(ended)),
            Err(cancelled) => cancelled.reraise().await,
        }
    }

    async fn try_except(self: Rc<Self>, body: &Steps, catches: &[Catch]) -> Left {
        let body = Rc::clone(&self).block(Rc::clone(body));
        let all_kinds = catches.iter().flat_map(|catch| &catch.kinds);
        let caught = if all_kinds.into_iter().any(|kind| catches_cancelled(kind)) {
            match catch_cancelled(body).await {
                Ok(Ok(flow)) => return Ok(flow),
                Ok(Err(exception)) => Caught::Exception(exception),
                Err(cancelled) => Caught::Cancelled(cancelled),
            }
        } else {
            match body.await {
                Ok(flow) => return Ok(flow),
                Err(exception) => Caught::Exception(exception),
            }
        };
        let is_for = |catch: &&Catch| catch.kinds.iter().any(|kind| caught.is_caught_by(kind));
        let Some(catch) = catches.iter().find(is_for) else {
            return match caught {
                Caught::Exception(exception) => Err(exception),
                Caught::Cancelled(cancelled) => cancelled.reraise().await,
            };
        };
        let before = self.caught.replace(Some(caught));
        let _restored = Restored(&self, before);
        Rc::clone(&self).block(Rc::clone(&catch.body)).await
    }
}

/// Takes `$exc` back to what it was, also when the handler is dropped.
struct Restored<'a>(&'a Frame, Option<Caught>);

impl Drop for Restored<'_> {
    fn drop(&mut self) {
        self.0.caught.replace(self.1.take());
    }
}
