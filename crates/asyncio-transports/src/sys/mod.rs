//! The system calls of streams, in the shapes that transports need.

mod file;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

pub(crate) use file::{read_file, send_file};
#[cfg(unix)]
pub(crate) use unix::*;
#[cfg(windows)]
pub(crate) use windows::*;
