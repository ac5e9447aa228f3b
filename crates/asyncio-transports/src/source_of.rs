//! What a transport owns, for those who are to look at it only.

use std::io;
use std::rc::{Rc, Weak};

use asyncio_reactor::{AsSource, BorrowedSource};
use socket2::Socket;

/// Whatever a descriptor belongs to.
pub(crate) trait HasSource {
    /// Calls `look` with the descriptor, if it is still open.
    fn look(&self, look: &mut dyn FnMut(BorrowedSource<'_>));
}

impl HasSource for Socket {
    fn look(&self, look: &mut dyn FnMut(BorrowedSource<'_>)) {
        look(self.as_source());
    }
}

/// A handle to the descriptor of something, which it does not keep open.
#[derive(Clone)]
pub(crate) struct SourceOf(Weak<dyn HasSource>);

impl SourceOf {
    pub(crate) fn new(owner: Weak<dyn HasSource>) -> Self {
        Self(owner)
    }

    pub(crate) fn owned_by<S: HasSource + 'static>(owner: &Rc<S>) -> Self {
        let weak: Weak<S> = Rc::downgrade(owner);
        Self(weak)
    }

    /// Calls `f` with it.
    ///
    /// # Errors
    /// `NotConnected` when it is closed; what `f` returns.
    pub(crate) fn with<R>(
        &self,
        f: impl FnOnce(BorrowedSource<'_>) -> io::Result<R>,
    ) -> io::Result<R> {
        let mut f = Some(f);
        let mut result = None;
        if let Some(owner) = self.0.upgrade() {
            owner.look(&mut |source| result = f.take().map(|f| f(source)));
        }
        result.unwrap_or_else(|| Err(io::ErrorKind::NotConnected.into()))
    }
}
