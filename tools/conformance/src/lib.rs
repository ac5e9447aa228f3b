//! CPython as the judge: scenarios and whole programs, what CPython made of them, and the means to
//! compare.
//!
//! * [`check()`] judges scenarios: each is [read](Scenario::read), [run](interpret) on the crates, and
//!   [compared](compare()) with its recorded trace, at a [`Level`].
//! * [`Program`]: a program of `programs/` with its recording, what CPython 3.13 wrote to stdout;
//! * [`CPython`]: an interpreter of this machine that is new enough to judge;
//! * [`run()`]: a program's output, in bounded time.
//!
//! The examples of the workspace are ports of the programs, and their tests compare with the
//! recordings line by line, so that a machine without Python checks them too.
//!
//! ```
//! use asyncio_conformance::Program;
//!
//! let programs = Program::all()?;
//! let names: Vec<&str> = programs.iter().map(Program::name).collect();
//! assert!(names.contains(&"gather_groups"));
//! # std::io::Result::Ok(())
//! ```

#![forbid(unsafe_code)]

mod case;
mod check;
mod compare;
mod cpython;
mod fresh;
mod interpreter;
mod program;
mod run;
mod scenario;
mod trace;

pub use case::{BadInput, Case};
pub use check::{Judgement, Known, check};
pub use compare::{Divergence, Level, compare};
pub use cpython::{CPython, INTERPRETER_VARIABLE, NoInterpreter, VERSION_MIN};
pub use fresh::{SEEDS, Seeds, record};
pub use interpreter::{NoTrace, interpret};
pub use program::{Differs, Program};
pub use run::{RunError, run};
pub use scenario::{BadScenario, Scenario};
pub use trace::{Event, read_trace};
