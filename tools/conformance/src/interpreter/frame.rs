//! One coroutine: its steps in order.

use std::cell::{OnceCell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use asyncio::exceptions::raise_cancelled;
use asyncio::{TaskError, catch_cancelled};
use serde_json::Value;

use super::exception::{Caught, Ended, Exception, Outcome, Raised, as_value, cancelled_kind};
use super::named::Named;
use super::world::World;
use crate::scenario::{Body, Step, Steps};

/// How deep coroutines may await each other in one task. Python's limit is one of frames.
const DEPTH_MAX: usize = 100;

/// A coroutine while it runs, or a callback.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) world: Rc<World>,
    /// What it is called in the trace.
    pub(crate) who: String,
    /// `$_`
    last: RefCell<Value>,
    /// The task that `$_` is, if it is one: shown by the name that it has then.
    last_task: RefCell<Option<Named>>,
    /// `$exc`
    pub(crate) caught: RefCell<Option<Caught>>,
    depth: usize,
}

/// Where a block has ended: with the value of a `return`, or at its end.
pub(crate) type Flow = Option<Value>;

/// What a block is while it runs. Boxed, since blocks are in blocks.
pub(crate) type Running = Pin<Box<dyn Future<Output = Result<Flow, Exception>>>>;

impl Frame {
    pub(crate) fn new(world: &Rc<World>, who: &str) -> Rc<Self> {
        Self::at_depth(world, who, 0)
    }

    fn at_depth(world: &Rc<World>, who: &str, depth: usize) -> Rc<Self> {
        Rc::new(Self {
            world: Rc::clone(world),
            who: who.to_owned(),
            last: RefCell::default(),
            last_task: RefCell::default(),
            caught: RefCell::default(),
            depth,
        })
    }

    /// A fresh coroutine, for a task of its own.
    pub(crate) fn coroutine(
        &self,
        body: &Body,
        label: &str,
    ) -> impl Future<Output = Outcome> + use<> {
        let steps = match body {
            Body::Named(name) => self.named_steps(name),
            Body::Inline(steps) => Rc::clone(steps),
        };
        Self::new(&self.world, label).run(steps)
    }

    /// A fresh coroutine of a named body, to be awaited here.
    pub(crate) fn inline(&self, name: &str, label: &str) -> Pin<Box<dyn Future<Output = Outcome>>> {
        if self.depth == DEPTH_MAX {
            self.world.give_up("coroutines await each other too deeply");
            return Box::pin(std::future::pending());
        }
        let frame = Self::at_depth(&self.world, label, self.depth + 1);
        Box::pin(frame.run(self.named_steps(name)))
    }

    fn named_steps(&self, name: &str) -> Steps {
        // That there is one was checked when the scenario was read.
        let steps = self.world.coroutines.get(name).cloned();
        steps.unwrap_or_else(|| Rc::from([]))
    }

    /// Runs a body from its `start` to its `return` or `raise`.
    pub(crate) async fn run(self: Rc<Self>, steps: Steps) -> Outcome {
        self.world.log(&self.who, "start", Value::Null);
        match catch_cancelled(Rc::clone(&self).block(steps)).await {
            Ok(Ok(flow)) => {
                let value = flow.unwrap_or_default();
                self.world.log(&self.who, "return", value.clone());
                Ok(value)
            }
            Ok(Err(exception)) => {
                self.log_raised(&exception.to_string());
                Err(exception)
            }
            Err(cancelled) => {
                self.log_raised(&cancelled_kind(cancelled.message()));
                cancelled.reraise().await
            }
        }
    }

    /// [`run`](Self::run) for the main task, which has no handle: its end is left in `ended`.
    pub(crate) async fn run_main(
        self: Rc<Self>,
        steps: Steps,
        ended: Rc<OnceCell<Ended>>,
    ) -> Outcome {
        let outcome = catch_cancelled(self.run(steps)).await;
        // Set once: there is one main task a run, with a cell of its own.
        match outcome {
            Ok(outcome) => {
                let _ = ended.set(Ok(outcome.clone()));
                outcome
            }
            Err(cancelled) => {
                let message = cancelled.message().map(Into::into);
                let _ = ended.set(Err(TaskError::Cancelled(message)));
                cancelled.reraise().await
            }
        }
    }

    fn log_raised(&self, kind: &str) {
        self.world.log(&self.who, "raise", kind.into());
    }

    /// Runs some steps.
    pub(crate) fn block(self: Rc<Self>, steps: Steps) -> Running {
        Box::pin(async move {
            for step in &*steps {
                let flow = match step {
                    Step::Act(act) => {
                        if let Err(raised) = self.act(act) {
                            return raise(raised).await;
                        }
                        None
                    }
                    Step::Wait(waited) => {
                        self.wait(waited).await?;
                        None
                    }
                    Step::Block(block) => Rc::clone(&self).enter(block).await?,
                };
                if flow.is_some() {
                    return Ok(flow);
                }
            }
            Ok(None)
        })
    }

    /// What a callback runs: an exception out of it is a panic here, which the loop reports.
    pub(crate) fn callback(&self, steps: &Steps) -> impl FnOnce() + use<> {
        let steps = Rc::clone(steps);
        let frame = Self::new(&self.world, "loop");
        move || {
            for step in &*steps {
                // That there is nothing else in a callback was checked when it was read.
                let Step::Act(act) = step else { continue };
                if let Err(raised) = frame.act(act) {
                    // Without the panic hook, which would print it.
                    std::panic::resume_unwind(Box::new(raised.to_string()));
                }
            }
        }
    }

    pub(crate) fn set_last(&self, value: impl Into<Value>) {
        drop(self.last_task.take());
        self.last.replace(value.into());
    }

    pub(crate) fn set_last_task(&self, task: Named) {
        drop(self.last_task.replace(Some(task)));
    }

    pub(crate) fn last(&self) -> Value {
        match &*self.last_task.borrow() {
            Some(task) => self.world.show(task),
            None => self.last.borrow().clone(),
        }
    }

    /// Takes what was awaited as the result of the last step, or raises it.
    pub(crate) async fn take(&self, ended: Ended) -> Result<(), Exception> {
        match ended {
            Ok(outcome) => {
                self.set_last(outcome?);
                Ok(())
            }
            Err(TaskError::Cancelled(message)) => raise(Raised::Cancelled(message)).await,
            Err(TaskError::Panicked(payload)) => {
                self.world.give_up(format!("a task panicked: {payload}"));
                std::future::pending().await
            }
        }
    }

    pub(crate) fn handled(&self) -> Value {
        let caught = self.caught.borrow();
        caught.as_ref().map_or(Value::Null, as_value)
    }
}

/// Raises what an operation that does not wait has raised.
pub(crate) async fn raise<T>(raised: Raised) -> Result<T, Exception> {
    match raised {
        Raised::Exception(exception) => Err(exception),
        Raised::Cancelled(message) => raise_cancelled(message.as_deref()).await,
    }
}
