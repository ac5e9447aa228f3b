//! Calling the protocol: with nothing of the transport borrowed, and with its panics caught.

use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use asyncio_executor::ErrorContext;

use super::SocketTransport;
use crate::DatagramProtocol;
use crate::life::FlowCall;

/// How many errors may wait for the protocol, which is told of them when the method that it is in is
/// over. More are dropped, as datagrams are.
const ERRORS_MAX: usize = 64;

/// The name of the method that is being called, for a report.
pub(super) type Method = Cell<&'static str>;

impl SocketTransport {
    /// Calls the protocol, if there still is one, in the context that is entered for all calls of a
    /// run. That it panicked is reported, and the endpoint goes on, as in asyncio: one bad datagram
    /// must not end the service of all others. That the user has it borrowed is an error that ends
    /// the endpoint.
    pub(super) fn call(&self, f: impl FnOnce(&mut dyn DatagramProtocol, &Method)) {
        let Some(protocol) = self.protocol.borrow().clone() else {
            return;
        };
        let method = Method::new("");
        let outcome = match protocol.try_borrow_mut() {
            Err(_) => {
                self.borrowed();
                return;
            }
            Ok(mut borrowed) => {
                self.calling.set(true);
                catch_unwind(AssertUnwindSafe(|| f(&mut *borrowed, &method)))
            }
        };
        self.calling.set(false);
        // It may have replaced itself, and this be the last of it.
        self.drop_foreign(protocol);
        if let Err(payload) = outcome {
            let message = format!("protocol.{}() failed", method.get());
            self.report(ErrorContext::new(&message).panicked(&*payload));
            self.drop_foreign(payload);
        }
    }

    /// Drops what a user made.
    fn drop_foreign<T>(&self, value: T) {
        self.event_loop
            .spawner()
            .catch_panic("panic in a destructor", || drop(value));
    }

    /// Tells the protocol what it does not know yet: errors, and whether to pause. Inside one of its
    /// methods that waits until the method is over.
    pub(super) fn tell(&self) {
        // Errors that it causes when it is told of errors are for the next turn.
        let mut errors = self.errors.borrow().len();
        while !self.calling.get() && self.has_news() {
            if errors > 0 {
                errors -= 1;
                let error = self.errors.borrow_mut().pop_front();
                if let Some(error) = error {
                    self.error_received(error);
                }
            } else if self.has_flow_news() {
                self.tell_flow();
            } else {
                self.schedule();
                return;
            }
        }
    }

    /// [`tell`](Self::tell), for calls of users. Where they have the protocol borrowed, because it
    /// is a method of their own that calls, it is told in the next turn.
    pub(super) fn tell_soon(&self) {
        if self.calling.get() || !self.has_news() {
            return;
        }
        if self.is_borrowed() {
            self.schedule();
        } else {
            self.context.run(|| self.tell());
        }
    }

    pub(super) fn error_received(&self, error: io::Error) {
        self.call(|protocol, method| {
            method.set("error_received");
            protocol.error_received(error);
        });
    }

    /// Keeps an error for [`tell`](Self::tell).
    pub(super) fn note_error(&self, error: io::Error) {
        let mut errors = self.errors.borrow_mut();
        if errors.len() < ERRORS_MAX {
            errors.push_back(error);
        }
    }

    fn tell_flow(&self) {
        let paused = self.flow.is_paused();
        match self.change(|life| life.flow_call(paused)) {
            None => {}
            Some(FlowCall::Pause) => self.call(|protocol, method| {
                method.set("pause_writing");
                protocol.pause_writing();
            }),
            Some(FlowCall::Resume) => self.call(|protocol, method| {
                method.set("resume_writing");
                protocol.resume_writing();
            }),
        }
    }

    fn has_news(&self) -> bool {
        let errors = self.errors.borrow();
        !errors.is_empty() && !self.life.get().is_ending() || self.has_flow_news()
    }

    fn has_flow_news(&self) -> bool {
        let paused = self.flow.is_paused();
        self.life.get().flow_call(paused).is_some()
    }

    fn is_borrowed(&self) -> bool {
        let protocol = self.protocol.borrow();
        let protocol = protocol.as_ref();
        protocol.is_some_and(|protocol| protocol.try_borrow_mut().is_err())
    }

    /// The loop has something to tell a protocol that the user holds borrowed, in a turn in which
    /// none of its methods runs.
    fn borrowed(&self) {
        let cause = "the protocol is borrowed, and cannot be called: a borrow must not be held across an await";
        self.report(ErrorContext::new("Fatal error on datagram transport").caused_by(&cause));
        self.break_off(Some(io::Error::other(cause)));
    }

    fn report(&self, context: ErrorContext<'_>) {
        self.event_loop
            .call_exception_handler(&context.with_source(self));
    }
}
