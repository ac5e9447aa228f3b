//! One scenario, from the runner to its trace.

use std::cell::OnceCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use asyncio::events::{ErrorContext, ExceptionHandler};
use asyncio::selectors::SimulatedSelector;
use asyncio::{EventLoop, ManualClock, RunError, Runner, TaskRef, current_task};
use serde_json::Value;

use super::exception::{Exception, Outcome, cancelled_kind};
use super::frame::Frame;
use super::named::Named;
use super::world::World;
use crate::scenario::{Runs, Scenario, Steps};
use crate::trace::Event;

/// Why a scenario has no trace: what it asks for cannot be expressed with the crates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoTrace(String);

impl std::fmt::Display for NoTrace {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for NoTrace {}

impl From<io::Error> for NoTrace {
    fn from(error: io::Error) -> Self {
        Self(format!("no loop: {error}"))
    }
}

/// Runs a scenario in virtual time, and returns its trace.
///
/// # Errors
/// [`NoTrace`] when something in it has no meaning here.
///
/// # Panics
/// When a crate has panicked in its main task.
///
/// # Examples
/// ```
/// use asyncio_conformance::{Scenario, interpret};
/// use serde_json::json;
///
/// let program = json!({"name": "short", "main": [["sleep", 3600], ["log", "late", {"time": 0}]]});
/// let trace = interpret(&Scenario::read(&program)?)?;
/// assert_eq!(trace[1].to_string(), r#"[3, 3600, "main", "late", 3600]"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn interpret(scenario: &Scenario) -> Result<Vec<Event>, NoTrace> {
    let runner = runner()?;
    let world = World::new(scenario, runner.get_loop().reference());
    runner
        .get_loop()
        .set_exception_handler(Some(handler(&world)));
    match &scenario.runs {
        Runs::Main(steps) => {
            if let Run::Deadlock = run(&runner, &world, "main", steps) {
                log_deadlock(&world);
            }
            world.stop_recording();
            // What is left runs no more, and its errors are nobody's business.
            world.clear();
            runner.get_loop().close();
        }
        Runs::Several(runs) => run_several(runner, &world, runs),
    }
    world.clear();
    world.take_trace().map_err(NoTrace)
}

/// How far deadlines may lie in the past.
const PAST: Duration = Duration::from_secs(1_000_000);

/// A runner whose loop never waits: its clock moves on to the next deadline instead. Without one,
/// the wait fails, and with it the run.
fn runner() -> io::Result<Runner> {
    let clock = ManualClock::new();
    let before = clock.clone();
    let selector = SimulatedSelector::new()?.patience(Duration::ZERO);
    let time = clock.clone();
    selector.on_block(move |timeout| {
        if let Some(timeout) = timeout {
            time.advance(timeout);
        }
    });
    let runner = Runner::builder()
        .loop_factory(move || EventLoop::builder().selector(selector).clock(clock).build())
        // A deadlock is found, and not waited for.
        .shutdown_timeout(Duration::MAX)
        .build()?;
    // A loop knows no time before its own beginning, and deadlines of scenarios may be in the past.
    before.advance(PAST);
    Ok(runner)
}

/// How a run has ended.
enum Run {
    Returned,
    Raised(String),
    /// Nothing was ready, and no timer was set.
    Deadlock,
}

fn run(runner: &Runner, world: &Rc<World>, who: &str, steps: &Steps) -> Run {
    let main = async {
        let ended = Rc::new(OnceCell::new());
        if let Some(task) = current_task() {
            world.bind(who, Named::main(task, Rc::clone(&ended)));
        }
        Frame::new(world, who)
            .run_main(Rc::clone(steps), ended)
            .await
    };
    match runner.run(main) {
        Ok(outcome) => raised(outcome),
        Err(RunError::Cancelled(message)) => Run::Raised(cancelled_kind(message.as_deref())),
        Err(error) if is_deadlock(&error) => Run::Deadlock,
        Err(RunError::Stopped) => raised(Err(Exception::Named("RuntimeError"))),
        Err(error) => {
            world.give_up(error.to_string());
            Run::Returned
        }
    }
}

fn raised(outcome: Outcome) -> Run {
    match outcome {
        Ok(_) => Run::Returned,
        Err(exception) => Run::Raised(exception.to_string()),
    }
}

fn is_deadlock(error: &RunError) -> bool {
    let timed_out = io::ErrorKind::TimedOut;
    matches!(error, RunError::Io { kind, .. } if *kind == timed_out)
}

fn log_deadlock(world: &World) {
    // In the turn after the last that was made: it waits for ever.
    world.log_in(world.turn() + 1, "loop", "deadlock", Value::Null);
}

fn run_several(runner: Runner, world: &Rc<World>, runs: &[Steps]) {
    for (number, steps) in runs.iter().enumerate() {
        match run(&runner, world, &format!("main{number}"), steps) {
            Run::Returned => {}
            Run::Raised(kind) => world.log("runner", "raised", kind.into()),
            Run::Deadlock => {
                log_deadlock(world);
                world.stop_recording();
                runner.get_loop().close();
                return;
            }
        }
    }
    let report = runner.close();
    if report.executor.as_ref().is_err_and(is_deadlock) {
        log_deadlock(world);
    }
    for task in &report.cancelled {
        log_unhandled(world, task);
    }
    world.log("runner", "closed", Value::Null);
    world.stop_recording();
}

/// asyncio's runner reports the exceptions of the tasks that it has cancelled. Here an `Err` is a
/// value: whoever holds the handle looks at it.
fn log_unhandled(world: &World, task: &TaskRef) {
    if let Some(Ok(Err(exception))) = world.end_of(task) {
        world.log("loop", "unhandled", exception.to_string().into());
    }
}

/// Writes panics of callbacks into the trace: exceptions that nobody handled. Every other panic
/// is one of this program.
fn handler(world: &Rc<World>) -> ExceptionHandler {
    let world = Rc::downgrade(world);
    Rc::new(move |context: &ErrorContext<'_>| {
        let Some(world) = world.upgrade() else { return };
        let panic = context.cause.as_deref();
        let Some(kind) = panic.and_then(|cause| cause.strip_prefix("panicked: ")) else {
            return;
        };
        if context.handle.is_some() {
            world.log("loop", "unhandled", kind.into());
        } else {
            world.give_up(context.to_string());
        }
    })
}
