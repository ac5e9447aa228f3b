//! A handle that cancels what runs under it, and can be given away.
//!
//! | file | idea |
//! |---|---|
//! | [`cancelled`] | waiting until it is cancelled |

mod cancelled;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::{Future, IntoFuture, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use asyncio_executor::{Message, requests_around};
use pin_project_lite::pin_project;
use slab::Slab;

use crate::owned::{Owned, Owner};
use cancelled::{Watchers, Watching};

/// Cancels whatever runs under it: trio's `CancelScope`, and what others call a cancellation
/// token. Clones are handles to the same one.
///
/// Unlike `task.cancel()` it ends a part of a task: [`run`](Self::run) gives `None` then, after
/// the clean-up of what it ran, and the code around goes on. Several tasks may run something under
/// the same scope, and so be ended together.
///
/// It belongs to its thread. To cancel from another one, go through the loop's door:
/// [`LoopHandle::call_soon_threadsafe`](asyncio_loop::LoopHandle::call_soon_threadsafe) with a
/// closure that finds the scope here, for example in a table of jobs.
///
/// # Examples
/// ```
/// use asyncio_executor::{Executor, yield_now};
/// use asyncio_futures::CancelScope;
///
/// let executor = Executor::new();
/// let scope = CancelScope::new();
/// let stop = scope.clone();
/// let waits = executor.create_task(async move {
///     scope.run(std::future::pending::<()>()).await.is_none()
/// });
/// let ended = executor.run_until_complete(async {
///     yield_now().await;
///     stop.cancel();
///     waits.await.unwrap()
/// });
/// assert_eq!(ended, Ok(true));
/// ```
#[derive(Clone, Default)]
pub struct CancelScope(Rc<Token>);

#[derive(Default)]
struct Token {
    cancelled: Cell<bool>,
    message: RefCell<Option<Message>>,
    /// What runs under it, with numbers that tell the order of their beginnings.
    bodies: RefCell<Slab<(u64, Rc<Owner>)>>,
    last: Cell<u64>,
    watchers: Watchers,
}

impl CancelScope {
    /// A scope that is not cancelled, and under which nothing runs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs `future` under this scope, in this task. `None` when [`cancel`](Self::cancel) has ended
    /// it, or was called before it began: then it is never polled.
    ///
    /// A future that answers the cancellation with a value has its value returned. Only the scope's
    /// own cancellation becomes `None`; that of the task, or of a scope further out, goes on
    /// outwards. Outside an executor of these crates nobody answers a request that comes when the
    /// future has begun: it just runs.
    ///
    /// # Cancel safety
    /// Yes, if `future` is: dropping it drops `future` where it is.
    pub fn run<F: IntoFuture>(&self, future: F) -> InScope<F::IntoFuture> {
        let owner = Rc::<Owner>::default();
        InScope {
            body: Owned::new(Rc::clone(&owner), future.into_future()),
            token: Rc::clone(&self.0),
            owner,
            stage: Stage::Fresh,
        }
    }

    /// Requests the cancellation of what runs under the scope, innermost first, in the order in
    /// which it began; and of what is yet to begin. Further calls do nothing.
    pub fn cancel(&self) {
        self.0.cancel(None);
    }

    /// [`cancel`](Self::cancel) with a message, which the clean-up sees.
    pub fn cancel_with(&self, message: impl AsRef<str>) {
        self.0.cancel(Some(message.as_ref().into()));
    }

    /// Whether [`cancel`](Self::cancel) was called.
    #[must_use]
    pub fn cancel_called(&self) -> bool {
        self.0.cancelled.get()
    }

    /// Waits until [`cancel`](Self::cancel) is called; not at all if it was. For what is not under
    /// the scope, but has to know: tokio's `CancellationToken::cancelled`.
    ///
    /// # Cancel safety
    /// Yes.
    ///
    /// # Examples
    /// ```
    /// use asyncio_executor::Executor;
    /// use asyncio_futures::CancelScope;
    ///
    /// let executor = Executor::new();
    /// let scope = CancelScope::new();
    /// let watches = executor.create_task({
    ///     let scope = scope.clone();
    ///     async move { scope.cancelled().await }
    /// });
    /// executor.run_until_stalled();
    /// assert!(!watches.done());
    /// scope.cancel();
    /// executor.run_until_complete(watches).unwrap().unwrap();
    /// ```
    pub async fn cancelled(&self) {
        let mut watching = Watching::new(&self.0.watchers);
        poll_fn(|cx| watching.poll(cx, || self.cancel_called())).await;
    }
}

impl fmt::Debug for CancelScope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CancelScope")
            .field("cancel_called", &self.cancel_called())
            .field("running", &self.0.bodies.borrow().len())
            .finish()
    }
}

impl Token {
    fn cancel(&self, message: Option<Message>) {
        if self.cancelled.replace(true) {
            return;
        }
        drop(self.message.replace(message.clone()));
        let mut bodies: Vec<_> = {
            let bodies = self.bodies.borrow();
            bodies.iter().map(|(_, body)| body.clone()).collect()
        };
        bodies.sort_unstable_by_key(|(number, _)| *number);
        for (_, owner) in bodies {
            owner.cancel(message.clone());
        }
        self.watchers.wake_all();
    }

    fn enter(&self, owner: &Rc<Owner>) -> usize {
        self.last.set(self.last.get() + 1);
        let body = (self.last.get(), Rc::clone(owner));
        self.bodies.borrow_mut().insert(body)
    }

    fn leave(&self, key: usize) {
        let gone = self.bodies.borrow_mut().try_remove(key);
        drop(gone);
    }
}

pin_project! {
    /// Future of [`CancelScope::run`].
    #[must_use = "futures do nothing unless polled"]
    pub struct InScope<F> {
        #[pin]
        body: Owned<F>,
        token: Rc<Token>,
        owner: Rc<Owner>,
        stage: Stage,
    }

    impl<F> PinnedDrop for InScope<F> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if let Stage::Running { key, .. } = this.stage {
                this.token.leave(*key);
            }
        }
    }
}

enum Stage {
    /// Not polled yet.
    Fresh,
    /// Under this number, with so many requests around at entry.
    Running { key: usize, around: u32 },
    /// It has ended; or a cancellation has gone on outwards, and it is pending for ever.
    Over,
}

impl<F: Future> Future for InScope<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (key, around) = match *this.stage {
            Stage::Over => return Poll::Pending,
            Stage::Running { key, around } => (key, around),
            Stage::Fresh if this.token.cancelled.get() => {
                *this.stage = Stage::Over;
                return Poll::Ready(None);
            }
            Stage::Fresh => {
                let key = this.token.enter(this.owner);
                let around = requests_around();
                *this.stage = Stage::Running { key, around };
                (key, around)
            }
        };
        let outcome = ready!(this.body.poll(cx));
        *this.stage = Stage::Over;
        this.token.leave(key);
        match outcome {
            Ok(output) => Poll::Ready(Some(output)),
            Err(_) if !this.owner.is_foreign(around) => Poll::Ready(None),
            Err(cancelled) => {
                cancelled.go_on();
                Poll::Pending
            }
        }
    }
}

impl<F> fmt::Debug for InScope<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("InScope").finish_non_exhaustive()
    }
}
