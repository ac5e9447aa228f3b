//! Telling the exception handler.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::caught::drop_payload;
use crate::entry::Dispatch;
use crate::error::ErrorContext;
use crate::local::{ExceptionHandler, Local};

impl Local {
    pub(crate) fn set_handler(
        &self,
        handler: Option<ExceptionHandler>,
    ) -> Option<ExceptionHandler> {
        self.handler.replace(handler)
    }

    pub(crate) fn handler(&self) -> Option<ExceptionHandler> {
        self.handler.borrow().clone()
    }

    /// Hands an error that nobody else was told of to the handler; without one, and for a
    /// handler that panics, one line goes to stderr.
    pub(crate) fn report(&self, context: &ErrorContext<'_>) {
        let handle = || match self.handler() {
            Some(handler) => handler(context),
            None => report_to_stderr(context),
        };
        if let Err(payload) = catch_unwind(AssertUnwindSafe(handle)) {
            report_to_stderr(context);
            report_to_stderr(
                &ErrorContext::new("unhandled error in exception handler").panicked(&*payload),
            );
            drop_payload(payload);
        }
    }

    #[cold]
    pub(crate) fn report_callback(&self, name: String, payload: Box<dyn Any + Send>) {
        let mut context = ErrorContext::new("exception in callback").panicked(&*payload);
        context.handle = Some(name);
        self.report(&context);
        drop_payload(payload);
    }
}

fn report_to_stderr(context: &ErrorContext<'_>) {
    use std::io::Write;
    // A closed stderr is no reason to panic, nor is a `Debug` of the user's that does.
    let line = catch_unwind(AssertUnwindSafe(|| format!("asyncio: {context}\n")));
    let _ = match line {
        Ok(line) => std::io::stderr().write_all(line.as_bytes()),
        Err(payload) => {
            drop_payload(payload);
            writeln!(std::io::stderr(), "asyncio: {}", context.message)
        }
    };
}

/// What a dispatch calls itself, or as much of it as it manages to say.
pub(crate) fn described<D: Dispatch>(work: &D) -> String {
    struct Described<'a, D>(&'a D);
    impl<D: Dispatch> std::fmt::Display for Described<'_, D> {
        fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            self.0.describe(formatter)
        }
    }
    let mut text = String::new();
    let write = || std::fmt::write(&mut text, format_args!("{}", Described(work)));
    if let Err(payload) = catch_unwind(AssertUnwindSafe(write)) {
        drop_payload(payload);
    }
    text
}
