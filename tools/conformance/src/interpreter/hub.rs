//! A group or a shield for which many may wait, in the order in which they came.
//!
//! The crates' own handles are unique: one awaits them, or one combinator has them as a child. In
//! Python they are futures. So whoever waits waits here, and is told when the handle is.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::rc::{Rc, Weak};
use std::task::{Poll, Waker};

use asyncio::events::Spawner;
use asyncio::futures::{Child, Target};
use asyncio::tasks::{End, Gather, Observer, ReturnExceptions, Shield, Try, TryChildren};
use asyncio::{InvalidStateError, TaskError};
use asyncio_executor::{Cancellation, Claim, Claimed};
use asyncio_futures::GatherError;
use serde_json::Value;

use super::exception::{Ended, Exception, as_value, cancelled_kind};
use super::named::{Named, settled};

/// A unique handle of the crates.
pub(crate) trait Whole {
    fn done(&self) -> bool;
    fn cancelled(&self) -> bool;
    /// Whether it is a group: asyncio's are never cancelled, but have `CancelledError` for their
    /// exception.
    fn is_group(&self) -> bool;
    fn cancel(&self, message: Option<&str>) -> bool;
    fn ended(&self) -> Result<Ended, InvalidStateError>;
    fn observe(&self, observer: Rc<dyn Observer>);
    fn target(&self, spawner: &Spawner) -> Target;
}

pub(crate) struct Hub {
    whole: Box<dyn Whole>,
    spawner: Spawner,
    /// By number, in the order in which they came.
    waiting: RefCell<BTreeMap<u64, Waiting>>,
    last: Cell<u64>,
}

enum Waiting {
    Waker(Waker),
    Callback(Box<dyn FnOnce()>),
    Observer(Rc<dyn Observer>, u32),
}

impl Hub {
    pub(crate) fn new(spawner: &Spawner, whole: impl Whole + 'static) -> Rc<Self> {
        let hub = Rc::new(Self {
            whole: Box::new(whole),
            spawner: spawner.clone(),
            waiting: RefCell::default(),
            last: Cell::new(0),
        });
        if !hub.done() {
            hub.whole.observe(Rc::new(Told(Rc::downgrade(&hub))));
        }
        hub
    }

    pub(crate) fn done(&self) -> bool {
        self.whole.done()
    }

    pub(crate) fn cancelled(&self) -> bool {
        self.whole.cancelled()
    }

    pub(crate) fn is_group(&self) -> bool {
        self.whole.is_group()
    }

    pub(crate) fn cancel(&self, message: Option<&str>) -> bool {
        self.whole.cancel(message)
    }

    pub(crate) fn ended(&self) -> Result<Ended, InvalidStateError> {
        self.whole.ended()
    }

    pub(crate) fn target(&self, spawner: &Spawner) -> Target {
        self.whole.target(spawner)
    }

    pub(crate) fn add_done_callback(&self, callback: impl FnOnce() + 'static) -> u64 {
        self.add(Waiting::Callback(Box::new(callback)))
    }

    pub(crate) fn observe(&self, observer: Rc<dyn Observer>, index: u32) {
        self.add(Waiting::Observer(observer, index));
    }

    pub(crate) fn unobserve(&self, observer: &Rc<dyn Observer>) {
        let address = |observer: &Rc<dyn Observer>| Rc::as_ptr(observer).cast::<()>();
        self.waiting.borrow_mut().retain(|_, waiting| {
            !matches!(waiting, Waiting::Observer(own, _) if address(own) == address(observer))
        });
    }

    /// Takes a callback or a waker away; whether it was there.
    pub(crate) fn remove(&self, id: u64) -> bool {
        let removed = self.waiting.borrow_mut().remove(&id);
        removed.is_some()
    }

    fn add(&self, waiting: Waiting) -> u64 {
        self.last.set(self.last.get() + 1);
        let id = self.last.get();
        if self.done() {
            self.tell(waiting);
        } else {
            self.waiting.borrow_mut().insert(id, waiting);
        }
        id
    }

    /// Through the ready queue: each of them adds an entry.
    fn tell(&self, waiting: Waiting) {
        match waiting {
            Waiting::Waker(waker) => waker.wake(),
            Waiting::Callback(callback) => {
                self.spawner.call_soon(callback);
            }
            Waiting::Observer(observer, index) => {
                let end = match self.ended() {
                    Ok(Ok(outcome)) if observer.is_failure(&outcome) => End::Failed,
                    Ok(Err(TaskError::Cancelled(_))) => End::Cancelled,
                    Ok(Err(TaskError::Panicked(_))) => End::Panicked,
                    Ok(Ok(_)) | Err(_) => End::Returned,
                };
                observer.ended(index, end);
            }
        }
    }

    pub(crate) async fn wait(self: Rc<Self>) -> Ended {
        let mut claim = Claim::new();
        let mut place = Place {
            hub: &self,
            id: None,
        };
        let target = || Rc::new(Claims(self.spawner.clone(), self.target(&self.spawner))) as _;
        poll_fn(|cx| {
            claim.poll(cx, target, |cx| match self.ended() {
                Ok(ended) => Poll::Ready(settled(ended)),
                Err(_) => {
                    place.keep(cx.waker());
                    Poll::Pending
                }
            })
        })
        .await
    }
}

/// Where somebody waits.
struct Place<'a> {
    hub: &'a Hub,
    id: Option<u64>,
}

impl Place<'_> {
    fn keep(&mut self, waker: &Waker) {
        let waker = Waiting::Waker(waker.clone());
        match self.id {
            Some(id) => drop(self.hub.waiting.borrow_mut().insert(id, waker)),
            None => self.id = Some(self.hub.add(waker)),
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.hub.remove(id);
        }
    }
}

/// The observer of the handle.
struct Told(Weak<Hub>);

impl Observer for Told {
    fn ended(self: Rc<Self>, _: u32, _: End) {
        let Some(hub) = self.0.upgrade() else { return };
        for waiting in hub.waiting.take().into_values() {
            hub.tell(waiting);
        }
    }
}

/// A request to whoever waits is the group's, or the shield's.
struct Claims(Spawner, Target);

impl Claimed for Claims {
    fn pass_on(&self, cancellation: &mut Cancellation) -> bool {
        self.1.pass_on(&self.0, cancellation)
    }
}

impl Whole for Shield<Named> {
    fn done(&self) -> bool {
        Self::done(self)
    }

    fn cancelled(&self) -> bool {
        Self::cancelled(self)
    }

    fn is_group(&self) -> bool {
        false
    }

    fn cancel(&self, message: Option<&str>) -> bool {
        match message {
            None => Self::cancel(self),
            Some(message) => self.cancel_with(message),
        }
    }

    fn ended(&self) -> Result<Ended, InvalidStateError> {
        Ok(self.result()?.cloned())
    }

    fn observe(&self, observer: Rc<dyn Observer>) {
        Child::observe(self, observer, 0);
    }

    fn target(&self, spawner: &Spawner) -> Target {
        Child::target(self, spawner)
    }
}

/// `gather(*children)`: the first that fails is the group's error.
impl<C> Whole for Gather<C, Try>
where
    C: TryChildren<OkValues = Vec<Value>, Error = Exception>,
{
    fn done(&self) -> bool {
        Self::done(self)
    }

    fn cancelled(&self) -> bool {
        Self::cancelled(self)
    }

    fn is_group(&self) -> bool {
        true
    }

    fn cancel(&self, message: Option<&str>) -> bool {
        match message {
            None => Self::cancel(self),
            Some(message) => self.cancel_with(message),
        }
    }

    fn ended(&self) -> Result<Ended, InvalidStateError> {
        Ok(match self.result()? {
            Ok(values) => Ok(Ok(Value::from(values.clone()))),
            Err(GatherError::Error(error)) => Ok(Err(error.clone())),
            Err(GatherError::Cancelled(message)) => Err(TaskError::Cancelled(message.clone())),
            Err(GatherError::Panicked(payload)) => Err(TaskError::Panicked(payload.clone())),
        })
    }

    fn observe(&self, observer: Rc<dyn Observer>) {
        Child::observe(self, observer, 0);
    }

    fn target(&self, spawner: &Spawner) -> Target {
        Child::target(self, spawner)
    }
}

/// `gather(*children, return_exceptions=True)`.
impl<C> Whole for Gather<C, ReturnExceptions>
where
    C: asyncio::tasks::Children<Results = Vec<Ended>>,
{
    fn done(&self) -> bool {
        Self::done(self)
    }

    fn cancelled(&self) -> bool {
        Self::cancelled(self)
    }

    fn is_group(&self) -> bool {
        true
    }

    fn cancel(&self, message: Option<&str>) -> bool {
        match message {
            None => Self::cancel(self),
            Some(message) => self.cancel_with(message),
        }
    }

    fn ended(&self) -> Result<Ended, InvalidStateError> {
        Ok(self
            .result()?
            .map(|ends| Ok(ends.iter().map(shown).collect())))
    }

    fn observe(&self, observer: Rc<dyn Observer>) {
        Child::observe(self, observer, 0);
    }

    fn target(&self, spawner: &Spawner) -> Target {
        Child::target(self, spawner)
    }
}

/// The end of a child as a value in the group's list.
fn shown(end: &Ended) -> Value {
    match end {
        Ok(Ok(value)) => value.clone(),
        Ok(Err(exception)) => as_value(exception),
        // The exception that asyncio makes there has a message always: an empty one, if need be.
        Err(TaskError::Cancelled(message)) => {
            as_value(cancelled_kind(Some(message.as_deref().unwrap_or_default())))
        }
        Err(TaskError::Panicked(payload)) => as_value(payload),
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Hub")
            .field("done", &self.done())
            .field("waiting", &self.waiting.borrow().len())
            .finish_non_exhaustive()
    }
}
