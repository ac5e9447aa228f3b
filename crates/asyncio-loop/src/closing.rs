//! Closing: everything that users gave the loop is dropped, each thing by itself, so that a
//! destructor that panics keeps nothing else from being dropped.

use std::panic::{AssertUnwindSafe, catch_unwind};

use asyncio_executor::{ErrorContext, ExceptionHandler, Spawner, drop_flat};

use crate::inner::Inner;

impl Inner {
    /// Drops every task, callback, timer, watch and transport. Idempotent.
    pub(crate) fn close(&self) {
        if self.is_closed() {
            return;
        }
        let discard = Discard {
            spawner: &self.spawner,
            handler: self.spawner.get_exception_handler(),
        };
        self.executor.close();
        // Now nothing can be added any more. With no borrow held: a waker or a callback may have a
        // destructor.
        let timers = self.timers.borrow_mut().take_all();
        timers.into_iter().for_each(|timer| discard.value(timer));
        let wakers = self.wakes.take();
        wakers.into_iter().for_each(|waker| discard.value(waker));
        for watch in self.reactor.take_watches() {
            for callback in [watch.reader, watch.writer].into_iter().flatten() {
                discard.with(|| callback.discard());
                discard.value(callback);
            }
            discard.value(watch.source);
        }
        for driver in self.reactor.take_driven() {
            discard.with(|| driver.discard());
            discard.value(driver);
        }
        discard.with(|| self.default_executor.close(false));
        // Whoever asked for a name is gone.
        discard.with(|| self.resolver.close(true));
        let Discard { spawner, handler } = discard;
        spawner.catch_panic("panic in the destructor of the exception handler", || {
            drop(handler);
        });
    }
}

/// Drops for a closed loop, whose executor has let go of the exception handler already.
struct Discard<'a> {
    spawner: &'a Spawner,
    handler: Option<ExceptionHandler>,
}

impl Discard<'_> {
    fn value<T: 'static>(&self, value: T) {
        self.with(|| drop_flat(value));
    }

    fn with(&self, work: impl FnOnce()) {
        let Err(payload) = catch_unwind(AssertUnwindSafe(work)) else {
            return;
        };
        let message = "panic in a destructor while closing";
        let context = ErrorContext::new(message).panicked(&*payload);
        let mut told = false;
        self.spawner
            .catch_panic("unhandled error in exception handler", || {
                if let Some(handler) = &self.handler {
                    handler(&context);
                    told = true;
                }
            });
        if !told {
            self.spawner.call_exception_handler(&context);
        }
        self.spawner
            .catch_panic("panic in the destructor of a panic's payload", || {
                drop(payload);
            });
    }
}
