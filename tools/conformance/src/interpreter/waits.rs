//! Operations that wait.

use std::rc::Rc;
use std::time::Duration;

use asyncio::locks::Condition;
use asyncio::{TimeoutError, as_completed, create_task, sleep, try_wait, wait_for};
use serde_json::Value;

use super::exception::{Ended, Exception, Raised};
use super::frame::{Frame, raise};
use super::named::Named;
use super::world::delay;
use crate::scenario::{OnObject, Target, Waited, is_true};

type Done = Result<(), Exception>;

impl Frame {
    pub(crate) async fn wait(self: &Rc<Self>, waited: &Waited) -> Done {
        match waited {
            Waited::Sleep(ticks, value) => {
                sleep(delay(*ticks)).await;
                self.set_last(value.clone());
                Ok(())
            }
            Waited::Yield => {
                sleep(delay(0.0)).await;
                Ok(())
            }
            Waited::Await(Target::Name(name)) => match self.world.named(name) {
                Ok(named) if named.is_current() => {
                    // asyncio tells the task so in its next step; here it is a panic.
                    sleep(delay(0.0)).await;
                    Err(Exception::Named("RuntimeError"))
                }
                Ok(named) => self.take(named.await).await,
                Err(raised) => raise(raised).await,
            },
            Waited::Await(Target::Coroutine { body, label }) => {
                let value = self.inline(body, label).await?;
                self.set_last(value);
                Ok(())
            }
            Waited::Wait {
                names,
                timeout,
                when,
            } => {
                let children = self.children(names).await?;
                let mut waiting = try_wait(children).return_when(*when);
                if let Some(ticks) = timeout {
                    waiting = waiting.timeout(delay(*ticks));
                }
                let (done, pending) = waiting.await.map_err(|_| Exception::Named("ValueError"))?;
                self.set_last(vec![self.shown(&done), self.shown(&pending)]);
                Ok(())
            }
            Waited::AsCompleted(names, limit) => self.take_in_turn(names, *limit).await,
            Waited::WaitFor(target, limit) => self.wait_for(target, *limit).await,
            Waited::Object(name, waited) => match self.wait_on(name, waited).await {
                Ok(()) => Ok(()),
                Err(raised) => raise(raised).await,
            },
        }
    }

    /// Waits for a lock, an event, a queue …
    async fn wait_on(&self, name: &str, waited: &OnObject) -> Result<(), Raised> {
        let primitive = self.world.primitive(name)?;
        match waited {
            OnObject::Acquire => {
                primitive.acquire().await?;
                self.set_last(true);
            }
            OnObject::Event => {
                primitive.event()?.wait().await;
                self.set_last(true);
            }
            OnObject::Condition => {
                notified(primitive.condition()?).await?;
                self.set_last(true);
            }
            OnObject::ConditionFor(predicate) => {
                let condition = primitive.condition()?;
                loop {
                    let value = self.evaluate(predicate)?;
                    if is_true(&value) {
                        self.set_last(value);
                        break;
                    }
                    notified(condition).await?;
                }
            }
            OnObject::Barrier => {
                let index = primitive.barrier()?.wait().await;
                self.set_last(index.map_err(|_| Exception::Named("BrokenBarrierError"))?);
            }
            OnObject::AbortBarrier => primitive.barrier()?.abort(),
            OnObject::ResetBarrier => primitive.barrier()?.reset(),
            OnObject::Put(value) => primitive.put(self.evaluate(value)?).await?,
            OnObject::Get => self.set_last(primitive.get().await?),
            OnObject::Join => primitive.join().await?,
        }
        Ok(())
    }

    async fn children(&self, names: &[String]) -> Result<Vec<Named>, Exception> {
        let children: Result<Vec<_>, Raised> =
            names.iter().map(|name| self.world.named(name)).collect();
        match children {
            Ok(children) => Ok(children),
            Err(raised) => raise(raised).await,
        }
    }

    fn shown(&self, children: &[Named]) -> Value {
        let mut names: Vec<_> = children.iter().map(|it| self.world.show(it)).collect();
        names.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
        names.into()
    }

    async fn take_in_turn(&self, names: &[String], limit: Option<f64>) -> Done {
        let children = self.children(names).await?;
        let mut completed = as_completed(children);
        match limit {
            None => {
                while let Some(ended) = completed.next().await {
                    self.log_completed(Ok(ended)).await?;
                }
            }
            Some(ticks) => {
                let mut completed = completed.timeout(delay(ticks));
                while let Some(ended) = completed.next().await {
                    self.log_completed(ended).await?;
                }
            }
        }
        Ok(())
    }

    async fn log_completed(&self, ended: Result<Ended, TimeoutError>) -> Done {
        let taken = match ended {
            Ok(Ok(Ok(value))) => {
                self.world.log(&self.who, "completed", value);
                return Ok(());
            }
            Ok(Ok(Err(exception))) => exception,
            // No `Exception` of Python's: it leaves the loop.
            Ok(Err(error)) => return self.take(Err(error)).await,
            Err(TimeoutError) => Exception::Timeout,
        };
        self.world
            .log(&self.who, "failed", taken.to_string().into());
        Ok(())
    }

    async fn wait_for(&self, target: &Target, limit: Option<f64>) -> Done {
        let limit = limit.map(delay);
        match target {
            Target::Name(name) => {
                let named = match self.world.named(name) {
                    Ok(named) => named,
                    Err(raised) => return raise(raised).await,
                };
                let ended = wait_for(named, limit).await?;
                self.take(ended).await
            }
            Target::Coroutine { body, label }
                if limit == Some(Duration::ZERO) && self.world.event_loop.spawner().eager() =>
            {
                // asyncio makes a task of a coroutine that has no time, and cancels it. Here it is
                // for the caller to say that it is to be one.
                let task = create_task(self.inline(body, label));
                self.take(wait_for(task, limit).await?).await
            }
            Target::Coroutine { body, label } => {
                let value = wait_for(self.inline(body, label), limit).await??;
                self.set_last(value);
                Ok(())
            }
        }
    }
}

/// `await condition.wait()`, by whoever has acquired the lock.
async fn notified(condition: &Condition) -> Result<(), Exception> {
    let notified = condition.wait_forgotten().await;
    notified.map_err(|_| Exception::Named("RuntimeError"))
}
