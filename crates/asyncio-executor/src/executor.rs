//! The executor: the ready queue with its tasks, and the public face of all the rest.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::thread::Thread;

use crate::callback::Handle;
use crate::entry::Entry;
use crate::error::ErrorContext;
use crate::home;
use crate::local::Local;
use crate::main_task::{MainFuture, MainTask, RunError};
use crate::registry::Key;
use crate::shared::{Door, Notify, Shared};
use crate::spawner::{Spawner, call_soon};
use crate::task::{LARGE, Task, TaskBuilder, TaskRef};

/// An executor for one thread: tasks and callbacks in one FIFO, run turn by turn.
///
/// It is complete without I/O and time: [`run_until_complete`](Self::run_until_complete) runs a
/// future and sleeps while nothing is ready. An event loop drives it by its parts instead:
/// [`drain`](Self::drain), [`run_ready`](Self::run_ready), [`end_turn`](Self::end_turn).
///
/// Dropping it closes it: every task is dropped, on this thread.
pub struct Executor {
    local: Rc<Local>,
    running: Cell<bool>,
}

impl Executor {
    /// An executor whose [`run_until_complete`](Self::run_until_complete) parks the thread that
    /// this is called on.
    #[must_use]
    pub fn new() -> Self {
        Self::with_notifier(ThreadNotifier(std::thread::current()))
    }

    /// An executor that something else puts to sleep: `notifier` has to end that sleep.
    #[must_use]
    pub fn with_notifier(notifier: impl Notify) -> Self {
        Self {
            local: Local::new(Shared::new(Box::new(notifier))),
            running: Cell::new(false),
        }
    }

    /// A handle for code on this thread, which may outlive the executor.
    #[must_use]
    pub fn spawner(&self) -> Spawner {
        Spawner::new(&self.local)
    }

    /// The way in for other threads.
    #[must_use]
    pub fn door(&self) -> Door {
        Door(std::sync::Arc::clone(&self.local.shared))
    }

    /// Makes a task of `future`; see [`Spawner::create_task`].
    #[track_caller]
    pub fn create_task<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        TaskBuilder::new(Rc::clone(&self.local)).spawn(future)
    }

    /// A task with a name, a context, or eager start.
    pub fn build_task(&self) -> TaskBuilder {
        TaskBuilder::new(Rc::clone(&self.local))
    }

    /// Has `callback` called in the next turn; see [`Spawner::call_soon`].
    #[track_caller]
    pub fn call_soon(&self, callback: impl FnOnce() + 'static) -> Handle {
        call_soon(&self.local, None, callback)
    }

    /// Runs `main` and everything else until `main` has ended, and returns its output.
    ///
    /// Given `&mut task`, the result stays in the task's handle.
    ///
    /// # Errors
    /// [`RunError`]: cancelled, closed, already running, or another executor runs on this thread.
    ///
    /// # Panics
    /// Goes on with a panic of the main future.
    ///
    /// # Examples
    /// ```
    /// let executor = asyncio_executor::Executor::new();
    /// let words = vec!["to", "borrow"];
    /// assert_eq!(executor.run_until_complete(async { words.len() }), Ok(2));
    /// ```
    #[track_caller]
    pub fn run_until_complete<M: MainFuture>(&self, main: M) -> Result<M::Output, RunError> {
        if const { size_of::<M::Future>() >= LARGE } {
            self.run_main::<M, _>(Box::pin(main.into_main()))
        } else {
            self.run_main::<M, _>(main.into_main())
        }
    }

    #[track_caller]
    fn run_main<M, F>(&self, main: F) -> Result<M::Output, RunError>
    where
        M: MainFuture,
        F: Future<Output = <M::Future as Future>::Output>,
    {
        let _running = self.begin_run()?;
        let mut main = pin!(self.main_task(main));
        self.enter(|| {
            while !main.done() {
                self.drain();
                if self.ready_len() == 0 && !self.has_unanswered() {
                    self.local.shrink();
                    // Woken by whatever comes through the door; a token that was left by an
                    // earlier wake-up makes one turn for nothing.
                    while self.local.shared.is_empty() {
                        std::thread::park();
                    }
                    continue;
                }
                let ready = self.ready_len();
                self.run_ready(ready, Some(&mut || _ = main.as_mut().step()));
                self.end_turn();
                if self.take_interrupt().is_some() {
                    return;
                }
            }
        });
        match main.take_outcome() {
            None => Err(RunError::Interrupted),
            Some(outcome) => outcome.map_err(RunError::of_main).and_then(M::output),
        }
    }

    /// Runs what is ready, turn by turn, until nothing is; returns how many turns that took.
    ///
    /// Also ends at an [`interrupt`](Spawner::interrupt), which is left for
    /// [`take_interrupt`](Self::take_interrupt). With a task that always makes itself ready again
    /// this does not return; see [`run_ready`](Self::run_ready) for one turn at a time. A closed
    /// executor has nothing to run.
    ///
    /// # Panics
    /// When this executor, or another one of the thread, is running.
    pub fn run_until_stalled(&self) -> usize {
        let _running = match self.begin_run() {
            Ok(running) => running,
            Err(RunError::Closed) => return 0,
            Err(error) => panic!("{error}"),
        };
        self.enter(|| {
            let mut turns = 0;
            let mut idle = 0;
            loop {
                self.drain();
                let ready = self.ready_len();
                if ready == 0 && !self.has_unanswered() {
                    return turns;
                }
                let ran = self.run_ready(ready, None);
                self.end_turn();
                turns += 1;
                // What is left is the entry of a main future, whose turn does not come here. Requests
                // are settled some turns later, unless they wait for that, too.
                let only_main = ran == 0 && ready != 0 && self.ready_len() == ready;
                idle = if only_main { idle + 1 } else { 0 };
                let is_stalled = only_main && (!self.has_unanswered() || idle > TURNS_TO_SETTLE);
                if self.is_interrupted() || is_stalled {
                    return turns;
                }
            }
        })
    }

    /// Marks the executor as running, until the guard is dropped.
    ///
    /// # Errors
    /// [`RunError::Closed`]; [`RunError::AlreadyRunning`], also inside this executor's
    /// [`enter`](Self::enter); [`RunError::OtherRunning`] inside another executor's.
    pub fn begin_run(&self) -> Result<Running<'_>, RunError> {
        if self.is_closed() {
            return Err(RunError::Closed);
        }
        let inside = home::with(|local| Some(Rc::ptr_eq(local?, &self.local)));
        if self.running.get() || inside == Some(true) {
            return Err(RunError::AlreadyRunning);
        }
        if inside.is_some() {
            return Err(RunError::OtherRunning);
        }
        self.running.set(true);
        Ok(Running(&self.running))
    }

    /// Whether a run is under way.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.running.get()
    }

    /// Calls `f` with this executor as the thread's current one, as it is for tasks and
    /// callbacks.
    pub fn enter<R>(&self, f: impl FnOnce() -> R) -> R {
        home::enter(&self.local, f)
    }

    /// The main future of a run as a task; its first step has been made ready.
    #[track_caller]
    pub fn main_task<F: Future>(&self, future: F) -> MainTask<F> {
        MainTask::new(&self.local, future)
    }

    /// Moves what has come from other threads to the ready queue; returns how many.
    #[inline]
    pub fn drain(&self) -> usize {
        self.local.drain()
    }

    /// How many entries are ready.
    #[must_use]
    #[inline]
    pub fn ready_len(&self) -> usize {
        self.local.ready_len()
    }

    /// Whether something waits at the door.
    #[must_use]
    pub fn has_remote(&self) -> bool {
        !self.local.shared.is_empty()
    }

    /// Whether requests to cancel wait for an answer of a scope: then the executor must have
    /// another turn before it sleeps.
    #[must_use]
    #[inline]
    pub fn has_unanswered(&self) -> bool {
        self.local.tree.has_unanswered()
    }

    /// Appends an entry to the ready queue. On a closed executor it is dropped.
    #[inline]
    pub fn push(&self, entry: Entry) {
        if !self.local.closed.get() {
            self.local.push(entry);
        }
    }

    /// Runs the next `count` entries, in order: a turn runs the [`ready_len`](Self::ready_len) of
    /// its beginning. `main` is called when the entry of the run's main future comes up. Ends
    /// early at an [`interrupt`](Spawner::interrupt). Returns how many entries were run.
    ///
    /// This executor is the thread's current one meanwhile, as in [`enter`](Self::enter). With
    /// `None` for `main` the entry of a main future goes to the end of the queue and stays ready.
    #[inline]
    pub fn run_ready(&self, count: usize, main: Option<&mut dyn FnMut()>) -> usize {
        // A task is only ever polled with its own executor as the current one: its home, its
        // key and its scopes are looked up there.
        self.enter(|| self.local.run_ready(count, main))
    }

    /// What is to be done after the entries of a turn.
    #[inline]
    pub fn end_turn(&self) {
        if self.has_unanswered() {
            self.local.tree.settle(&self.local);
        }
    }

    /// Gives memory of the ready queue back after a burst: to be called before a sleep.
    pub fn shrink(&self) {
        self.local.shrink();
    }

    /// What [`Spawner::interrupt`] asked the run to end with.
    pub fn take_interrupt(&self) -> Option<Box<dyn Any>> {
        self.local.take_interrupt()
    }

    /// Whether an entry has asked the run to end.
    #[must_use]
    #[inline]
    pub fn is_interrupted(&self) -> bool {
        self.local.is_interrupted()
    }

    /// Forgets which task was polled last: before an entry that [`last_polled`](Self::last_polled)
    /// is to be asked about.
    pub fn forget_last_polled(&self) {
        self.local.last_polled.set(Key::NONE);
    }

    /// The task that was polled last, if it has not ended: for reports about the entry that has
    /// just run.
    #[must_use]
    pub fn last_polled(&self) -> Option<TaskRef> {
        let key = self.local.last_polled.get();
        Some(TaskRef::new(self.local.tasks.state(&self.local, key)?))
    }

    /// How many tasks have not ended.
    #[must_use]
    pub fn task_count(&self) -> usize {
        self.local.tasks.len()
    }

    /// The tasks that have not ended, oldest first.
    #[must_use]
    pub fn all_tasks(&self) -> Vec<TaskRef> {
        self.spawner().all_tasks()
    }

    /// Drops every task and callback; what their destructors hand over is dropped too. Then
    /// tasks are born cancelled, callbacks are refused, and the door is closed. Idempotent.
    ///
    /// It waits for threads that are in the middle of waking one of the tasks: a few steps.
    ///
    /// # Panics
    /// When the executor is running, or is polling a task at this moment.
    pub fn close(&self) {
        // A task that is being polled cannot be dropped, so there would be no end.
        let polling = !self.local.current.get().is_none();
        assert!(
            !self.running.get() && !polling,
            "cannot close a running executor"
        );
        self.local.close();
    }

    /// Whether it has been closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.local.closed.get()
    }
}

impl Default for Executor {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Executor {
    /// Closes it; unless one of its own tasks drops it, which cannot be dropped while it is
    /// polled: then nothing more is taken in, what is there is leaked, and that is reported.
    fn drop(&mut self) {
        if self.local.current.get().is_none() {
            return self.local.close();
        }
        if !self.local.closed.replace(true) {
            self.local.shared.refuse_calls();
            let message = "executor was dropped by one of its own tasks: its tasks are leaked";
            self.local.report(&ErrorContext::new(message));
        }
    }
}

impl fmt::Debug for Executor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Executor")
            .field("tasks", &self.task_count())
            .field("ready", &self.ready_len())
            .field("running", &self.running.get())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

/// In how many turns without an entry each request is settled whose task is not kept from running.
const TURNS_TO_SETTLE: usize = 64;

/// The executor is running while this lives.
#[derive(Debug)]
pub struct Running<'a>(&'a Cell<bool>);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

/// Wakes an executor that parks its thread.
struct ThreadNotifier(Thread);

impl Notify for ThreadNotifier {
    fn notify(&self) {
        self.0.unpark();
    }
}
