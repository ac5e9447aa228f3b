//! An interpreter that may judge.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, fmt};

use crate::run::{RunError, run};

/// The environment variable that names the interpreter to ask.
pub const INTERPRETER_VARIABLE: &str = "ASYNCIO_PYTHON";

/// The oldest version that may judge: the one that the recordings were made with.
pub const VERSION_MIN: (u32, u32) = (3, 13);

/// Where one is looked for when the variable is not set.
const NAMES: &[&str] = &["python3.13", "python3.14", "python3.15", "python3"];

/// Prints the name of the implementation and the version.
const WHO_ARE_YOU: &str =
    "import sys; print(sys.implementation.name, *sys.version_info[:3], sep='\\n')";

/// How long an interpreter may take to say who it is.
const ANSWER_MAX: Duration = Duration::from_secs(20);

/// An interpreter of this machine, new enough.
#[derive(Debug, Clone)]
pub struct CPython {
    program: OsString,
    version: (u32, u32, u32),
}

impl CPython {
    /// The interpreter that [`ASYNCIO_PYTHON`](INTERPRETER_VARIABLE) names, or else the first new
    /// enough on the search path.
    ///
    /// # Errors
    ///
    /// [`NoInterpreter::Missing`] when there is none, [`NoInterpreter::Refused`] when the variable
    /// names one that is none or is too old.
    pub fn find() -> Result<CPython, NoInterpreter> {
        if let Some(program) = env::var_os(INTERPRETER_VARIABLE) {
            let shown = program.to_string_lossy().into_owned();
            return CPython::at(program).ok_or(NoInterpreter::Refused(shown));
        }
        NAMES
            .iter()
            .find_map(|name| CPython::at(OsString::from(name)))
            .ok_or(NoInterpreter::Missing)
    }

    fn at(program: OsString) -> Option<CPython> {
        let mut command = Command::new(&program);
        // What a name that leads nowhere complains of is of no interest: the next one is asked.
        command.args(["-c", WHO_ARE_YOU]).stderr(Stdio::null());
        let answer = run(&mut command, ANSWER_MAX).ok()?;
        let mut lines = answer.lines();
        if lines.next() != Some("cpython") {
            return None;
        }
        let mut number = || lines.next()?.parse::<u32>().ok();
        let version = (number()?, number()?, number()?);
        ((version.0, version.1) >= VERSION_MIN).then_some(CPython { program, version })
    }

    /// Its version: major, minor, micro.
    #[must_use]
    pub fn version(&self) -> (u32, u32, u32) {
        self.version
    }

    /// Runs some lines of Python and returns what they printed.
    ///
    /// # Errors
    ///
    /// As [`run`].
    pub fn evaluate(&self, code: &str, time_max: Duration) -> Result<String, RunError> {
        let mut command = Command::new(&self.program);
        run(command.args(["-E", "-c", code]), time_max)
    }

    /// Runs a program and returns what it printed.
    ///
    /// # Errors
    ///
    /// As [`run`].
    pub fn run(&self, source: &Path, time_max: Duration) -> Result<String, RunError> {
        self.run_with(source, &[], time_max)
    }

    /// [`run`](Self::run) with arguments.
    ///
    /// # Errors
    ///
    /// As [`run`].
    pub fn run_with(
        &self,
        source: &Path,
        arguments: &[OsString],
        time_max: Duration,
    ) -> Result<String, RunError> {
        let mut command = Command::new(&self.program);
        // Its own debug mode prints and reorders nothing, but slows down what is timed.
        command.arg("-E").arg(source).args(arguments);
        run(&mut command, time_max)
    }
}

/// Why there is no judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoInterpreter {
    /// None was found that is new enough.
    Missing,
    /// The one that the variable names is no CPython, or too old.
    Refused(String),
}

impl fmt::Display for NoInterpreter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor) = VERSION_MIN;
        match self {
            NoInterpreter::Missing => write!(
                f,
                "there is no CPython {major}.{minor} or newer on the search path \
                 ({INTERPRETER_VARIABLE} may name one)"
            ),
            NoInterpreter::Refused(program) => write!(
                f,
                "{INTERPRETER_VARIABLE} names `{program}`, which is no CPython {major}.{minor} or newer"
            ),
        }
    }
}

impl std::error::Error for NoInterpreter {}
