//! How a worker comes by its next job: it searches, looks out, sleeps, and ends.
//!
//! The other half of the protocol in `summon`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use concurrent_queue::PopError;

use super::crew::{Crew, Roster, Sleeper};
use crate::sync::atomic::{Ordering, fence};
use crate::sync::{MutexGuard, thread};
use crate::{BrokenThreadPool, Job, JobError};

/// For how long one idle worker looks out for a job before it sleeps. Waking a sleeper takes
/// about as long, so that at worst the price is doubled. Measured on 2 cores of an EPYC: one job
/// at a time costs 1 to 3 µs with it, 20 to 30 µs without.
const LOOKOUT: Duration = Duration::from_micros(20);

/// What became of a worker that lay down.
enum Sleep {
    /// There may be a job. It is searching.
    Awake,
    /// Nothing happened for too long: its place is free, it must end.
    Retired,
}

impl Crew {
    /// The thread has begun its work: from now on it searches.
    pub(super) fn begin(&self) {
        let mut roster = self.roster();
        roster.starting -= 1;
        self.searching.fetch_add(1, Ordering::SeqCst);
    }

    /// The next job for a worker that is searching. `None`: the pool is over, or the worker was
    /// idle for too long; it has no place here any more.
    pub(super) fn search(self: &Arc<Self>, number: usize) -> Option<Job> {
        loop {
            match self.pop() {
                Ok(job) => {
                    self.stop_searching();
                    return Some(job);
                }
                Err(PopError::Closed) => {
                    self.searching.fetch_sub(1, Ordering::SeqCst);
                    self.leave(self.roster());
                    return None;
                }
                Err(PopError::Empty) => {
                    if !self.look_out() && matches!(self.sleep(number), Sleep::Retired) {
                        return None;
                    }
                }
            }
        }
    }

    /// The next job for a worker that has just done one. If there is none, it is searching.
    pub(super) fn next(&self) -> Option<Job> {
        let job = self.pop().ok();
        if job.is_none() {
            self.searching.fetch_add(1, Ordering::SeqCst);
        }
        job
    }

    /// If nothing waits, the worker is searching from now on. Returns whether it is.
    pub(super) fn search_if_idle(&self) -> bool {
        let idle = self.queue.is_empty();
        if idle {
            self.searching.fetch_add(1, Ordering::SeqCst);
        }
        idle
    }

    /// The thread could not be initialized: nothing can be done here any more.
    pub(super) fn break_down(&self, broken: BrokenThreadPool) {
        let mut roster = self.roster();
        roster.starting -= 1;
        roster.broken.get_or_insert_with(|| broken.clone());
        self.close_queue(roster);
        self.drain(|job| job.fail(JobError::Broken(broken.clone())));
        self.leave(self.roster());
    }

    /// A searcher has something to do. If it was the last one, it calls another for what waits.
    pub(super) fn stop_searching(self: &Arc<Self>) {
        if self.searching.fetch_sub(1, Ordering::SeqCst) == 1 {
            fence(Ordering::SeqCst);
            if !self.queue.is_empty() {
                // Without a claim nothing is withdrawn: this worker itself will come back.
                let _ = self.summon(None);
            }
        }
    }

    /// Watches for a job for a short while, if nobody else does. Returns whether there may be one.
    fn look_out(&self) -> bool {
        if self.lookout.swap(true, Ordering::Acquire) {
            return false;
        }
        let end = Instant::now() + LOOKOUT;
        let seen = loop {
            // The clock costs as much as a few dozen looks.
            if (0..32).any(|_| {
                std::hint::spin_loop();
                !self.queue.is_empty() || self.queue.is_closed()
            }) {
                break true;
            }
            if Instant::now() >= end {
                break false;
            }
        };
        self.lookout.store(false, Ordering::Release);
        seen
    }

    /// A searcher lies down.
    fn sleep(&self, number: usize) -> Sleep {
        let mut roster = self.roster();
        roster.asleep.push(Sleeper {
            number,
            thread: thread::current(),
        });
        self.searching.fetch_sub(1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        if !self.queue.is_empty() || self.queue.is_closed() {
            roster.asleep.pop();
            self.searching.fetch_add(1, Ordering::SeqCst);
            return Sleep::Awake;
        }
        drop(roster);
        // A time that the clock cannot express is for ever.
        let end = Instant::now().checked_add(self.settings.keep_alive);
        loop {
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            match left {
                Some(left) => thread::park_timeout(left),
                None => thread::park(),
            }
            let mut roster = self.roster();
            // Who wakes a worker takes it from the list; a stray token of `park` does not.
            let Some(place) = roster.asleep.iter().position(|one| one.number == number) else {
                return Sleep::Awake;
            };
            if left.is_some_and(|left| left.is_zero()) {
                roster.asleep.remove(place);
                // Nobody joins it: the system may forget it when it has ended.
                if let Some(place) = roster.threads.get_mut(number) {
                    *place = None;
                }
                self.leave(roster);
                return Sleep::Retired;
            }
        }
    }

    /// A worker's last deed.
    fn leave(&self, mut roster: MutexGuard<'_, Roster>) {
        roster.count -= 1;
        self.full.store(false, Ordering::Relaxed);
        let over = roster.count == 0 && self.queue.is_closed();
        drop(roster);
        if over {
            self.tell_closed();
        }
    }
}
