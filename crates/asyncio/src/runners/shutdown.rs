//! Closing a runner: what is left is cancelled and waited for, and what does not end is reported.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use asyncio_executor::{
    End, ErrorContext, ExceptionHandler, Observer, RunError, TaskRef, current_task,
};
use asyncio_loop::{LoopRef, ShutdownOutcome, sleep};

/// The clean-up of a task may make further tasks, or orphan further clean-ups, whose clean-up makes
/// further ones. A chain that is longer than this is taken for one that has no end, and what is left
/// of it is reported as unfinished.
const GENERATIONS_MAX: usize = 64;

/// What was left when a [`Runner`](crate::Runner) was closed.
///
/// The runner has told the loop's exception handler of everything here that is not in order, but for the
/// outcomes of tasks whose handles are kept: those are told of when the handles are dropped.
#[derive(Debug)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// The tasks that had not ended when the runner was closed, in order of creation, and after
    /// them those that their clean-up made. All of them were cancelled.
    pub cancelled: Vec<TaskRef>,
    /// Those of them that panicked while they ended.
    pub panicked: Vec<TaskRef>,
    /// The tasks that did not end in time. They were dropped when the loop closed.
    pub unfinished: Vec<TaskRef>,
    /// How the default executor ended; an error where that was not waited for, because closing was
    /// interrupted, or the loop could not be run.
    pub executor: Result<ShutdownOutcome, RunError>,
}

impl ShutdownReport {
    /// Whether everything that was left has ended in time, and without a panic.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.panicked.is_empty()
            && self.unfinished.is_empty()
            && self.executor == Ok(ShutdownOutcome::Complete)
    }

    /// Sorts the tasks that were cancelled, before the loop closes and drops what did not end.
    pub(super) fn new(
        event_loop: &LoopRef,
        cancelled: Vec<TaskRef>,
        executor: Result<ShutdownOutcome, RunError>,
    ) -> Self {
        let panicked = cancelled.iter().filter(|task| task.panicked()).cloned();
        Self {
            panicked: panicked.collect(),
            cancelled,
            unfinished: event_loop.all_tasks(),
            executor,
        }
    }

    /// Tells the exception handler what did not end; but for clean-ups, which the loop reports itself
    /// when it gives them up.
    pub(super) fn tell(&self, event_loop: &LoopRef, timeout: Duration) {
        let mut unfinished = self.unfinished.clone();
        leave_out(&mut unfinished, &event_loop.spawner().clean_ups());
        for task in &unfinished {
            let mut context = ErrorContext::new("task was destroyed but it is pending");
            context.location = Some(task.spawn_location());
            context.task = Some(task.clone());
            event_loop.call_exception_handler(&context);
        }
        let message = match &self.executor {
            Ok(ShutdownOutcome::Complete) => return,
            Ok(ShutdownOutcome::TimedOut { threads, queued }) => format!(
                "the default executor did not finish joining its threads within {timeout:?}: \
                 {threads} are running, {queued} jobs are waiting"
            ),
            Err(error) => format!("the default executor was not waited for: {error}"),
        };
        event_loop.call_exception_handler(&ErrorContext::new(&message));
    }
}

impl fmt::Display for ShutdownReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} tasks were cancelled, {} panicked, {} did not end; default executor: ",
            self.cancelled.len(),
            self.panicked.len(),
            self.unfinished.len()
        )?;
        match &self.executor {
            Ok(ShutdownOutcome::Complete) => formatter.write_str("complete"),
            Ok(ShutdownOutcome::TimedOut { threads, queued }) => write!(
                formatter,
                "{threads} threads did not end, {queued} jobs did not begin"
            ),
            Err(error) => write!(formatter, "not waited for: {error}"),
        }
    }
}

/// The clean-ups that were waited for and did not end in time: they are not waited for again.
#[derive(Default)]
pub(super) struct Overdue(RefCell<Vec<TaskRef>>);

impl Overdue {
    /// The other clean-ups that run as tasks of their own now.
    pub(super) fn others(&self, event_loop: &LoopRef) -> Vec<TaskRef> {
        self.0.borrow_mut().retain(|task| !task.done());
        let mut clean_ups = event_loop.spawner().clean_ups();
        leave_out(&mut clean_ups, &self.0.borrow());
        clean_ups
    }

    /// Waits for those, and for what they orphan; not longer than `limit`. Not for what other tasks
    /// orphan meanwhile: with a busy service that has no end.
    pub(super) async fn wait_for_others(&self, event_loop: &LoopRef, limit: Duration) {
        let mut clean_ups = self.others(event_loop);
        let family = Rc::new(Family::default());
        for clean_up in &clean_ups {
            Rc::clone(&family).adopt(clean_up);
        }
        if family.left.get() != 0 {
            at_most(limit, poll_fn(|cx| family.poll_ended(cx))).await;
            clean_ups.retain(|task| !task.done());
            self.0.borrow_mut().append(&mut clean_ups);
        }
    }
}

/// Clean-ups, and those that they orphan.
#[derive(Default)]
struct Family {
    left: Cell<usize>,
    waker: Cell<Option<Waker>>,
}

impl Family {
    fn poll_ended(&self, cx: &Context<'_>) -> Poll<()> {
        if self.left.get() == 0 {
            return Poll::Ready(());
        }
        self.waker.set(Some(cx.waker().clone()));
        Poll::Pending
    }
}

impl Observer for Family {
    fn ended(self: Rc<Self>, _: u32, _: End) {
        self.left.set(self.left.get() - 1);
        if self.left.get() == 0
            && let Some(waker) = self.waker.take()
        {
            waker.wake(); // the main future's: it pushes an entry
        }
    }

    fn adopt(self: Rc<Self>, clean_up: &TaskRef) -> bool {
        self.left.set(self.left.get() + 1);
        clean_up.observe(self, 0);
        true
    }
}

/// Waits for clean-ups, then cancels what is left and waits for it, then shuts the default executor
/// down and waits for its threads: at most for `timeout` each time. `cancelled` lists the tasks, also
/// when this is dropped in the middle.
pub(super) async fn wind_down(
    event_loop: &LoopRef,
    timeout: Duration,
    overdue: &Overdue,
    cancelled: &RefCell<Vec<TaskRef>>,
) -> ShutdownOutcome {
    overdue.wait_for_others(event_loop, timeout).await;
    at_most(timeout, cancel_all(event_loop, cancelled)).await;
    event_loop.shutdown_default_executor(Some(timeout)).await
}

/// Cancels all other tasks and waits for them, and then for those that they have made meanwhile; of
/// these, clean-ups are waited for and not cancelled.
async fn cancel_all(event_loop: &LoopRef, cancelled: &RefCell<Vec<TaskRef>>) {
    let this = current_task();
    let mut clean_ups = Vec::new(); // those of before have had their time
    for _ in 0..GENERATIONS_MAX {
        let mut tasks = event_loop.all_tasks();
        tasks.retain(|task| Some(task) != this.as_ref());
        leave_out(&mut tasks, &clean_ups);
        if tasks.is_empty() && clean_ups.is_empty() {
            return;
        }
        cancelled.borrow_mut().extend_from_slice(&tasks);
        for task in &tasks {
            task.cancel();
        }
        for task in tasks.into_iter().chain(clean_ups) {
            task.wait().await;
        }
        clean_ups = event_loop.spawner().clean_ups();
    }
}

/// Takes `these` out of a list of tasks that have not ended.
fn leave_out(tasks: &mut Vec<TaskRef>, these: &[TaskRef]) {
    let these: BTreeSet<u32> = these.iter().map(TaskRef::id).collect();
    tasks.retain(|task| !these.contains(&task.id()));
}

/// Waits for the future, but not longer than `limit`.
async fn at_most(limit: Duration, future: impl Future<Output = ()>) {
    let mut future = pin!(future);
    let mut time = pin!(sleep(limit));
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(()) => Poll::Ready(()),
        Poll::Pending => time.as_mut().poll(cx),
    })
    .await;
}

/// While it lives, what the exception handler is told of tasks carries asyncio's message for the
/// tasks that are cancelled at the end of a run.
pub(super) struct Relabelled<'a> {
    event_loop: &'a LoopRef,
    before: Option<ExceptionHandler>,
    ours: ExceptionHandler,
}

impl<'a> Relabelled<'a> {
    pub(super) fn new(event_loop: &'a LoopRef) -> Self {
        let before = event_loop.get_exception_handler();
        let handler = before.clone();
        let ours: ExceptionHandler = Rc::new(move |context| {
            let Some(handler) = &handler else { return };
            // What has no cause is a remark: that a step took long, for example.
            if context.task.is_none() || context.cause.is_none() {
                return handler(context);
            }
            let mut told = ErrorContext::new("unhandled exception during asyncio.run() shutdown");
            told.cause.clone_from(&context.cause);
            told.task.clone_from(&context.task);
            told.location = context.location;
            told.source = context.source;
            handler(&told);
        });
        event_loop.set_exception_handler(Some(Rc::clone(&ours)));
        Self {
            event_loop,
            before,
            ours,
        }
    }
}

impl Drop for Relabelled<'_> {
    fn drop(&mut self) {
        // Unless a task has set another one meanwhile.
        let current = self.event_loop.get_exception_handler();
        if current.is_some_and(|current| Rc::ptr_eq(&current, &self.ours)) {
            self.event_loop.set_exception_handler(self.before.take());
        }
    }
}
