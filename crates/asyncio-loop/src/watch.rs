//! Callbacks on the readiness of descriptors: `add_reader` and `add_writer`.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::rc::Rc;

use asyncio_executor::{Context, Dispatch, drop_flat};
use asyncio_reactor::AsSource;

use crate::drive::Handler;
use crate::inner::Inner;

/// One callback, called as long as its descriptor is ready.
pub(crate) struct Watch {
    /// Gone when it was cancelled. Taken out while it is called, so that it may do anything.
    callback: RefCell<Option<Box<dyn FnMut()>>>,
    context: Context,
    cancelled: Cell<bool>,
}

impl Watch {
    fn new(callback: Box<dyn FnMut()>) -> Rc<Self> {
        Rc::new(Self {
            callback: RefCell::new(Some(callback)),
            context: Context::copy_current(),
            cancelled: Cell::new(false),
        })
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.get()
    }

    /// An event that was found already does nothing any more.
    pub(crate) fn cancel(&self) {
        self.cancelled.set(true);
        if let Some(callback) = self.callback.take() {
            drop_flat(callback);
        }
    }
}

impl Dispatch for Watch {
    fn run(self: Rc<Self>) {
        /// Puts the callback back, also when it panics, unless it was cancelled meanwhile.
        struct PutBack<'a>(&'a Watch, Option<Box<dyn FnMut()>>);
        impl Drop for PutBack<'_> {
            fn drop(&mut self) {
                if self.0.cancelled.get() {
                    drop_flat(self.1.take());
                } else {
                    *self.0.callback.borrow_mut() = self.1.take();
                }
            }
        }
        let mut taken = PutBack(&self, self.callback.take());
        if let Some(callback) = &mut taken.1 {
            self.context.run(callback);
        }
    }

    fn describe(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("callback of a descriptor")
    }
}

pub(crate) fn add_reader(
    inner: &Inner,
    source: impl AsSource + 'static,
    callback: Box<dyn FnMut()>,
) -> io::Result<()> {
    refuse_closed(inner)?;
    let replaced = inner
        .reactor
        .set_reader(source, Handler::Watch(Watch::new(callback)))?;
    if let Some(replaced) = replaced {
        replaced.discard();
    }
    Ok(())
}

pub(crate) fn add_writer(
    inner: &Inner,
    source: impl AsSource + 'static,
    callback: Box<dyn FnMut()>,
) -> io::Result<()> {
    refuse_closed(inner)?;
    let replaced = inner
        .reactor
        .set_writer(source, Handler::Watch(Watch::new(callback)))?;
    if let Some(replaced) = replaced {
        replaced.discard();
    }
    Ok(())
}

pub(crate) fn remove_reader(inner: &Inner, source: &impl AsSource) -> bool {
    cancelled(inner.reactor.remove_reader(source.as_raw_source()))
}

pub(crate) fn remove_writer(inner: &Inner, source: &impl AsSource) -> bool {
    cancelled(inner.reactor.remove_writer(source.as_raw_source()))
}

fn cancelled(watch: Option<Handler>) -> bool {
    watch.inspect(Handler::discard).is_some()
}

pub(crate) fn refuse_closed(inner: &Inner) -> io::Result<()> {
    if inner.is_closed() {
        return Err(io::Error::new(
            io::ErrorKind::NotConnected,
            "event loop is closed",
        ));
    }
    Ok(())
}
