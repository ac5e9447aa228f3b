//! What one thread of the pool does, from its start to its end.

use std::cell::Cell;
use std::sync::Arc;

use super::crew::Crew;
use crate::future::Runner;
use crate::guard::{catch, shield};
use crate::{BrokenThreadPool, JobPanic};

/// The thread's main function.
pub(super) fn work(crew: Arc<Crew>, number: usize) {
    if let Err(broken) = initialize(&crew) {
        crew.break_down(broken);
        return;
    }
    crew.begin();
    while let Some(first) = crew.search(number) {
        let mut job = first;
        loop {
            let shift = Shift {
                crew: &crew,
                searching: Cell::new(false),
            };
            job.run_by(&shift);
            if shift.searching.get() {
                break;
            }
            match crew.next() {
                Some(next) => job = next,
                None => break,
            }
        }
    }
}

/// One job of a worker.
///
/// Whoever awaits a job often submits the next one at once, before this thread has come back from
/// waking it (which is a system call, if that thread sleeps). So a worker that has nothing left to
/// do but to wake counts as searching already; otherwise each such job would wake or start another
/// worker.
struct Shift<'a> {
    crew: &'a Arc<Crew>,
    searching: Cell<bool>,
}

impl Runner for Shift<'_> {
    fn almost_done(&self) {
        self.searching.set(self.crew.search_if_idle());
    }

    fn not_yet_done(&self) {
        if self.searching.take() {
            self.crew.stop_searching();
        }
    }
}

fn initialize(crew: &Crew) -> Result<(), BrokenThreadPool> {
    let Some(initializer) = &crew.settings.initializer else {
        return Ok(());
    };
    match catch(|| initializer()) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(BrokenThreadPool::by_error(error)),
        Err(payload) => {
            let panic = JobPanic::new(payload);
            let broken = BrokenThreadPool::by_panic(&panic);
            shield(move || drop(panic));
            Err(broken)
        }
    }
}
