//! Steps one after another, each with its seconds, and a summary.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// How a step ended: with a remark for the summary (empty if there is nothing to remark), or with
/// what went wrong.
pub type Outcome = Result<String, String>;

/// What to do after a step that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterFailure {
    /// The steps after it are not run.
    Stop,
    /// The steps after it are run all the same.
    GoOn,
}

/// Steps that have run.
#[derive(Debug)]
pub struct Steps {
    after_failure: AfterFailure,
    /// Beginnings of names; if there are any, only such steps run.
    asked_for: Vec<String>,
    done: Vec<Done>,
    failed: usize,
}

#[derive(Debug)]
struct Done {
    name: String,
    time: Option<Duration>,
    outcome: Outcome,
}

impl Steps {
    /// No step yet.
    pub fn new(after_failure: AfterFailure) -> Steps {
        Steps {
            after_failure,
            asked_for: Vec::new(),
            done: Vec::new(),
            failed: 0,
        }
    }

    /// Runs only the steps whose names begin with one of these; without any, all.
    pub fn only(self, beginnings: &[String]) -> Steps {
        Steps {
            asked_for: beginnings.to_vec(),
            ..self
        }
    }

    /// Runs a step, unless one before it failed and that is the end, or it is not asked for.
    pub fn step(&mut self, name: &str, step: impl FnOnce() -> Outcome) {
        let is_asked_for = self
            .asked_for
            .iter()
            .any(|beginning| name.starts_with(beginning));
        if !self.asked_for.is_empty() && !is_asked_for {
            return;
        }
        let runs = self.failed == 0 || self.after_failure == AfterFailure::GoOn;
        let (time, outcome) = if runs {
            println!("\n=== {name}");
            let start = Instant::now();
            let outcome = step();
            let time = start.elapsed();
            match &outcome {
                Ok(_) => println!("=== {name}: {:.1} s", time.as_secs_f64()),
                Err(error) => println!(
                    "=== {name}: FAILED after {:.1} s: {error}",
                    time.as_secs_f64()
                ),
            }
            self.failed += usize::from(outcome.is_err());
            (Some(time), outcome)
        } else {
            (None, Ok("not run".into()))
        };
        self.done.push(Done {
            name: name.to_owned(),
            time,
            outcome,
        });
    }

    /// The table of steps with their seconds, and as its last line how many passed and failed.
    pub fn summary(&self) -> String {
        let mut summary = String::from("seconds  step\n");
        for Done {
            name,
            time,
            outcome,
        } in &self.done
        {
            let time = time.map_or("-".into(), |it| format!("{:.1}", it.as_secs_f64()));
            let remark = match outcome {
                Ok(remark) if remark.is_empty() => String::new(),
                Ok(remark) => format!(" ({remark})"),
                Err(_) => " FAILED".into(),
            };
            let _ = writeln!(summary, "{time:>7}  {name}{remark}");
        }
        let ran = self.done.iter().filter(|done| done.time.is_some());
        let total: Duration = ran.clone().filter_map(|done| done.time).sum();
        let passed = ran.count() - self.failed;
        let _ = writeln!(summary, "{:>7.1}  together", total.as_secs_f64());
        let _ = write!(summary, "\nsteps: {passed} passed, {} failed", self.failed);
        summary
    }

    /// Prints the summary.
    ///
    /// # Errors
    ///
    /// When a step has failed, with what went wrong in the first one; when no step has run.
    pub fn finish(self) -> Result<(), String> {
        if self.done.is_empty() {
            return Err(format!("no step begins with one of {:?}", self.asked_for));
        }
        println!("\n{}", self.summary());
        let mut errors = self
            .done
            .into_iter()
            .filter_map(|it| Some((it.name, it.outcome.err()?)));
        errors
            .next()
            .map_or(Ok(()), |(name, error)| Err(format!("{name}: {error}")))
    }
}
