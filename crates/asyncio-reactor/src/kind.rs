//! Which selector: by name, from the environment.

use crate::{DefaultSelector, Selector};
use std::io;
use std::str::FromStr;

/// The environment variable that names the selector of a reactor made with
/// [`Reactor::new`](crate::Reactor::new).
pub const SELECTOR_VARIABLE: &str = "ASYNCIO_SELECTOR";

/// The selectors that a user can choose from by name.
///
/// # Examples
/// ```
/// use asyncio_reactor::SelectorKind;
///
/// assert_eq!("default".parse::<SelectorKind>()?, SelectorKind::Default);
/// let error = "kqeue".parse::<SelectorKind>().unwrap_err();
/// assert!(error.to_string().contains("`kqeue`"));
/// # std::io::Result::Ok(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SelectorKind {
    /// `default`: the system's best, [`DefaultSelector`].
    #[default]
    Default,
    /// `poll`: `poll(2)`, on every Unix; slow with many sources, but it watches some descriptors
    /// that the others refuse.
    Poll,
}

impl SelectorKind {
    /// Reads `ASYNCIO_SELECTOR`; unset or empty means [`SelectorKind::Default`].
    ///
    /// # Errors
    /// `InvalidInput`, with a message that names the variable and what it may hold.
    pub fn from_env() -> io::Result<Self> {
        match std::env::var_os(SELECTOR_VARIABLE) {
            None => Ok(Self::Default),
            Some(name) if name.is_empty() => Ok(Self::Default),
            Some(name) => name.to_string_lossy().parse().map_err(|error| {
                io::Error::new(
                    io::ErrorKind::InvalidInput,
                    format!("{SELECTOR_VARIABLE}: {error}"),
                )
            }),
        }
    }

    /// Makes the selector.
    ///
    /// # Errors
    /// What the kernel reports, `EMFILE` for instance; `Unsupported` where the system does not have
    /// this selector.
    ///
    /// # Platform-specific behaviour
    /// [`SelectorKind::Poll`] needs a Unix.
    pub fn build(self) -> io::Result<Box<dyn Selector>> {
        match self {
            Self::Default => Ok(Box::new(DefaultSelector::new()?)),
            #[cfg(unix)]
            Self::Poll => Ok(Box::new(crate::PollSelector::new()?)),
            #[cfg(not(unix))]
            Self::Poll => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "the selector `poll` needs a Unix system",
            )),
        }
    }
}

impl FromStr for SelectorKind {
    type Err = io::Error;

    fn from_str(name: &str) -> io::Result<Self> {
        match name {
            "default" => Ok(Self::Default),
            "poll" => Ok(Self::Poll),
            _ => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("unknown selector `{name}`, expected `default` or `poll`"),
            )),
        }
    }
}
