//! A body in a scope that its owner may cancel: at any time, also before the scope is open, and
//! from inside the body.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use asyncio_executor::{Cancelled, Message, Observer, Scope, ScopeRef, requests_around};
use pin_project_lite::pin_project;

/// The owner's end.
#[derive(Default)]
pub(crate) struct Owner {
    asked: Cell<bool>,
    message: RefCell<Option<Message>>,
    /// There while the body waits, and is not being polled.
    scope: RefCell<Option<ScopeRef>>,
}

impl Owner {
    /// Requests the cancellation of the body, once. One that is being polled is asked when its
    /// poll ends: if it returns in it, it takes no harm, and no request is left behind.
    pub(crate) fn cancel(&self, message: Option<Message>) {
        if self.asked.replace(true) {
            return;
        }
        let scope = self.scope.borrow().clone();
        match scope {
            Some(scope) => request(&scope, message),
            None => drop(self.message.replace(message)),
        }
    }

    pub(crate) fn asked(&self) -> bool {
        self.asked.get()
    }

    /// Whether a cancellation that came out of the body is not the owner's, or not only:
    /// `around` is the number of the requests around at entry.
    pub(crate) fn is_foreign(&self, around: u32) -> bool {
        !self.asked() || requests_around() > around
    }
}

fn request(scope: &ScopeRef, message: Option<Message>) {
    // One that has closed has nothing to cancel.
    let _ = match message {
        Some(message) => scope.cancel_with(message),
        None => scope.cancel(),
    };
}

pin_project! {
    pub(crate) struct Owned<F> {
        // Dropped before the scope closes.
        #[pin]
        body: Option<F>,
        scope: Scope,
        owner: Rc<Owner>,
        adopter: Option<Rc<dyn Observer>>,
    }
}

impl<F> Owned<F> {
    pub(crate) fn new(owner: Rc<Owner>, body: F) -> Self {
        Self {
            body: Some(body),
            scope: Scope::new(),
            owner,
            adopter: None,
        }
    }

    /// Has `adopter` wait for what is orphaned in the body.
    pub(crate) fn adopting(mut self, adopter: Rc<dyn Observer>) -> Self {
        self.adopter = Some(adopter);
        self
    }
}

impl<F: Future> Future for Owned<F> {
    /// `Err` when a request was answered by dropping the body: the owner's, or somebody else's.
    type Output = Result<F::Output, Cancelled>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let owner = this.owner;
        let known = owner.scope.take();
        let was_asked = owner.asked();
        let polled = match this.adopter {
            None => this.scope.poll(this.body, cx),
            Some(adopter) => {
                let adopter = || Rc::clone(adopter);
                this.scope.poll_adopting(this.body, cx, adopter)
            }
        };
        if polled.is_pending() {
            let known = known.filter(ScopeRef::is_open);
            let was_asked = was_asked && known.is_some();
            let scope = known.or_else(|| this.scope.reference());
            drop(owner.scope.replace(scope.clone()));
            if owner.asked()
                && !was_asked
                && let Some(scope) = scope
            {
                request(&scope, owner.message.take());
                // A task in its first step cannot be woken by the scope yet.
                cx.waker().wake_by_ref();
            }
        }
        polled
    }
}
