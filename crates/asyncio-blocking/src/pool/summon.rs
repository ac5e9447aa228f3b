//! How workers come to jobs: the protocol between who submits and who sleeps.
//!
//! **The problem.** A job must never lie in the queue while a worker sleeps or may be started; and
//! waking a worker is a system call (a microsecond here, five to fifty until it runs there), so a
//! thousand submissions must not wake a thousand times.
//!
//! **The rule.** A worker that is awake and has no job is *searching*; their number is an atomic.
//! * Who submits pushes the job and then looks: if somebody is searching, that one will find it.
//!   If nobody is, it wakes the worker that fell asleep last, which is searching from that moment,
//!   or starts a thread.
//! * A searcher that finds a job stops searching; if it was the last one and the queue is not
//!   empty, it wakes the next (so a burst wakes as many as it needs, one after the other, and its
//!   submitter pays for one).
//! * A searcher that goes to sleep lies down in the list of sleepers, stops searching, and only
//!   then looks at the queue for the last time.
//!
//! **Why nothing is lost.** Both sides write before they read, with a `SeqCst` fence between
//! (Dekker's way): the submitter pushes, then reads `searching`; the worker lowers `searching`,
//! then reads the queue. So at least one of them sees what the other did.
//!
//! **Accepted.** A worker counts as searching while it wakes who waits for its last job, which is
//! all that is left to do (see `worker`). A waker enqueues; one that blocked would make the
//! next job wait for it.

use std::io;
use std::sync::Arc;

use super::crew::{Crew, Roster};
use super::worker;
use crate::job::Claim;
use crate::sync::atomic::Ordering;
use crate::sync::{MutexGuard, thread};
use crate::{Rejected, SubmitError};

impl Crew {
    /// Sees to it that somebody comes for the jobs in the queue. If that is impossible, because
    /// there is no worker and none can be started, withdraws the job of `claim`.
    pub(super) fn summon(self: &Arc<Self>, claim: Option<&Claim>) -> Result<(), Rejected> {
        let mut roster = self.roster();
        let waiting = self.queue.len();
        if waiting == 0 {
            return Ok(());
        }
        if roster.count == 0 && self.queue.is_closed() {
            // It was closed between the push and here, and its last worker has gone.
            let why = roster.why_closed();
            return self.withdraw(roster, claim, why);
        }
        let mut sleeper = None;
        if self.searching.load(Ordering::Relaxed) == 0 {
            sleeper = roster.asleep.pop();
            if sleeper.is_some() {
                self.searching.fetch_add(1, Ordering::Relaxed);
            }
        }
        let coming = self.searching.load(Ordering::Relaxed) + roster.asleep.len() + roster.starting;
        // A thread is started only where no worker is idle.
        if waiting > coming
            && roster.count < self.settings.max_workers
            && let Err(error) = self.start_worker(&mut roster)
            && roster.count == 0
        {
            // With a worker left, the job would wait for that one; so it would wait for ever.
            return self.withdraw(roster, claim, SubmitError::Spawn(error));
        }
        drop(roster);
        if let Some(sleeper) = sleeper {
            sleeper.thread.unpark();
        }
        Ok(())
    }

    /// Starts a thread, under the roster's lock, so that no other decides upon a worker that then
    /// does not come.
    fn start_worker(self: &Arc<Self>, roster: &mut Roster) -> io::Result<()> {
        let number = roster.threads.iter().position(Option::is_none);
        let number = number.unwrap_or(roster.threads.len());
        let name = format!("{}_{number}", self.prefix);
        let mut builder = thread::Builder::new().name(name);
        if let Some(bytes) = self.settings.stack_size {
            builder = builder.stack_size(bytes);
        }
        let crew = Arc::clone(self);
        let thread = builder.spawn(move || worker::work(crew, number))?;
        match roster.threads.get_mut(number) {
            Some(place) => *place = Some(thread),
            None => roster.threads.push(Some(thread)),
        }
        roster.count += 1;
        roster.starting += 1;
        self.full
            .store(roster.count == self.settings.max_workers, Ordering::Relaxed);
        Ok(())
    }

    /// Takes the job of `claim` out of the queue, if it is still there, and rejects it; the others
    /// keep their order. There is no worker, so nobody else pops; and so all these jobs belong to
    /// threads that have pushed and not come to the lock yet, who will decide about their own.
    fn withdraw(
        &self,
        roster: MutexGuard<'_, Roster>,
        claim: Option<&Claim>,
        why: SubmitError,
    ) -> Result<(), Rejected> {
        let Some(claim) = claim else { return Ok(()) };
        let mut own = None;
        let mut orphans = Vec::new();
        for _ in 0..self.queue.len() {
            let Ok(job) = self.pop() else { break };
            if claim.is_for(&job) {
                own = Some(job);
                continue;
            }
            self.queued.fetch_add(1, Ordering::Relaxed);
            if let Err(refused) = self.queue.push(job) {
                self.queued.fetch_sub(1, Ordering::Relaxed);
                orphans.push(refused.into_inner());
            }
        }
        // What is dropped may call back: not under the lock.
        drop(roster);
        drop(orphans);
        own.map_or(Ok(()), |job| Err(Rejected::new(job, why)))
    }
}
