//! The pool: the queue of jobs, the workers there are, and what the handle does with them.
//!
//! How workers come to jobs is in `summon`, how a worker comes by its next job in `search`.

use std::sync::Arc;

use concurrent_queue::{ConcurrentQueue, PopError};
use event_listener::{Event, EventListener, Listener};

use super::PoolMetrics;
use super::builder::{Settings, processors};
use crate::guard::shield;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use crate::sync::thread::{JoinHandle, Thread};
use crate::sync::{Mutex, MutexGuard, lock};
use crate::{BrokenThreadPool, Job, Rejected, SubmitError};

/// The pool, shared by its handle and its workers.
pub(super) struct Crew {
    pub(super) settings: Settings,
    /// Of the threads' names; the settings' may be empty.
    pub(super) prefix: String,
    /// Closed when the pool is shut down or broken.
    pub(super) queue: ConcurrentQueue<Job>,
    /// Jobs in the queue, counted before they are pushed and after they are popped: never fewer
    /// than there are, so that the limit is kept exactly.
    pub(super) queued: AtomicUsize,
    /// Workers that are awake and have no job.
    pub(super) searching: AtomicUsize,
    /// Whether a worker is on the lookout; more than one would only take processors from others.
    pub(super) lookout: AtomicBool,
    /// Whether there are as many threads as there may be: a copy of what the roster knows.
    pub(super) full: AtomicBool,
    roster: Mutex<Roster>,
    /// Notified when the last thread of a closed pool ends.
    closed: Event,
}

/// What is under the lock.
pub(super) struct Roster {
    /// The threads by the number in their name; `None` is free. Its length is the most that there
    /// have been.
    pub(super) threads: Vec<Option<JoinHandle<()>>>,
    /// How many there are.
    pub(super) count: usize,
    /// Threads that have been started and are not searching yet (the initializer runs).
    pub(super) starting: usize,
    /// Who sleeps, the last one last.
    pub(super) asleep: Vec<Sleeper>,
    /// Set by the handle's `shutdown`: dropping it does not wait then.
    shut_down: bool,
    pub(super) broken: Option<BrokenThreadPool>,
}

pub(super) struct Sleeper {
    pub(super) number: usize,
    pub(super) thread: Thread,
}

impl Crew {
    pub(super) fn new(settings: Settings) -> Arc<Self> {
        Arc::new(Self {
            prefix: settings.prefix(),
            settings,
            queue: ConcurrentQueue::unbounded(),
            queued: AtomicUsize::new(0),
            searching: AtomicUsize::new(0),
            // On one processor nobody can submit while a worker looks out: none ever gets the post.
            // Nor in a model, where it would be one more loop to explore.
            lookout: AtomicBool::new(processors() == 1 || cfg!(loom)),
            full: AtomicBool::new(false),
            roster: Mutex::new(Roster {
                threads: Vec::new(),
                count: 0,
                starting: 0,
                asleep: Vec::new(),
                shut_down: false,
                broken: None,
            }),
            closed: Event::new(),
        })
    }

    pub(super) fn submit(self: &Arc<Self>, job: Job) -> Result<(), Rejected> {
        let limit = self.settings.max_queue;
        if self.queued.fetch_add(1, Ordering::Relaxed) >= limit {
            self.queued.fetch_sub(1, Ordering::Relaxed);
            return Err(Rejected::new(job, SubmitError::QueueFull { limit }));
        }
        let claim = job.claim();
        if let Err(refused) = self.queue.push(job) {
            self.queued.fetch_sub(1, Ordering::Relaxed);
            let why = self.roster().why_closed();
            return Err(Rejected::new(refused.into_inner(), why));
        }
        fence(Ordering::SeqCst);
        // Somebody is coming, and more threads are not needed or not allowed.
        let searching = self.searching.load(Ordering::Relaxed);
        if searching > 0
            && (self.full.load(Ordering::Relaxed)
                || searching >= self.queued.load(Ordering::Relaxed))
        {
            return Ok(());
        }
        self.summon(Some(&claim))
    }

    /// Takes no more jobs; those that wait are run, or dropped, which cancels them.
    pub(super) fn close(&self, cancel_futures: bool) {
        let mut roster = self.roster();
        roster.shut_down = true;
        self.close_queue(roster);
        if cancel_futures {
            self.drain(drop);
        }
    }

    /// Blocks until the queue is closed and the last thread has ended.
    pub(super) fn wait_closed(&self) {
        while let Some(listener) = self.listen_closed() {
            listener.wait();
        }
        // They have done their last for the pool; this waits for the system's part of the end.
        let threads = std::mem::take(&mut self.roster().threads);
        for thread in threads.into_iter().flatten() {
            // A worker does not panic; if it did, the hook has told.
            let _ = thread.join();
        }
    }

    /// Something that is notified when it may be worth to look again; `None` if all is over.
    pub(super) fn listen_closed(&self) -> Option<EventListener> {
        let roster = self.roster();
        let over = self.queue.is_closed() && roster.count == 0;
        (!over).then(|| self.closed.listen())
    }

    pub(super) fn is_closed_by_user(&self) -> bool {
        self.roster().shut_down
    }

    /// Whether `thread` is one of the workers.
    pub(super) fn is_ours(&self, thread: &Thread) -> bool {
        let roster = self.roster();
        roster
            .threads
            .iter()
            .flatten()
            .any(|ours| ours.thread().id() == thread.id())
    }

    pub(super) fn metrics(&self) -> PoolMetrics {
        let roster = self.roster();
        PoolMetrics {
            max_workers: self.settings.max_workers,
            threads: roster.count,
            idle: roster.asleep.len() + self.searching.load(Ordering::Relaxed),
            queued: self.queue.len(),
        }
    }

    /// Lets no more jobs in, and everybody who sleeps come and see it.
    pub(super) fn close_queue(&self, mut roster: MutexGuard<'_, Roster>) {
        self.queue.close();
        let over = roster.count == 0;
        let sleepers = std::mem::take(&mut roster.asleep);
        self.searching.fetch_add(sleepers.len(), Ordering::SeqCst);
        drop(roster);
        for sleeper in sleepers {
            sleeper.thread.unpark();
        }
        if over {
            self.tell_closed();
        }
    }

    /// The last thread of the closed pool has ended. No lock is held: this calls wakers.
    pub(super) fn tell_closed(&self) {
        shield(|| {
            self.closed.notify(usize::MAX);
        });
    }

    /// Every job leaves the queue here.
    pub(super) fn pop(&self) -> Result<Job, PopError> {
        let job = self.queue.pop()?;
        self.queued.fetch_sub(1, Ordering::Relaxed);
        Ok(job)
    }

    /// Takes every job out of the closed queue.
    pub(super) fn drain(&self, mut end: impl FnMut(Job)) {
        while let Ok(job) = self.pop() {
            end(job);
        }
    }

    pub(super) fn roster(&self) -> MutexGuard<'_, Roster> {
        lock(&self.roster)
    }
}

impl Roster {
    pub(super) fn why_closed(&self) -> SubmitError {
        self.broken
            .clone()
            .map_or(SubmitError::ShutDown, SubmitError::Broken)
    }
}
