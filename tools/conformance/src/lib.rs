//! CPython as the judge: whole programs, what CPython printed for them, and the means to ask again.
//!
//! * [`Program`]: a program of `programs/` with its recording, what CPython 3.13 wrote to stdout;
//! * [`CPython`]: an interpreter of this machine that is new enough to judge;
//! * [`run()`]: a program's output, in bounded time.
//!
//! The examples of the workspace are ports of these programs, and their tests compare with the
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

mod cpython;
mod program;
mod run;

pub use cpython::{CPython, INTERPRETER_VARIABLE, NoInterpreter, VERSION_MIN};
pub use program::{Differs, Program};
pub use run::{RunError, run};
