//! Why no address could be connected to.

use std::error::Error;
use std::fmt;
use std::io;

use asyncio_loop::Address;

/// Of a long list, `Display` shows so many; the rest is counted.
const SHOWN_MAX: usize = 8;

const FAILED: &str = "create_connection failed";

/// The errors of all attempts, in the order in which the attempts were begun: inside the error of
/// [`create_connection`](crate::create_connection), from which [`io::Error::get_ref`] and a
/// downcast get them back.
///
/// One error alone, or several that read the same, is reported as it is, unless
/// [`all_errors`](crate::CreateConnection::all_errors) was asked for.
#[derive(Debug)]
pub struct ConnectErrors {
    errors: Vec<io::Error>,
    /// Python: an `ExceptionGroup` instead of an `OSError` with all messages.
    as_group: bool,
}

impl ConnectErrors {
    /// The errors, in order.
    #[must_use]
    pub fn errors(&self) -> &[io::Error] {
        &self.errors
    }

    /// Takes the errors, in order.
    #[must_use]
    pub fn into_errors(self) -> Vec<io::Error> {
        self.errors
    }

    /// What is raised for these errors: asyncio's rules.
    pub(super) fn raise(mut errors: Vec<io::Error>, as_group: bool) -> io::Error {
        let Some(first) = errors.first() else {
            // Every attempt was cancelled from inside.
            return io::Error::new(io::ErrorKind::TimedOut, FAILED);
        };
        let model = first.to_string();
        let kind = first.kind();
        if !as_group && errors.iter().all(|error| error.to_string() == model) {
            return errors.swap_remove(0);
        }
        let kind = match errors.iter().all(|error| error.kind() == kind) {
            true => kind,
            false => io::ErrorKind::Other,
        };
        io::Error::new(kind, Self { errors, as_group })
    }
}

impl fmt::Display for ConnectErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.errors.len();
        match self.as_group {
            true if count == 1 => write!(formatter, "{FAILED} (1 sub-exception): ")?,
            true => write!(formatter, "{FAILED} ({count} sub-exceptions): ")?,
            false => formatter.write_str("multiple exceptions: ")?,
        }
        for (index, error) in self.errors.iter().take(SHOWN_MAX).enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(formatter, "{comma}{error}")?;
        }
        match count.saturating_sub(SHOWN_MAX) {
            0 => Ok(()),
            more => write!(formatter, ", and {more} more"),
        }
    }
}

impl Error for ConnectErrors {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.errors.first().map(|first| first as _)
    }
}

/// An address could not be bound to: inside the error of
/// [`create_connection`](crate::create_connection) and of [`create_server`](crate::create_server),
/// from which [`io::Error::get_ref`] and a downcast get it back.
#[derive(Debug)]
pub struct BindError {
    /// Which address.
    pub address: Address,
    /// Why.
    pub error: io::Error,
}

impl BindError {
    pub(crate) fn raise(address: impl Into<Address>, error: io::Error) -> io::Error {
        let address = address.into();
        io::Error::new(error.kind(), Self { address, error })
    }
}

impl fmt::Display for BindError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, error } = self;
        let error = error.to_string().to_lowercase();
        write!(
            formatter,
            "error while attempting to bind on address {address}: {error}"
        )
    }
}

impl Error for BindError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(texts: &[&str]) -> Vec<io::Error> {
        let raise = |text: &&str| io::Error::new(io::ErrorKind::ConnectionRefused, *text);
        texts.iter().map(raise).collect()
    }

    #[test]
    fn errors_that_read_the_same_are_one() {
        assert_eq!(ConnectErrors::raise(errors(&["a"]), false).to_string(), "a");
        let error = ConnectErrors::raise(errors(&["a", "a"]), false);
        assert_eq!(error.to_string(), "a");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[test]
    fn every_error_is_kept() {
        let mut different = errors(&["a", "b"]);
        different.push(io::ErrorKind::TimedOut.into());
        let error = ConnectErrors::raise(different, false);
        assert_eq!(error.to_string(), "multiple exceptions: a, b, timed out");
        assert_eq!(error.kind(), io::ErrorKind::Other);
        let kept: ConnectErrors = error.downcast().unwrap();
        assert_eq!(kept.errors().len(), 3);
        assert_eq!(kept.into_errors()[2].kind(), io::ErrorKind::TimedOut);

        let error = ConnectErrors::raise(errors(&["a"]), true);
        assert_eq!(
            error.to_string(),
            "create_connection failed (1 sub-exception): a"
        );
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        let many = ConnectErrors::raise(errors(&["x"; 20]), true).to_string();
        assert!(many.ends_with("x, x, and 12 more"), "{many}");
    }

    #[test]
    fn no_error_at_all_is_one_all_the_same() {
        let error = ConnectErrors::raise(Vec::new(), true);
        assert_eq!(error.to_string(), "create_connection failed");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
