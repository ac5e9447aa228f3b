//! Operations that do not wait.

use std::cell::OnceCell;
use std::rc::Rc;

use asyncio::futures::{Child, create_future};
use asyncio::taskgroups::TaskGroupClosed;
use asyncio::{Future, Task, gather, shield, try_gather};
use serde_json::Value;

use super::evaluate::{compared, no_attribute};
use super::exception::{Ended, Exception, Outcome, Raised, cancelled_kind};
use super::frame::Frame;
use super::hub::Hub;
use super::named::Named;
use super::world::{Thing, delay};
use crate::scenario::{Act, Body, Comparison, Target, is_true};

type Acted = Result<(), Raised>;

impl Frame {
    pub(crate) fn act(self: &Rc<Self>, act: &Act) -> Acted {
        let world = &self.world;
        match act {
            Act::Log(label, value) => {
                let value = value.as_ref().map(|it| self.evaluate(it)).transpose()?;
                world.log(&self.who, label, value.unwrap_or_default());
            }
            Act::Set(name, value) => world.set_variable(name, self.evaluate(value)?),
            Act::Increment(name, by) => {
                let old = Some(world.variable(name)).filter(is_true);
                let sum = compared(Comparison::Sum, &old.unwrap_or_else(|| 0.into()), by)?;
                world.set_variable(name, sum);
            }
            Act::SetContext(name, value) => {
                let value = self.evaluate(value)?;
                // Nothing takes it back.
                drop(world.context_variable(name).set(value));
            }
            Act::Raise(name) => return Err(Exception::Error(name.clone()).into()),
            Act::RaiseCancelled => return Err(Raised::Cancelled(None)),
            Act::Eager(eager) => world.event_loop.set_eager(*eager),
            Act::Spawn(name, body) => self.spawn(name, body),
            Act::Future(name) => world.bind(name, Named::Future(create_future())),
            Act::SetResult(name, value) => {
                let value = self.evaluate(value)?;
                self.complete(name, |future| future.set_result(Ok(value)))?;
            }
            Act::SetException(name, error) => {
                let error = Exception::Error(error.clone());
                self.complete(name, |future| future.set_exception(error))?;
            }
            Act::Cancel(name, message) => self.cancel(name, message.as_deref())?,
            Act::Uncancel(name) => match world.find(name) {
                Some(Thing::Named(named)) => match named.as_task() {
                    Some(task) => self.set_last(task.uncancel()),
                    None => return no_attribute(),
                },
                _ => return no_attribute(),
            },
            Act::AddCallback(name, label) => self.add_callback(name, label)?,
            Act::RemoveCallback(name, label) => self.remove_callback(name, label)?,
            Act::Shield(name, target) => self.shield(name, target)?,
            Act::Gather {
                name,
                targets,
                return_exceptions,
            } => self.gather(name, targets, *return_exceptions)?,
            Act::Reschedule(name, ticks) => match world.get(name)? {
                Thing::Timeout(timeout) => timeout
                    .reschedule(ticks.and_then(|ticks| world.moment_after(ticks)))
                    .map_err(|_| Exception::Named("RuntimeError"))?,
                _ => return no_attribute(),
            },
            Act::CallSoon(name, steps) => {
                let handle = world.event_loop.call_soon(self.callback(steps));
                world.set(name, Thing::Handle(handle));
            }
            Act::CallLater(name, ticks, steps) => {
                let callback = self.callback(steps);
                let timer = match world.moment_after(*ticks) {
                    Some(when) if *ticks < 0.0 => world.event_loop.call_at(when, callback),
                    _ => world.event_loop.call_later(delay(*ticks), callback),
                };
                world.set(name, Thing::Timer(timer));
            }
            Act::CallAt(name, ticks, steps) => {
                let callback = self.callback(steps);
                let timer = match world.moment(*ticks) {
                    Some(when) => world.event_loop.call_at(when, callback),
                    None => world.event_loop.call_later(delay(f64::MAX), callback),
                };
                world.set(name, Thing::Timer(timer));
            }
            Act::CancelHandle(name) => match world.get(name)? {
                Thing::Handle(handle) => handle.cancel(),
                Thing::Timer(timer) => timer.cancel(),
                Thing::Named(named) => _ = named.cancel(None),
                _ => return no_attribute(),
            },
            Act::Stop => world.event_loop.stop(),
            Act::SpawnInGroup { group, name, body } => self.spawn_in_group(group, name, body)?,
            Act::Release(name) => world.primitive(name)?.release()?,
            Act::SetEvent(name) => world.primitive(name)?.event()?.set(),
            Act::ClearEvent(name) => world.primitive(name)?.event()?.clear(),
            Act::Notify(name, n) => world.primitive(name)?.notify(Some(*n))?,
            Act::NotifyAll(name) => world.primitive(name)?.notify(None)?,
            Act::PutNowait(name, value) => {
                let value = self.evaluate(value)?;
                world.primitive(name)?.put_nowait(value)?;
            }
            Act::GetNowait(name) => self.set_last(world.primitive(name)?.get_nowait()?),
            Act::TaskDone(name) => world.primitive(name)?.task_done()?,
            Act::ShutDown(name, immediate) => world.primitive(name)?.shut_down(*immediate)?,
        }
        Ok(())
    }

    fn spawn(&self, name: &str, body: &Body) {
        let task = self.world.event_loop.build_task().name(name);
        let task = task.report_errors().spawn(self.coroutine(body, name));
        let task = Named::task(task);
        self.world.bind(name, task.clone());
        self.set_last_task(task);
    }

    fn spawn_in_group(&self, group: &str, name: &str, body: &Body) -> Acted {
        let Thing::Group(group) = self.world.get(group)? else {
            return no_attribute();
        };
        // The error of a child goes to its group, and its handle says only that there is one.
        let outcome = Rc::new(OnceCell::new());
        let (child, left) = (self.coroutine(body, name), Rc::clone(&outcome));
        let child = async move {
            let outcome = child.await;
            // It ends once.
            let _ = left.set(outcome.clone());
            outcome
        };
        let task = group.build_task().name(name).spawn(child);
        let task = task.map_err(|TaskGroupClosed| Exception::Named("RuntimeError"))?;
        self.world.bind(name, Named::child(task, outcome));
        Ok(())
    }

    fn complete<E>(
        &self,
        name: &str,
        complete: impl FnOnce(&Future<Outcome>) -> Result<(), E>,
    ) -> Acted {
        match self.world.get(name)? {
            Thing::Named(Named::Future(future)) => {
                complete(&future).map_err(|_| Exception::Named("InvalidStateError").into())
            }
            Thing::Named(Named::Task(_)) => Err(Exception::Named("RuntimeError").into()),
            Thing::Named(Named::Hub(_)) => {
                self.world
                    .give_up("the result of a group or a shield is not set from outside");
                Ok(())
            }
            _ => no_attribute(),
        }
    }

    fn cancel(&self, name: &str, message: Option<&str>) -> Acted {
        let last = match self.world.find(name) {
            None => Value::Null,
            Some(Thing::Named(named)) => named.cancel(message).into(),
            Some(Thing::Handle(handle)) if message.is_none() => {
                handle.cancel();
                Value::Null
            }
            Some(Thing::Timer(timer)) if message.is_none() => {
                timer.cancel();
                Value::Null
            }
            Some(_) => return no_attribute(),
        };
        self.set_last(last);
        Ok(())
    }

    fn add_callback(&self, name: &str, label: &str) -> Acted {
        let named = self.world.named(name)?;
        let (world, watched, shown) = (Rc::clone(&self.world), named.clone(), label.to_owned());
        let key = named.add_done_callback(move || {
            if let Ok(ended) = watched.ended() {
                world.log("loop", &shown, end_shown(&watched, ended));
            }
        });
        let key_of = (name.to_owned(), label.to_owned());
        self.world.callbacks.borrow_mut().insert(key_of, key);
        Ok(())
    }

    fn remove_callback(&self, name: &str, label: &str) -> Acted {
        let key_of = (name.to_owned(), label.to_owned());
        let named = self.world.named(name)?;
        let key = self.world.callbacks.borrow().get(&key_of).copied();
        let key = key.ok_or(Exception::Named("KeyError"))?;
        self.set_last(u8::from(named.remove_done_callback(key)));
        Ok(())
    }

    /// A name's task or future; a task for a fresh coroutine.
    fn ensure(&self, target: &Target) -> Result<Named, Raised> {
        match (target, self.fresh(target)) {
            (_, Some(task)) => Ok(Named::task(task)),
            (Target::Name(name) | Target::Coroutine { body: name, .. }, None) => {
                self.world.named(name)
            }
        }
    }

    fn shield(&self, name: &str, target: &Target) -> Acted {
        let inner = self.ensure(target)?;
        let outer = shield(inner.clone());
        if inner.done() {
            // asyncio gives back what is done already, which then has two names.
            self.world.bind(name, inner);
        }
        let hub = Hub::new(self.world.event_loop.spawner(), outer);
        self.world.bind(name, Named::Hub(hub));
        Ok(())
    }

    fn gather(&self, name: &str, targets: &[Target], return_exceptions: bool) -> Acted {
        for target in targets {
            if let Target::Name(name) = target {
                self.world.named(name)?;
            }
        }
        let spawner = self.world.event_loop.spawner();
        let only_coroutines = targets
            .iter()
            .all(|it| matches!(it, Target::Coroutine { .. }));
        let hub = if only_coroutines {
            // As programs do: the group owns its tasks.
            let tasks: Vec<_> = targets.iter().filter_map(|it| self.fresh(it)).collect();
            if return_exceptions {
                Hub::new(spawner, gather(tasks).return_exceptions())
            } else {
                Hub::new(spawner, try_gather(tasks))
            }
        } else {
            let children = targets.iter().map(|it| self.ensure(it));
            let children = children.collect::<Result<Vec<_>, _>>()?;
            if return_exceptions {
                Hub::new(spawner, gather(children).return_exceptions())
            } else {
                Hub::new(spawner, try_gather(children))
            }
        };
        self.world.bind(name, Named::Hub(hub));
        Ok(())
    }

    /// A task for a fresh coroutine, if that is what is asked for. Its errors count, as exceptions
    /// do.
    fn fresh(&self, target: &Target) -> Option<Task<Outcome>> {
        let Target::Coroutine { body, label } = target else {
            return None;
        };
        let coroutine = self.coroutine(&Body::Named(body.clone()), label);
        let builder = self.world.event_loop.build_task();
        Some(builder.report_errors().spawn(coroutine))
    }
}

/// What a done-callback logs.
fn end_shown(named: &Named, ended: Ended) -> Value {
    if named.is_cancelled_future() {
        return cancelled_kind(None).into();
    }
    match (named.exception_of(&ended), ended) {
        (None, Ok(Ok(value))) => value,
        (kind, _) => kind.into(),
    }
}
