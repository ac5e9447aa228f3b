//! Work that becomes ready again and again, and that may wake a task instead.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Poll, Waker};

use asyncio_executor::{Dispatch, Executor, Recurring};

#[derive(Default)]
struct Bell {
    ran: Cell<u32>,
    waker: RefCell<Option<Waker>>,
}

impl Dispatch for Bell {
    fn run(self: Rc<Self>) {
        self.ran.set(self.ran.get() + 1);
    }

    fn wake_instead(&self) -> bool {
        let waker = self.waker.take();
        waker.map(Waker::wake).is_some()
    }
}

#[test]
fn what_wakes_a_task_instead_makes_no_entry_and_the_task_is_the_next() {
    let executor = Executor::new();
    let bell = Rc::new(Bell::default());
    let recurring = Recurring::new(Rc::clone(&bell));
    let task = executor.create_task({
        let (bell, mut polls) = (Rc::clone(&bell), 0);
        std::future::poll_fn(move |cx| {
            polls += 1;
            *bell.waker.borrow_mut() = Some(cx.waker().clone());
            if polls == 1 {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        })
    });
    executor.run_until_stalled();
    assert!(recurring.ready().is_none());
    assert_eq!(executor.ready_len(), 1, "the step of the task");
    executor.run_until_stalled();
    assert!(task.done());
    assert_eq!(bell.ran.get(), 0);
}

#[test]
fn what_has_nobody_to_wake_is_run() {
    let executor = Executor::new();
    let bell = Rc::new(Bell::default());
    let recurring = Recurring::new(Rc::clone(&bell));
    for times in 1..4 {
        executor.push(recurring.clone().ready().expect("nobody waits"));
        executor.run_until_stalled();
        assert_eq!(bell.ran.get(), times);
    }
    assert_eq!(Rc::strong_count(&bell), 2);
}
