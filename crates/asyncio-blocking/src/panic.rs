//! [`JobPanic`]: what a job panicked with.

use std::any::Any;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// What a job panicked with. `Sync`, so that errors that hold one can be passed on by `?`.
pub struct JobPanic {
    /// Never locked but to read the text: the lock only makes the payload `Sync`. Boxed, so that
    /// the results of jobs that do not panic have no room for it.
    payload: Box<Mutex<Box<dyn Any + Send>>>,
}

impl JobPanic {
    /// Wraps what `catch_unwind` caught.
    #[must_use]
    pub fn new(payload: Box<dyn Any + Send>) -> Self {
        Self {
            payload: Box::new(Mutex::new(payload)),
        }
    }

    /// The payload itself.
    #[must_use]
    pub fn into_inner(self) -> Box<dyn Any + Send> {
        self.payload
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on with the panic on this thread.
    ///
    /// # Panics
    ///
    /// Always: that is what it does.
    pub fn resume(self) -> ! {
        std::panic::resume_unwind(self.into_inner())
    }

    /// The panic's message, where it was raised with one (`panic!` always does).
    #[must_use]
    pub fn message(&self) -> Option<String> {
        let payload = self.payload.lock().unwrap_or_else(PoisonError::into_inner);
        text(&**payload).map(str::to_owned)
    }
}

fn text(payload: &(dyn Any + Send)) -> Option<&str> {
    payload
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

impl fmt::Display for JobPanic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message().as_deref().unwrap_or("(no message)"))
    }
}

impl fmt::Debug for JobPanic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JobPanic").field(&self.message()).finish()
    }
}
