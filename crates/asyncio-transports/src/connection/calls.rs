//! Calling the protocol: with nothing of the connection borrowed, in its context, and with its
//! panics caught.

use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use asyncio_executor::{Context, ErrorContext};

use super::Connection;
use crate::Protocol;
use crate::io::Io;
use crate::life::FlowCall;

/// The name of the method that is being called, for a report.
pub(super) type Method = Cell<&'static str>;

impl<I: Io> Connection<I> {
    /// Calls the protocol. `None` when there is none any more, when the user has borrowed it, or
    /// when it panicked; the last two are errors that end the connection, and are reported.
    pub(super) fn call<R>(&self, f: impl FnOnce(&mut dyn Protocol, &Method) -> R) -> Option<R> {
        let protocol = self.protocol()?;
        let method = Method::new("");
        let outcome = match protocol.try_borrow_mut() {
            Err(_) => {
                self.borrowed();
                return None;
            }
            Ok(mut borrowed) => {
                self.flag(|flags| flags.calling = true);
                self.in_context(|| f(&mut *borrowed, &method))
            }
        };
        self.flag(|flags| flags.calling = false);
        // It may have replaced itself, and this be the last of it.
        self.drop_foreign(protocol);
        self.returned(outcome, method.get())
    }

    /// Calls `wake_reader`, the one method that may be called outside the connection's turns, and so
    /// after which nothing of a turn follows: what it does to the flow is told in the next one. Returns
    /// whether whoever waits is woken, or the connection has broken off.
    pub(super) fn call_wake_reader(&self) -> bool {
        let Some(protocol) = self.protocol() else {
            return false;
        };
        let outcome = match protocol.try_borrow_mut() {
            Err(_) => return false,
            Ok(mut borrowed) => self.in_context(|| borrowed.wake_reader()),
        };
        self.drop_foreign(protocol);
        self.returned(outcome, "wake_reader").unwrap_or(true)
    }

    fn in_context<R>(&self, call: impl FnOnce() -> R) -> thread::Result<R> {
        catch_unwind(AssertUnwindSafe(|| Context::run_kept(&self.context, call)))
    }

    /// What the method of this name has returned. A panic is reported, and ends the connection.
    fn returned<R>(&self, outcome: thread::Result<R>, name: &str) -> Option<R> {
        match outcome {
            Ok(value) => Some(value),
            Err(payload) => {
                let message = format!("Fatal error: protocol.{name}() call failed.");
                let context = ErrorContext::new(&message).panicked(&*payload);
                self.report(context);
                self.drop_foreign(payload);
                self.break_off(Some(io::Error::other(format!(
                    "protocol.{name}() panicked"
                ))));
                None
            }
        }
    }

    /// Tells the protocol to pause or to go on, if its last word was another. Inside one of its
    /// methods that waits until the method is over; inside a call of the user's that has borrowed
    /// it, until the connection's next turn; while a file is sent, until that is over.
    pub(super) fn tell_flow(&self, in_turn: bool) {
        while !self.flags.get().calling && !self.is_claimed() {
            let mut life = self.life.get();
            let Some(call) = life.flow_call(self.flow.is_paused()) else {
                return;
            };
            if !in_turn && self.is_borrowed() {
                self.schedule();
                return;
            }
            self.life.set(life);
            self.call(|protocol, method| match call {
                FlowCall::Pause => {
                    method.set("pause_writing");
                    protocol.pause_writing();
                }
                FlowCall::Resume => {
                    method.set("resume_writing");
                    protocol.resume_writing();
                }
            });
        }
    }

    fn is_borrowed(&self) -> bool {
        self.protocol()
            .is_some_and(|protocol| protocol.try_borrow_mut().is_err())
    }

    /// The loop has something to tell a protocol that the user holds borrowed, in a turn in which
    /// none of its methods runs.
    fn borrowed(&self) {
        let what = "the protocol is borrowed, and cannot be called: a borrow must not be held across an await";
        self.report(ErrorContext::new("Fatal error on transport").caused_by(&what));
        self.break_off(Some(io::Error::other(what)));
    }

    pub(super) fn report(&self, context: ErrorContext<'_>) {
        self.event_loop
            .call_exception_handler(&context.with_source(self));
    }

    /// Drops what a user made.
    pub(super) fn drop_foreign<T>(&self, value: T) {
        self.event_loop
            .spawner()
            .catch_panic("panic in a destructor", || drop(value));
    }
}
