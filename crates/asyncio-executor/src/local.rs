//! The executor's state on its own thread: the ready queue and what running an entry needs.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::mem::needs_drop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::{RawWakerVTable, Waker};

use async_task::Runnable;

use crate::cancel::{CleanUps, Tree};
use crate::caught::or_report;
use crate::context;
use crate::entry::Entry;
use crate::error::ErrorContext;
use crate::home::{self, Home};
use crate::registry::{Key, Tasks};
use crate::shared::Shared;
use crate::task::{End, Status, TaskBuilder};

/// The handler of errors that nobody else was told of.
pub type ExceptionHandler = Rc<dyn Fn(&ErrorContext<'_>)>;

/// What every `create_task` goes through: it may set a name, a context, eager start.
pub type TaskFactory = Rc<dyn Fn(TaskBuilder) -> TaskBuilder>;

pub(crate) struct Local {
    pub(crate) shared: Arc<Shared>,
    pub(crate) ready: RefCell<VecDeque<Entry>>,
    pub(crate) tasks: Tasks,
    pub(crate) tree: Tree,
    pub(crate) clean_ups: CleanUps,
    /// The task that is being polled.
    pub(crate) current: Cell<Key>,
    /// The task that was polled last.
    pub(crate) last_polled: Cell<Key>,
    /// The parts of the waker that the current task is polled with: compared, never used.
    polled_with: Cell<(*const (), *const RawWakerVTable)>,
    pub(crate) context: context::Current,
    /// A task whose poll has just returned ready. Its end is told once async-task has stored
    /// the output, when its step returns: an awaiting side that a waker polls at once would
    /// find no output before.
    finished: Cell<Option<(Key, Status)>>,
    pub(crate) closed: Cell<bool>,
    /// Main tasks alive. They stand on the stack of whoever drives them, who alone drops them.
    pub(crate) mains: Cell<usize>,
    pub(crate) eager: Cell<bool>,
    factory: RefCell<Option<TaskFactory>>,
    /// Whether there is a factory: asked at every spawn.
    pub(crate) has_factory: Cell<bool>,
    /// The factory is being called: what it makes itself is plain.
    pub(crate) in_factory: Cell<bool>,
    pub(crate) handler: RefCell<Option<ExceptionHandler>>,
    /// What an entry asked the run to end with.
    interrupt: Cell<Option<Box<dyn Any>>>,
    interrupted: Cell<bool>,
}

thread_local! {
    /// The executors that live on this thread: a wake of one that is not running finds its
    /// queue here, so that order is kept before the first run and between runs.
    static HERE: RefCell<Vec<Weak<Local>>> = const { RefCell::new(Vec::new()) };
}

/// The executor of this thread that `is` picks, if there is one.
#[inline]
pub(crate) fn on_this_thread(is: impl Fn(&Local) -> bool) -> Option<Rc<Local>> {
    HERE.try_with(|here| {
        let here = here.try_borrow().ok()?;
        // Nearly always: a thread that has no executor calls another one's.
        if here.is_empty() {
            return None;
        }
        here.iter()
            .filter_map(Weak::upgrade)
            .find(|local| is(local))
    })
    .ok()
    .flatten()
}

impl Local {
    pub(crate) fn new(shared: Arc<Shared>) -> Rc<Self> {
        let local = Rc::new(Self {
            shared,
            ready: RefCell::default(),
            tasks: Tasks::default(),
            tree: Tree::new(),
            clean_ups: CleanUps::default(),
            current: Cell::new(Key::NONE),
            last_polled: Cell::new(Key::NONE),
            polled_with: Cell::new((std::ptr::null(), std::ptr::null())),
            context: context::Current::default(),
            finished: Cell::new(None),
            closed: Cell::new(false),
            mains: Cell::new(0),
            eager: Cell::new(false),
            factory: RefCell::new(None),
            has_factory: Cell::new(false),
            in_factory: Cell::new(false),
            handler: RefCell::new(None),
            interrupt: Cell::new(None),
            interrupted: Cell::new(false),
        });
        // During the destruction of the thread's locals an executor works without being found.
        let _ = HERE.try_with(|here| {
            let mut here = here.borrow_mut();
            here.retain(|other| other.strong_count() > 0);
            here.push(Rc::downgrade(&local));
        });
        local
    }

    #[inline]
    pub(crate) fn push(&self, entry: Entry) {
        self.ready.borrow_mut().push_back(entry);
    }

    #[inline]
    pub(crate) fn ready_len(&self) -> usize {
        self.ready.borrow().len()
    }

    /// Runs the next `count` entries, or fewer when the queue ends or one interrupts. `main`
    /// polls the main future, when its entry comes; without it the entry stays in the queue.
    /// Returns how many were run.
    pub(crate) fn run_ready(&self, count: usize, mut main: Option<&mut dyn FnMut()>) -> usize {
        let mut taken = 0;
        let mut kept = 0;
        while taken < count {
            let Some(entry) = self.ready.borrow_mut().pop_front() else {
                break;
            };
            taken += 1;
            if !entry.is_main() {
                entry.run(self);
            } else if let Some(main) = main.as_deref_mut() {
                main();
            } else {
                kept += 1;
            }
            if self.interrupted.get() {
                break;
            }
        }
        // The entry of a main future that is gone is left behind by an early end of its run.
        for _ in 0..kept.min(self.mains.get()) {
            self.push(Entry::main());
        }
        taken - kept
    }

    /// Refuses to wait for `what`, which is this executor's, inside a run of another one: nobody
    /// runs this one meanwhile. Outside every run a foreign executor may be waiting.
    ///
    /// # Panics
    /// If this thread runs another executor.
    pub(crate) fn assert_may_wait(&self, what: impl FnOnce() -> String) {
        let is_elsewhere =
            home::with(|running| running.is_some_and(|running| !std::ptr::eq(&**running, self)));
        if is_elsewhere {
            refuse_to_wait(&what());
        }
    }

    /// Refuses to wait for the end of `task`, which has not ended, in that task itself; or in a run
    /// of another executor, as [`assert_may_wait`](Self::assert_may_wait).
    ///
    /// # Panics
    /// If one of these is so.
    pub(crate) fn assert_may_wait_for(&self, task: Key, what: impl Fn() -> String) {
        self.assert_may_wait(&what);
        if self.current.get() == task {
            refuse_itself(&what());
        }
    }

    /// Runs one step of a task, and tells its end if it was the last one.
    #[inline]
    pub(crate) fn step(&self, runnable: Runnable<Home>) {
        runnable.run();
        if let Some((key, status)) = self.finished.take() {
            self.ended(key, status);
        }
    }

    /// Runs a callback or a dispatch, in a context of its own unless it enters another. A panic
    /// goes to the exception handler, with what `name` says of the callback.
    #[inline]
    pub(crate) fn guard(&self, work: impl FnOnce(), name: impl FnOnce() -> String) {
        let outer = self.context.replace(None);
        let ran = catch_unwind(AssertUnwindSafe(work));
        let inner = self.context.replace(outer);
        if let Err(payload) = ran {
            self.report_callback(name(), payload);
        }
        if inner.is_some() {
            self.discard_callback(inner);
        }
    }

    /// Drops what is left of a callback.
    #[inline]
    pub(crate) fn discard_callback<T>(&self, rest: T) {
        if !needs_drop::<T>() {
            return;
        }
        or_report(self, "panic in the destructor of a callback", || drop(rest));
    }

    /// Moves what came from other threads to the ready queue, as far as it had come when this
    /// began. Returns how many.
    #[inline]
    pub(crate) fn drain(&self) -> usize {
        if self.shared.is_empty() {
            0
        } else {
            self.drain_some()
        }
    }

    fn drain_some(&self) -> usize {
        let count = self.shared.len();
        for taken in 0..count {
            match self.shared.pop() {
                None => return taken,
                Some(entry) => self.push(entry),
            }
        }
        count
    }

    /// Gives memory back after a burst: of the ready queue, and of the tables of tasks and scopes
    /// when they are empty. For a moment when there is time: before a sleep.
    pub(crate) fn shrink(&self) {
        let mut ready = self.ready.borrow_mut();
        if ready.capacity() > 2 * ENTRIES_KEPT && ready.len() < ENTRIES_KEPT {
            ready.shrink_to(ENTRIES_KEPT);
        }
        drop(ready);
        self.tasks.shrink();
        self.tree.shrink();
        self.clean_ups.shrink();
    }

    #[inline]
    pub(crate) fn is_polled_with(&self, waker: &Waker) -> bool {
        self.polled_with.get() == parts(waker)
    }

    /// Makes `key` the task that is being polled with `waker`; returns what takes it back.
    #[inline]
    pub(crate) fn begin_poll(&self, key: Key, waker: &Waker) -> Polled<'_> {
        // An eager task inside another's first poll of a scope: from here on the tree is another.
        self.tree.open_levels(self);
        Polled {
            local: self,
            current: self.current.replace(key),
            polled_with: self.polled_with.replace(parts(waker)),
            scope: self.tree.current.replace(crate::cancel::NodeId::NONE),
        }
    }

    #[inline]
    pub(crate) fn set_finished(&self, key: Key, status: Status) {
        self.finished.set(Some((key, status)));
    }

    /// Takes an ended task out and tells who waits.
    pub(crate) fn ended(&self, key: Key, status: Status) {
        let Some(mut ended) = self.tasks.remove(key) else {
            return;
        };
        self.tree.forget_claim(key);
        let mut requests = 0;
        if let Some(extra) = &ended.extra
            && !extra.root.is_none()
        {
            requests = self.tree.requests_from(extra.root);
            if status == Status::Cancelled {
                self.tree.watch_claim(extra.root);
            }
            self.tree.close_root(self, extra.root);
        }
        // In the order in which they came.
        if let Some(extra) = &mut ended.extra {
            if let Some((owner, index)) = extra.owner.take() {
                owner.ended(index, End::of(status));
            }
            if extra.observer_first
                && let Some((observer, index)) = extra.observer.take()
            {
                observer.ended(index, End::of(status));
            }
        }
        if !ended.waiter.is_none() {
            self.tasks.wake(ended.waiter);
        }
        if let Some(extra) = &mut ended.extra {
            if let Some(state) = extra.state.take() {
                // First of all: the handle may be dropped by what is told.
                if let Some(id) = ended.held {
                    self.tasks.keep_ended(id, Rc::clone(&state));
                }
                state.end(self, status, requests);
            }
            if let Some((observer, index)) = extra.observer.take() {
                observer.ended(index, End::of(status));
            }
        }
        drop(ended.waker);
    }

    pub(crate) fn set_factory(&self, factory: Option<TaskFactory>) -> Option<TaskFactory> {
        self.has_factory.set(factory.is_some());
        self.factory.replace(factory)
    }

    pub(crate) fn factory(&self) -> Option<TaskFactory> {
        self.factory.borrow().clone()
    }

    pub(crate) fn interrupt(&self, payload: Box<dyn Any>) {
        self.interrupt.set(Some(payload));
        self.interrupted.set(true);
    }

    #[inline]
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupted.get()
    }

    pub(crate) fn take_interrupt(&self) -> Option<Box<dyn Any>> {
        self.interrupted.set(false);
        self.interrupt.take()
    }
}

/// What the ready queue, and each empty table, keeps of its memory for the next burst: 1024 entries.
pub(crate) const ENTRIES_KEPT: usize = 1024;

#[cold]
fn refuse_to_wait(what: &str) -> ! {
    panic!(
        "{what} belongs to another event loop, which does not run while this one does: await it in \
         a task of its own loop"
    )
}

#[cold]
fn refuse_itself(what: &str) -> ! {
    panic!("{what} waits for itself, and its end would never come")
}

fn parts(waker: &Waker) -> (*const (), *const RawWakerVTable) {
    (waker.data(), std::ptr::from_ref(waker.vtable()))
}

/// What was being polled before; restored on drop, also when the poll panics.
pub(crate) struct Polled<'a> {
    local: &'a Local,
    current: Key,
    polled_with: (*const (), *const RawWakerVTable),
    scope: crate::cancel::NodeId,
}

impl Drop for Polled<'_> {
    #[inline]
    fn drop(&mut self) {
        self.local.last_polled.set(self.local.current.get());
        self.local.current.set(self.current);
        self.local.polled_with.set(self.polled_with);
        self.local.tree.current.set(self.scope);
    }
}
