//! Interrupting a run from any thread: what Ctrl-C is to asyncio.
//!
//! An interrupt is a number that the main future looks at whenever it is polled, and a waker that
//! has it polled. So the request to cancel is made where asyncio makes it, on the loop's thread and
//! between two steps of the main task, and a thread that interrupts touches nothing else.

use std::cell::Cell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use asyncio_executor::{TaskRef, current_task};
use asyncio_loop::get_running_loop;

/// Interrupts the runs of one [`Runner`](crate::Runner), from any thread; made by
/// [`Runner::interrupter`](crate::Runner::interrupter).
///
/// The first interrupt of a run requests the cancellation of its main task, which may clean up or
/// go on; the second ends the run at once with [`RunError::Interrupted`](crate::RunError). While
/// the runner closes, one interrupt ends the waiting for what is left.
///
/// A callback that blocks the loop's thread is not interrupted: nothing can do that to a thread.
/// It takes a lock, so it is not for signal handlers; for those write to a pipe that a task reads.
/// Nothing is bound to Ctrl-C by itself. The `ctrlc` crate calls its handler on a thread, so that
/// this gives asyncio's behaviour:
///
/// ```
/// # mod ctrlc { pub fn set_handler(_: impl FnMut() + Send + 'static) -> std::io::Result<()> { Ok(()) } }
/// let runner = asyncio::Runner::new()?;
/// let interrupter = runner.interrupter();
/// ctrlc::set_handler(move || drop(interrupter.interrupt()))?;
/// runner.run(async { println!("working") })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Examples
/// ```
/// use asyncio::{RunError, Runner};
///
/// let runner = Runner::new()?;
/// let interrupter = runner.interrupter();
/// let thread = std::thread::spawn(move || while !interrupter.interrupt() {
///     std::thread::yield_now(); // The run has not begun.
/// });
/// assert_eq!(runner.run(std::future::pending::<()>()), Err(RunError::Interrupted));
/// thread.join().unwrap();
/// # std::io::Result::Ok(())
/// ```
#[derive(Clone, Default)]
pub struct Interrupter {
    run: Arc<Mutex<Run>>,
}

/// What the runner and those who interrupt it share.
#[derive(Default)]
struct Run {
    /// Whether there is something to interrupt. A waker is there from the first poll on.
    active: bool,
    /// Interrupts since the run began.
    count: u32,
    waker: Option<Waker>,
}

impl Interrupter {
    /// Interrupts what the runner is running, and returns whether it is running anything: between
    /// two runs, before the first and after the runner is closed an interrupt does nothing.
    pub fn interrupt(&self) -> bool {
        let waker = {
            let mut run = self.lock();
            if !run.active {
                return false;
            }
            run.count = run.count.saturating_add(1);
            run.waker.clone()
        };
        // With the lock free: a waker runs the loop's own code.
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }

    /// From here until the guard is dropped there is something to interrupt; `count` interrupts
    /// count as made already.
    pub(super) fn begin(&self, count: u32) -> Active<'_> {
        *self.lock() = Run {
            active: true,
            count,
            waker: None,
        };
        Active {
            interrupter: self,
            seen: Cell::new(count),
            requested: Cell::new(false),
            left: Cell::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Run> {
        // Held for a few moves only, and for comparing wakers.
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Interrupter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (active, count) = {
            let run = self.lock();
            (run.active, run.count)
        };
        formatter
            .debug_struct("Interrupter")
            .field("active", &active)
            .field("count", &count)
            .finish()
    }
}

/// A run of the loop. While it lives there is something to interrupt.
pub(super) struct Active<'a> {
    interrupter: &'a Interrupter,
    /// Interrupts that the main future has seen.
    seen: Cell<u32>,
    /// Whether one of them has requested the main task's cancellation.
    requested: Cell<bool>,
    /// The requests that nobody had withdrawn when the main future was dropped.
    left: Cell<u32>,
}

impl Active<'_> {
    /// The future `body` as a main future that can be interrupted.
    pub(super) async fn watch<F: Future>(&self, body: F) -> F::Output {
        let _requests = Requests(&self.left);
        let mut body = pin!(body);
        poll_fn(|cx| self.poll(cx, body.as_mut())).await
    }

    /// Whether a main task that has ended as cancelled has done so because it was interrupted: the
    /// interrupt's request is the only one left. asyncio's rule for raising `KeyboardInterrupt`.
    pub(super) fn has_cancelled(&self) -> bool {
        self.requested.get() && self.left.get() <= 1
    }

    fn poll<F: Future>(&self, cx: &mut Context<'_>, body: Pin<&mut F>) -> Poll<F::Output> {
        let count = {
            let mut run = self.interrupter.lock();
            match &mut run.waker {
                Some(waker) => waker.clone_from(cx.waker()),
                None => run.waker = Some(cx.waker().clone()),
            }
            run.count
        };
        if self.seen.replace(count) == count {
            return body.poll(cx);
        }
        if count > 1 {
            get_running_loop().spawner().interrupt(Box::new(()));
        } else if let Some(main) = current_task() {
            self.requested.set(main.cancel());
            // The request is answered in the next turn, and what else has woken us is seen then.
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        let run = std::mem::take(&mut *self.interrupter.lock());
        // With the lock free, as in `interrupt`.
        drop(run);
    }
}

/// Counts the requests on the main task when its future is dropped: after its end nobody knows.
struct Requests<'a>(&'a Cell<u32>);

impl Drop for Requests<'_> {
    fn drop(&mut self) {
        self.0
            .set(current_task().as_ref().map_or(0, TaskRef::cancelling));
    }
}
