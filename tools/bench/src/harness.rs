//! Takes samples: each in a process of its own, the contenders in turns, A B C A B C.
//!
//! A process of its own gives every sample the same heap, the same threads (none) and another
//! layout of memory, and a contender that hangs or crashes costs one sample and not the run.

use std::fmt;
use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::cases::{Case, Params};
use crate::contenders::Contender;
use crate::meter::{Sample, Unit};
use crate::runtime::pool_threads;

/// No sample takes longer than this, or it has failed.
const SAMPLE_TIMEOUT: Duration = Duration::from_secs(120);

/// The samples of one contender in one case.
#[derive(Debug)]
pub struct Series {
    /// Who.
    pub contender: &'static Contender,
    /// In the order of the rounds; shorter than the number of rounds if one failed.
    pub samples: Vec<Sample>,
    /// What went wrong, if something did; no samples are taken after that.
    pub failure: Option<Failure>,
}

impl Series {
    /// The figures alone.
    pub fn values(&self) -> Vec<f64> {
        self.samples.iter().map(|sample| sample.value).collect()
    }
}

/// Takes `runs` samples of `case` of each of `contenders`, in turns, and one short one before that
/// nobody sees. It tells who needs fewer operations to stay within `budget` for a sample.
pub fn compare(
    case: &'static Case,
    contenders: &[&'static Contender],
    runs: usize,
    params: Params,
    budget: Duration,
) -> Vec<Series> {
    let mut all = Vec::new();
    for &contender in contenders {
        if contender.measure(case.name).is_some() {
            let first = sample_in_process(case, contender, params.warm_up());
            let ops = match &first {
                Ok(first) if case.unit != Unit::Bytes => affordable(first, params, budget),
                _ => params.ops,
            };
            let failure = first.err();
            let series = Series {
                contender,
                samples: Vec::new(),
                failure,
            };
            all.push((series, case.params(ops)));
        }
    }
    for _ in 0..runs {
        for (series, params) in &mut all {
            if series.failure.is_none() {
                match sample_in_process(case, series.contender, *params) {
                    Ok(sample) => series.samples.push(sample),
                    Err(failure) => series.failure = Some(failure),
                }
            }
        }
    }
    all.into_iter().map(|(series, _)| series).collect()
}

/// How many operations fit into `budget`, if one takes as long as in `first`: all of it, where the
/// figure is a difference.
pub fn affordable(first: &Sample, params: Params, budget: Duration) -> u64 {
    let took = first.whole.unwrap_or(first.value);
    let fitting = (budget.as_nanos() as f64 / took) as u64;
    params.ops.min(fitting)
}

/// Takes one sample here. The thread must not have been used for another one.
///
/// # Errors
///
/// If the contender takes no part in the case.
pub fn sample_here(case: &Case, contender: &Contender, params: Params) -> Result<Sample, Failure> {
    let measure = contender.measure(case.name).ok_or(Failure::NoPart)?;
    Ok(measure(params))
}

/// Why there is no sample.
#[derive(Debug)]
pub enum Failure {
    /// The contender takes no part in the case.
    NoPart,
    /// The process could not be started, or its output not be read.
    Process(std::io::Error),
    /// The process ended in this way, or printed what is no sample.
    Ended(String),
    /// The process ran for too long and was killed.
    Timeout,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPart => f.write_str("takes no part in this case"),
            Self::Process(error) => write!(f, "its process could not be run: {error}"),
            Self::Ended(how) => write!(f, "its process failed: {how}"),
            Self::Timeout => write!(f, "killed after {} s", SAMPLE_TIMEOUT.as_secs()),
        }
    }
}

impl std::error::Error for Failure {}

/// The command that takes one sample of `case` by `contender`.
///
/// # Errors
///
/// If this program does not know its own path.
pub fn sample_command(
    case: &Case,
    contender: &Contender,
    params: Params,
) -> std::io::Result<Vec<std::ffi::OsString>> {
    let program = std::env::current_exe()?.into_os_string();
    let arguments = ["--once", case.name, "--contender", contender.name, "--ops"];
    let mut command = vec![program];
    command.extend(arguments.map(Into::into));
    command.push(params.ops.to_string().into());
    Ok(command)
}

/// Applies what every sample's process gets in its environment.
pub fn prepare(command: &mut Command) -> &mut Command {
    // The size of `blocking`'s pool, which has no other setting.
    command
        .env("BLOCKING_MAX_THREADS", pool_threads().to_string())
        .stdin(Stdio::null())
}

fn sample_in_process(
    case: &Case,
    contender: &Contender,
    params: Params,
) -> Result<Sample, Failure> {
    let words = sample_command(case, contender, params).map_err(Failure::Process)?;
    let mut child = prepare(Command::new(&words[0]).args(&words[1..]))
        .stdout(Stdio::piped())
        .spawn()
        .map_err(Failure::Process)?;
    let stdout = child.stdout.take();
    let (sender, receiver) = mpsc::channel();
    // Reads in a thread, because a pipe has no time-out; ends with the child.
    let reader = thread::spawn(move || {
        let mut text = String::new();
        let result = stdout.map_or(Ok(0), |mut stdout| stdout.read_to_string(&mut text));
        let _ = sender.send(result.map(|_| text));
    });
    let output = receiver.recv_timeout(SAMPLE_TIMEOUT);
    if output.is_err() {
        let _ = child.kill();
    }
    let status = child.wait().map_err(Failure::Process)?;
    let _ = reader.join();
    let text = output
        .map_err(|_| Failure::Timeout)?
        .map_err(Failure::Process)?;
    if !status.success() {
        return Err(Failure::Ended(status.to_string()));
    }
    read_sample(&text).ok_or_else(|| Failure::Ended(format!("it printed {text:?}")))
}

const WHOLE: &str = "whole";

/// Writes a sample as the process that took it prints it: one `name value` a line.
pub fn write_sample(sample: &Sample) -> String {
    let mut text = format!("value {}\n", sample.value);
    if let Some(whole) = sample.whole {
        text.push_str(&format!("{WHOLE} {whole}\n"));
    }
    for (name, count) in &sample.counts {
        text.push_str(&format!("{name} {count}\n"));
    }
    text
}

/// Reads what [`write_sample`] wrote.
pub fn read_sample(text: &str) -> Option<Sample> {
    use crate::cases::{idling::CONNECTIONS, parking::ALLOCATIONS, sleeping::EARLY};
    let mut lines = text.lines().map(|line| line.rsplit_once(' '));
    let (name, value) = lines.next()??;
    let mut sample = Sample::new(value.parse().ok().filter(|_| name == "value")?);
    for line in lines {
        let (name, count) = line?;
        if name == WHOLE {
            sample.whole = Some(count.parse().ok()?);
            continue;
        }
        let name = [ALLOCATIONS, CONNECTIONS, EARLY]
            .into_iter()
            .find(|known| *known == name)?;
        sample = sample.with(name, count.parse().ok()?);
    }
    Some(sample)
}
