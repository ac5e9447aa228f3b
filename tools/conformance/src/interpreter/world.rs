//! What all coroutines of a scenario share: names, variables, the trace.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::time::{Duration, Instant};

use asyncio::{
    ContextVar, Handle, LoopRef, TaskGroup, TaskRef, Timeout, TimerHandle, current_task,
};

use serde_json::Value;

use super::evaluate::no_attribute;
use super::exception::{Ended, Exception, Raised};
use super::named::{CallbackKey, Named};
use super::objects::Primitive;
use crate::scenario::{Object, Scenario, Steps};
use crate::trace::{Event, rounded};

/// One context variable of Python's, whose default is null.
pub(crate) type Variable = Rc<ContextVar<Value>>;

/// What a name may be bound to.
#[derive(Clone, Debug)]
pub(crate) enum Thing {
    Named(Named),
    Timeout(Timeout),
    Handle(Handle),
    Timer(TimerHandle),
    Group(TaskGroup<Exception>),
    Primitive(Primitive),
    /// A variable: it has a value, and is nothing itself.
    Nothing,
}

/// A scenario while it runs.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) event_loop: LoopRef,
    pub(crate) coroutines: BTreeMap<String, Steps>,
    start: Instant,
    things: RefCell<HashMap<String, Thing>>,
    variables: RefCell<HashMap<String, Value>>,
    contexts: RefCell<HashMap<String, Variable>>,
    pub(crate) callbacks: RefCell<HashMap<(String, String), CallbackKey>>,
    /// What each task and future was called last. Holding them keeps two from having one address.
    called: RefCell<HashMap<*const (), (Named, String)>>,
    trace: RefCell<Vec<Event>>,
    /// Whether what happens still goes into the trace.
    is_recording: Cell<bool>,
    /// Why this is no run of the scenario.
    trouble: RefCell<Option<String>>,
}

impl World {
    pub(crate) fn new(scenario: &Scenario, event_loop: LoopRef) -> Rc<Self> {
        let world = Rc::new(Self {
            start: event_loop.time(),
            event_loop,
            coroutines: scenario.coroutines.clone(),
            things: RefCell::default(),
            variables: RefCell::default(),
            contexts: RefCell::default(),
            callbacks: RefCell::default(),
            called: RefCell::default(),
            trace: RefCell::default(),
            is_recording: Cell::new(true),
            trouble: RefCell::default(),
        });
        let (sharing, others): (Vec<_>, Vec<_>) = scenario
            .objects
            .iter()
            .partition(|(_, object)| matches!(object, Object::Condition(Some(_))));
        // Those that refer to others after those.
        for (name, object) in others.into_iter().chain(sharing) {
            world.declare(name, object);
        }
        world
    }

    fn declare(&self, name: &str, object: &Object) {
        let lock = match object {
            Object::Condition(Some(lock)) => self.primitive(lock).ok(),
            _ => None,
        };
        let lock = lock.and_then(|lock| match lock {
            Primitive::Lock(lock) => Some(lock),
            _ => None,
        });
        if let Object::Variable(value) = object {
            self.set_variable(name, value.clone());
        }
        let thing = Primitive::new(object, lock).map_or(Thing::Nothing, Thing::Primitive);
        self.set(name, thing);
    }

    /// Writes a line of the trace.
    pub(crate) fn log(&self, who: &str, event: &str, value: Value) {
        self.log_in(self.turn(), who, event, value);
    }

    pub(crate) fn log_in(&self, turn: u64, who: &str, event: &str, value: Value) {
        if !self.is_recording.get() {
            return;
        }
        let event = Event {
            turn,
            time: self.now(),
            who: who.to_owned(),
            event: event.to_owned(),
            value,
        };
        self.trace.borrow_mut().push(event);
    }

    /// The number of the turn; one that is going on has not been counted yet.
    pub(crate) fn turn(&self) -> u64 {
        let turns = self.event_loop.metrics().turns;
        turns + u64::from(self.event_loop.is_running())
    }

    /// Ends the recording: what is dropped or wound up from now on is no part of it.
    pub(crate) fn stop_recording(&self) {
        self.is_recording.set(false);
    }

    /// The trace; or why there is none.
    pub(crate) fn take_trace(&self) -> Result<Vec<Event>, String> {
        match self.trouble.take() {
            Some(trouble) => Err(trouble),
            None => Ok(self.trace.take()),
        }
    }

    /// Says that this scenario cannot be run here, and why; the first reason counts.
    pub(crate) fn give_up(&self, reason: impl Into<String>) {
        self.trouble
            .borrow_mut()
            .get_or_insert_with(|| reason.into());
        self.event_loop.stop();
    }

    /// The time in ticks.
    pub(crate) fn now(&self) -> Value {
        self.ticks(self.event_loop.time())
    }

    pub(crate) fn ticks(&self, moment: Instant) -> Value {
        rounded(match moment.checked_duration_since(self.start) {
            Some(time) => time.as_secs_f64(),
            None => -(self.start - moment).as_secs_f64(),
        })
    }

    /// The moment at these ticks from the start; `None` is never.
    pub(crate) fn moment(&self, ticks: f64) -> Option<Instant> {
        if ticks < 0.0 {
            return Some(self.start.checked_sub(delay(-ticks)).unwrap_or(self.start));
        }
        self.start.checked_add(delay(ticks))
    }

    /// The moment so many ticks from now, which may be before it.
    pub(crate) fn moment_after(&self, ticks: f64) -> Option<Instant> {
        let now = self.event_loop.time();
        if ticks < 0.0 {
            return Some(now.checked_sub(delay(-ticks)).unwrap_or(now));
        }
        now.checked_add(delay(ticks))
    }

    pub(crate) fn set(&self, name: &str, thing: Thing) {
        let old = self.things.borrow_mut().insert(name.to_owned(), thing);
        drop(old);
    }

    /// What a name is bound to; `None` for names that are not bound, and for the current task of
    /// who has none.
    pub(crate) fn find(&self, name: &str) -> Option<Thing> {
        if name == "self" {
            return current_task().map(|task| Thing::Named(Named::running(task)));
        }
        match self.things.borrow().get(name) {
            Some(Thing::Nothing) | None => None,
            Some(thing) => Some(thing.clone()),
        }
    }

    /// What a name is bound to, or Python's error.
    pub(crate) fn get(&self, name: &str) -> Result<Thing, Raised> {
        match self.things.borrow().get(name) {
            Some(Thing::Nothing) => Err(Exception::Named("AttributeError").into()),
            Some(thing) => Ok(thing.clone()),
            None => Err(Exception::Named("KeyError").into()),
        }
    }

    /// A task or a future, by name.
    pub(crate) fn named(&self, name: &str) -> Result<Named, Raised> {
        match self.get(name)? {
            Thing::Named(named) => Ok(named),
            _ => Err(Exception::Named("TypeError").into()),
        }
    }

    /// A lock, a queue and the like, by name.
    pub(crate) fn primitive(&self, name: &str) -> Result<Primitive, Raised> {
        match self.get(name)? {
            Thing::Primitive(primitive) => Ok(primitive),
            _ => no_attribute(),
        }
    }

    /// Binds a task or a future to a name, by which it is shown, too.
    pub(crate) fn bind(&self, name: &str, named: Named) {
        let shown = (named.clone(), name.to_owned());
        let old = self.called.borrow_mut().insert(named.address(), shown);
        drop(old);
        self.set(name, Thing::Named(named));
    }

    /// A task or a future as a value.
    pub(crate) fn show(&self, named: &Named) -> Value {
        let called = self.called.borrow();
        let name = called.get(&named.address()).map_or("?", |(_, name)| name);
        Value::from(format!("#{name}"))
    }

    /// How a task has ended, if it has a name and has.
    pub(crate) fn end_of(&self, task: &TaskRef) -> Option<Ended> {
        let called = self.called.borrow();
        let (named, _) = called.get(&task.identity())?;
        named.ended().ok()
    }

    pub(crate) fn variable(&self, name: &str) -> Value {
        let variables = self.variables.borrow();
        variables.get(name).cloned().unwrap_or_default()
    }

    pub(crate) fn set_variable(&self, name: &str, value: Value) {
        self.variables.borrow_mut().insert(name.to_owned(), value);
    }

    pub(crate) fn context_variable(&self, name: &str) -> Variable {
        let mut contexts = self.contexts.borrow_mut();
        let declare = || Rc::new(ContextVar::new("a scenario's"));
        Rc::clone(contexts.entry(name.to_owned()).or_insert_with(declare))
    }

    /// Lets go of everything that has a name, which may hold the world in turn.
    pub(crate) fn clear(&self) {
        drop(self.things.take());
        for (named, _) in self.called.take().into_values() {
            // Looked at, an error that the scenario let go unseen is reported to nobody.
            drop(named.ended());
        }
        drop(self.callbacks.take());
    }
}

/// Ticks as a delay: seconds of the manual clock. What is negative is at once.
pub(crate) fn delay(ticks: f64) -> Duration {
    if ticks.is_nan() || ticks <= 0.0 {
        return Duration::ZERO;
    }
    Duration::try_from_secs_f64(ticks).unwrap_or(Duration::MAX)
}
