//! What listening needs of the system. Every system supplies:
//!
//! * `is_out_of_resources`: whether an accept failed because something has run out, so that the
//!   next one would fail as well;
//! * `is_of_connection`: whether an accept failed for a connection, and not for the listener;
//! * `REUSE_ADDRESS`: whether addresses are reused unless somebody says otherwise.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(super) use unix::{REUSE_ADDRESS, is_of_connection, is_out_of_resources};

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(super) use windows::{REUSE_ADDRESS, is_of_connection, is_out_of_resources};
