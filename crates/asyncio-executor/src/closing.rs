//! Closing an executor: every task goes, here, whatever other threads and destructors do.

use std::rc::Rc;

use crate::cancel::give_up;
use crate::caught::or_report;
use crate::home;
use crate::local::Local;

impl Local {
    /// Drops every task and callback. The executor is of no use afterwards.
    ///
    /// A task is gone when its future has been dropped, here, on its own thread. One that waits
    /// is woken for that, and comes back as an entry of the queue; one that another thread is
    /// waking at this moment comes through the door as soon as that thread has taken the few
    /// steps to there, and we wait for it. (Main tasks are not ours to drop, and hold no
    /// [`Home`](crate::home::Home).)
    pub(crate) fn close(self: &Rc<Self>) {
        if self.closed.replace(true) {
            return;
        }
        self.shared.refuse_calls();
        for task in self.clean_ups.take() {
            let location = task.spawn_location();
            give_up(self, Some(task), location);
        }
        home::enter(self, || {
            loop {
                for key in self.tasks.keys() {
                    self.tasks.wake(key);
                }
                self.drop_ready();
                if self.tasks.len() <= self.mains.get() {
                    break;
                }
                std::thread::yield_now();
            }
            self.shared.close();
            self.drop_ready();
        });
        self.tree.forget_unanswered();
        // What was set outside tasks, between two entries.
        let context = self.context.replace(None);
        let rest = (context, self.take_interrupt(), self.set_factory(None));
        or_report(self, "panic in a destructor while closing", || drop(rest));
        let handler = self.set_handler(None);
        or_report(
            self,
            "panic in the destructor of the exception handler",
            || drop(handler),
        );
    }

    /// Drops what is ready, and what its destructors make ready.
    fn drop_ready(&self) {
        loop {
            self.drain();
            let Some(entry) = self.ready.borrow_mut().pop_front() else {
                break;
            };
            or_report(self, "panic in a destructor while closing", || drop(entry));
        }
    }
}
