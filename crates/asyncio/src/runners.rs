//! Running a program: [`run()`], and [`Runner`] for several runs on one loop.
//!
//! This is the one module of the facade with code of its own; everything else is a list of names.

// | file | idea |
// |---|---|
// | this one | a loop that is made, run, and closed in order |
// | `interrupt` | interrupting a run from another thread |
// | `shutdown` | what is left at the end: cancelled, waited for, reported |

mod interrupt;
mod shutdown;

use std::cell::RefCell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::time::Duration;

use asyncio_executor::{Context, MainFuture};
use asyncio_loop::{EventLoop, THREAD_JOIN_TIMEOUT, try_running_loop};

pub use asyncio_executor::RunError;
pub use interrupt::Interrupter;
use shutdown::Overdue;
pub use shutdown::ShutdownReport;

/// Runs `main` on a new event loop, closes the loop, and returns what `main` has returned.
///
/// This is how a program begins. When `main` has ended, in whatever way, clean-ups that go on by
/// themselves (of a dropped [`finally`](crate::finally())) are waited for, the tasks that are left
/// are cancelled and waited for, and the threads of the default executor are waited for: at most
/// 300 seconds each, and so 15 minutes in all, as [`Runner::close`] describes. What does not end is reported to the loop's
/// exception handler.
///
/// asyncio's keyword arguments `debug` and `loop_factory` are methods of [`Runner::builder`].
///
/// No signal is bound to it: Ctrl-C ends the process at once, and no task cleans up. A [`Runner`]
/// can be interrupted as asyncio is by Ctrl-C; see [`Interrupter`].
///
/// # Errors
/// [`RunError`]: `main` was cancelled; the loop was stopped before `main` had ended; a loop is
/// running on this thread already; or no loop can be made.
///
/// # Panics
/// Goes on with a panic of `main`, after the loop is closed.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// async fn greet(name: &str) -> String {
///     asyncio::sleep(Duration::from_millis(1)).await;
///     format!("hello {name}")
/// }
///
/// assert_eq!(asyncio::run(greet("world"))?, "hello world");
/// # Ok::<(), asyncio::RunError>(())
/// ```
#[track_caller]
pub fn run<M: MainFuture>(main: M) -> Result<M::Output, RunError> {
    if try_running_loop().is_some() {
        return Err(RunError::OtherRunning);
    }
    // Closed when it is dropped, also by a panic of `main` on its way out.
    let main = Box::pin(main.into_main());
    let runner = Runner::new()?;
    runner.run_boxed::<M>(&runner.context, main)
}

/// An event loop that is run several times, and closed in order: asyncio's `Runner`.
///
/// All runs share the loop, with the tasks that are left between two runs, and one context: what
/// one run sets in a context variable the next one finds. Dropping the runner closes it; see
/// [`close`](Self::close).
///
/// # Examples
/// ```
/// use asyncio::{ContextVar, Runner};
///
/// static USER: ContextVar<&str> = ContextVar::new("user");
///
/// let runner = Runner::builder().debug(true).build()?;
/// runner.run(async { USER.set("guido") }).unwrap();
/// assert_eq!(runner.run(async { USER.get() }), Ok(Some("guido")));
/// assert!(runner.close().is_clean());
/// # std::io::Result::Ok(())
/// ```
pub struct Runner {
    event_loop: EventLoop,
    context: Context,
    shutdown_timeout: Duration,
    overdue: Overdue,
    interrupter: Interrupter,
}

impl Runner {
    /// A runner with a default loop.
    ///
    /// # Errors
    /// As [`EventLoop::new`].
    pub fn new() -> io::Result<Self> {
        Self::builder().build()
    }

    /// A runner with another loop, or other limits.
    pub fn builder() -> RunnerBuilder {
        RunnerBuilder {
            debug: None,
            loop_factory: Box::new(EventLoop::new),
            shutdown_timeout: THREAD_JOIN_TIMEOUT,
        }
    }

    /// Runs the loop until `main` has ended, and returns its output.
    ///
    /// `main` is a future, which may borrow; or a task of this runner's loop, given by value or as
    /// `&mut task`, whose result then stays in its handle. It runs in the runner's context. Tasks
    /// that have not ended when `main` has go on in the next run; but clean-ups whose
    /// [`finally`](crate::finally()) was dropped are waited for, at most for the
    /// [`shutdown_timeout`](RunnerBuilder::shutdown_timeout), unless an interrupt ends that.
    ///
    /// # Errors
    /// [`RunError`]: `Interrupted` by an [`Interrupter`], `Cancelled`, `Stopped` before `main`
    /// ended, this loop or another one is running on this thread, or the selector failed.
    ///
    /// `Interrupted` also stands for a cancellation that an interrupt asked for. As in asyncio,
    /// that is so unless something else has requested the cancellation of `main` too.
    ///
    /// # Panics
    /// Goes on with a panic of `main`. The runner can be used again afterwards.
    #[track_caller]
    pub fn run<M: MainFuture>(&self, main: M) -> Result<M::Output, RunError> {
        self.run_with_context(&self.context, main)
    }

    /// [`run`](Self::run) in a context of your own, instead of the runner's.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    ///
    /// # Panics
    /// As [`run`](Self::run).
    #[track_caller]
    pub fn run_with_context<M: MainFuture>(
        &self,
        context: &Context,
        main: M,
    ) -> Result<M::Output, RunError> {
        // Before anything is begun: this may be a task of the run that is going on.
        if let Some(running) = try_running_loop() {
            return Err(if running.same_loop(&self.event_loop) {
                RunError::AlreadyRunning
            } else {
                RunError::OtherRunning
            });
        }
        self.run_boxed::<M>(context, Box::pin(main.into_main()))
    }

    /// The main future is boxed where it comes in: it may be larger than what is left of a small
    /// stack, and everything around it would take its size again.
    #[track_caller]
    fn run_boxed<M: MainFuture>(
        &self,
        context: &Context,
        main: Pin<Box<M::Future>>,
    ) -> Result<M::Output, RunError> {
        let run = self.interrupter.begin(0);
        let main = within(context, run.watch(main));
        let outcome = self.event_loop.run_until_complete(main);
        let interrupted = run.has_cancelled();
        drop(run);
        match outcome {
            Ok(output) => {
                self.clean_up();
                M::output(output)
            }
            Err(RunError::Cancelled(message)) => {
                self.clean_up();
                Err(if interrupted {
                    RunError::Interrupted
                } else {
                    RunError::Cancelled(message)
                })
            }
            Err(error) => Err(error),
        }
    }

    /// Waits for the clean-ups that the main future has left behind, as those are a part of it. What
    /// does not end in time goes on in the next run, or ends with the runner.
    fn clean_up(&self) {
        let event_loop = &self.event_loop;
        if self.overdue.others(event_loop).is_empty() {
            return;
        }
        // As if interrupted once: the next interrupt ends it.
        let run = self.interrupter.begin(1);
        let ended = self
            .overdue
            .wait_for_others(event_loop, self.shutdown_timeout);
        // Stopped, or interrupted: then they are left.
        let _ = event_loop.run_until_complete(run.watch(ended));
    }

    /// The runner's loop: to make tasks before a run, and callbacks.
    #[must_use]
    pub fn get_loop(&self) -> &EventLoop {
        &self.event_loop
    }

    /// What interrupts the runner's runs, from any thread.
    #[must_use]
    pub fn interrupter(&self) -> Interrupter {
        self.interrupter.clone()
    }

    /// Closes the loop in asyncio's order, and reports what did not end:
    ///
    /// 1. clean-ups that run as tasks of their own, because their [`finally`](crate::finally()) was
    ///    dropped, are waited for, at most for the
    ///    [`shutdown_timeout`](RunnerBuilder::shutdown_timeout), unless the end of a run has waited
    ///    for them so long already;
    /// 2. all tasks are cancelled, in order of creation, and waited for, at most as long again; tasks
    ///    that their clean-up makes are treated alike, and clean-ups that they orphan are waited for;
    /// 3. the default executor is shut down, and its threads are waited for, at most as long again;
    /// 4. the loop is closed, which drops what has not ended.
    ///
    /// A panic of a task, and an error of one that reports its errors, reaches the exception
    /// handler in asyncio's words, `unhandled exception during asyncio.run() shutdown`; so does
    /// every task that did not end (`task was destroyed but it is pending`), and an executor whose
    /// threads did not. (Of a task whose handle is kept it is told when the handle is dropped, if the
    /// handle has not given the outcome out by then; asyncio does not wait for that.) An interrupt ends
    /// the waiting.
    ///
    /// Dropping the runner does the same. Inside another running loop there is no way to wait: then
    /// the loop is closed at once, and everything that was left is reported as unfinished.
    pub fn close(self) -> ShutdownReport {
        self.wind_down()
    }

    fn wind_down(&self) -> ShutdownReport {
        let event_loop = &self.event_loop;
        let cancelled = RefCell::default();
        let executor = {
            let _message = shutdown::Relabelled::new(event_loop);
            // As if interrupted once: the next interrupt ends it.
            let run = self.interrupter.begin(1);
            let timeout = self.shutdown_timeout;
            let rest = shutdown::wind_down(event_loop, timeout, &self.overdue, &cancelled);
            event_loop.run_until_complete(run.watch(rest))
        };
        let report = ShutdownReport::new(event_loop, cancelled.take(), executor);
        if !event_loop.is_closed() {
            report.tell(event_loop, self.shutdown_timeout);
            event_loop.close();
        }
        report
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        if !self.event_loop.is_closed() {
            // The exception handler is told of what is not in order.
            drop(self.wind_down());
        }
    }
}

impl fmt::Debug for Runner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Runner")
            .field("event_loop", &self.event_loop)
            .field("shutdown_timeout", &self.shutdown_timeout)
            .finish_non_exhaustive()
    }
}

/// asyncio's keyword arguments of `Runner`, and our limit.
///
/// # Examples
/// In virtual time:
/// ```
/// use asyncio::{EventLoop, ManualClock, Runner};
/// use std::time::Duration;
///
/// let clock = ManualClock::new();
/// let runner = Runner::builder()
///     .loop_factory(move || EventLoop::builder().simulated(&clock)?.build())
///     .shutdown_timeout(Duration::from_secs(10))
///     .build()?;
/// runner.run(asyncio::sleep(Duration::from_secs(3600))).unwrap(); // at once
/// # std::io::Result::Ok(())
/// ```
#[must_use = "a builder makes no runner before `build`"]
pub struct RunnerBuilder {
    debug: Option<bool>,
    loop_factory: Box<dyn FnOnce() -> io::Result<EventLoop>>,
    shutdown_timeout: Duration,
}

impl RunnerBuilder {
    /// Whether the loop is in debug mode. The default is the loop's own, which `ASYNCIO_DEBUG` sets.
    pub fn debug(mut self, debug: bool) -> Self {
        self.debug = Some(debug);
        self
    }

    /// What makes the loop: with another selector or clock, for example.
    pub fn loop_factory(
        mut self,
        factory: impl FnOnce() -> io::Result<EventLoop> + 'static,
    ) -> Self {
        self.loop_factory = Box::new(factory);
        self
    }

    /// How long the end of a run, or closing, waits for clean-ups whose `finally` was dropped, once for
    /// each; as long again closing waits for the tasks that it has cancelled, and as long again for the
    /// threads of the default executor. The default is 300 seconds, what asyncio gives the threads; for
    /// tasks asyncio waits without a limit. `Duration::MAX` is no limit here, too; with zero the
    /// tasks have one turn.
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.shutdown_timeout = timeout;
        self
    }

    /// Makes the loop, and the runner with a copy of the current context.
    ///
    /// # Errors
    /// What the loop factory reports.
    pub fn build(self) -> io::Result<Runner> {
        let event_loop = (self.loop_factory)()?;
        if let Some(debug) = self.debug {
            event_loop.set_debug(debug);
        }
        Ok(Runner {
            event_loop,
            context: Context::copy_current(),
            shutdown_timeout: self.shutdown_timeout,
            overdue: Overdue::default(),
            interrupter: Interrupter::default(),
        })
    }
}

impl fmt::Debug for RunnerBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RunnerBuilder")
            .field("debug", &self.debug)
            .field("shutdown_timeout", &self.shutdown_timeout)
            .finish_non_exhaustive()
    }
}

/// Polls and ends the future in this context.
async fn within<F: Future>(context: &Context, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|cx| context.run(|| future.as_mut().poll(cx))).await
}
