//! The promise that registrations rest on, and the only `unsafe` code of the crate.
//!
//! `polling` asks that a source is removed before it is dropped. Nothing in the type of a borrowed
//! descriptor says so; what does is [`Registered`], which owns the source and removes it first, and
//! hands its registration a [`HeldSource`] as the proof.

#![allow(unsafe_code)]

use crate::AsSource;
use crate::registry::{Kind, Registration, Registry};
use crate::sys::{BorrowedSource, RawSource};
#[cfg(not(any(target_os = "linux", target_os = "android")))]
use polling::{PollMode, Poller};
use std::io;
use std::rc::Rc;

/// A source that stays open until it is deregistered.
#[derive(Debug)]
pub struct HeldSource {
    raw: RawSource,
}

impl HeldSource {
    /// Makes the promise.
    ///
    /// # Safety
    /// `source` stays open for as long as the value is used, and wherever the value was given to
    /// [`Selector::register`](crate::Selector::register), until it has been given to that
    /// selector's [`deregister`](crate::Selector::deregister).
    pub unsafe fn new(source: BorrowedSource<'_>) -> Self {
        Self {
            raw: crate::sys::raw(&source),
        }
    }

    /// The descriptor.
    #[must_use]
    pub fn as_source(&self) -> BorrowedSource<'_> {
        // SAFETY: whoever made this value promised that the descriptor is open while it is used.
        unsafe { BorrowedSource::borrow_raw(self.raw) }
    }

    /// The descriptor's number.
    #[must_use]
    pub fn as_raw_source(&self) -> RawSource {
        self.raw
    }

    /// The same promise again, for the books of this crate's own selectors and registry, which use
    /// it no longer than until `deregister`.
    pub(crate) fn again(&self) -> Self {
        Self { raw: self.raw }
    }
}

/// A source and its registration; the registration ends first, whichever way both go.
///
/// It lends out `&T` only: with `&mut T` the source could be exchanged under the registration.
#[derive(Debug)]
pub(crate) struct Registered<T> {
    // Fields are dropped in the order of their declaration: this one first.
    registration: Registration,
    source: T,
}

impl<T: AsSource + 'static> Registered<T> {
    pub(crate) fn new(
        registry: &Rc<Registry>,
        source: T,
        kind: Kind,
    ) -> Result<Self, (io::Error, T)> {
        // SAFETY: the source is owned, so that no borrow of it can end and nobody else can drop it;
        // this value drops it after `registration`, whose destructor deregisters, and a value that
        // is forgotten leaves it open. On failure nothing is registered.
        let held = unsafe { HeldSource::new(source.as_source()) };
        match registry.register(held, kind) {
            Ok(registration) => Ok(Self {
                registration,
                source,
            }),
            Err(error) => Err((error, source)),
        }
    }
}

impl<T> Registered<T> {
    pub(crate) fn registration(&self) -> &Registration {
        &self.registration
    }

    pub(crate) fn get_ref(&self) -> &T {
        &self.source
    }

    pub(crate) fn into_inner(self) -> T {
        let Self {
            registration,
            source,
        } = self;
        drop(registration);
        source
    }
}

/// Adds a source to a poller.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn add(
    poller: &Poller,
    source: &HeldSource,
    event: polling::Event,
    mode: PollMode,
) -> io::Result<()> {
    let source = source.as_source();
    // SAFETY: a `HeldSource` is open now and is deleted from the poller before it is closed.
    unsafe { poller.add_with_mode(&source, event, mode) }
}

/// Adds a poller's own wake-up descriptor.
#[cfg(not(any(windows, target_os = "linux", target_os = "android")))]
pub(crate) fn add_own(
    poller: &Poller,
    wake: &crate::sys::wake::Wake,
    event: polling::Event,
    mode: PollMode,
) -> io::Result<()> {
    use std::os::fd::AsFd;
    // SAFETY: the selector that calls this keeps poller and wake-up descriptor together, and closes
    // the poller first; a closed kqueue or port has no registrations.
    unsafe { poller.add_with_mode(&wake.as_fd(), event, mode) }
}
