//! Waking a wait from any thread, with at most one system call a sleep.

use crate::sleep::Sleep;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Wakes a [`Reactor`](crate::Reactor) that waits, from any thread.
///
/// Notifications are coalesced: while the reactor is awake, [`notify`](Self::notify) only notes that
/// the next wait must not sleep, and of many that come during one sleep the first makes the system
/// call. What was written before `notify` is visible to whoever runs after the wait has returned.
///
/// A notifier may outlive its reactor; notifying is then without effect.
///
/// # Examples
/// ```
/// use asyncio_reactor::Reactor;
///
/// let reactor: Reactor<()> = Reactor::new()?;
/// let notifier = reactor.notifier();
/// let thread = std::thread::spawn(move || notifier.notify());
/// while !reactor.wait(None)?.notified {}
/// thread.join().unwrap();
/// # std::io::Result::Ok(())
/// ```
#[derive(Clone)]
pub struct Notifier {
    shared: Arc<Shared<dyn Fn() + Send + Sync>>,
}

struct Shared<W: ?Sized> {
    sleep: Sleep,
    wakeups_sent: AtomicU64,
    /// Ends a sleep. Last, since it is unsized.
    wake: W,
}

impl Notifier {
    /// A notifier for a [`Selector`](crate::Selector): `wake` makes the selector's `wait` return,
    /// the one in progress or, if there is none, the next. It is called at most once between two
    /// waits, from any thread, and must not block.
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> Self {
        let shared = Shared {
            sleep: Sleep::new(),
            wakeups_sent: AtomicU64::new(0),
            wake,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Makes the wait in progress return, or the next one not sleep.
    pub fn notify(&self) {
        if self.shared.sleep.notify() {
            self.shared.wakeups_sent.fetch_add(1, Ordering::Relaxed);
            (self.shared.wake)();
        }
    }

    /// How many notifications had to end a sleep with a system call, since the beginning.
    #[must_use]
    pub fn wakeups_sent(&self) -> u64 {
        self.shared.wakeups_sent.load(Ordering::Relaxed)
    }

    /// Announces a sleep. False: there was a notification, do not sleep.
    pub(crate) fn fall_asleep(&self) -> bool {
        self.shared.sleep.fall_asleep()
    }

    /// Ends what `fall_asleep` began. True: there was a notification.
    pub(crate) fn wake_up(&self) -> bool {
        self.shared.sleep.wake_up()
    }
}

impl fmt::Debug for Notifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notifier")
            .field("sleep", &self.shared.sleep)
            .field("wakeups_sent", &self.wakeups_sent())
            .finish_non_exhaustive()
    }
}
