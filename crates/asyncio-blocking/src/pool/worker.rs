//! What one thread of the pool does, from its start to its end.

use std::sync::Arc;

use super::crew::Crew;
use crate::BrokenThreadPool;
use crate::guard::catch;

/// The thread's main function.
pub(super) fn work(crew: Arc<Crew>, number: usize) {
    if let Err(broken) = initialize(&crew) {
        crew.break_down(broken);
        return;
    }
    crew.begin();
    while let Some(first) = crew.search(number) {
        first.run();
        while let Some(job) = crew.next() {
            job.run();
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
        Err(payload) => Err(BrokenThreadPool::by_panic(payload)),
    }
}
