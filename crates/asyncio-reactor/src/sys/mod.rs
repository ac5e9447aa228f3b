//! What differs between systems. Every system supplies:
//!
//! * `BorrowedSource`, `RawSource`, `raw`, and `AsSource` for everything that has one;
//! * `set_nonblocking`;
//! * on Unix `wake::Wake`, which ends a sleep from another thread;
//! * `DefaultSelector`: on Linux `epoll`, elsewhere what `polling` has (`polled`).
//!
//! `register` holds the promise that registrations rest on, and all the crate's `unsafe`.

pub(crate) mod register;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use unix::{BorrowedSource, RawSource};
#[cfg(unix)]
pub(crate) use unix::{raw, set_nonblocking, wake};

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub use windows::{BorrowedSource, RawSource};
#[cfg(windows)]
pub(crate) use windows::{raw, set_nonblocking};

#[cfg(any(target_os = "linux", target_os = "android"))]
mod epoll;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub use epoll::DefaultSelector;

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod polled;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub use polled::DefaultSelector;

#[cfg(unix)]
mod poll;
#[cfg(unix)]
pub use poll::PollSelector;

#[cfg(unix)]
mod timeout;
