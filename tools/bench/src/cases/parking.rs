//! `parked/*`: what a task costs that waits for ever.

use std::cell::Cell;
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use super::{Case, Params};
use crate::allocations;
use crate::meter::{Sample, Unit};
use crate::runtime::Runtime;

/// The family's rows.
pub const CASES: &[Case] = &[Case {
    name: "parked/bytes",
    unit: Unit::Bytes,
    what: "live heap bytes of a task that waits for ever (1 M of them, 250 k in quick mode)",
    n: 1,
    batch: 1,
    quick: 250_000, // as full as 1 M leaves a table that doubles: 95 % of a power of two
    full: 1_000_000,
}];

/// The count on the side: allocations for each task.
pub const ALLOCATIONS: &str = "allocations/task";

thread_local! {
    static UNPOLLED: Cell<u64> = const { Cell::new(0) };
    static ALL_POLLED: Cell<Option<oneshot::Sender<()>>> = const { Cell::new(None) };
}

/// Live bytes for each task after all have been polled once and the loop has slept. The handles are kept, because some
/// runtimes drop a task that nobody can wake; the vector of handles is not counted.
pub fn measure<R: Runtime>(params: Params) -> Sample {
    R::run(async move {
        let mut tasks = Vec::with_capacity(params.ops as usize);
        let (sender, all_polled) = oneshot::channel();
        UNPOLLED.set(params.ops);
        ALL_POLLED.set(Some(sender));
        allocations::start();
        for _ in 0..params.ops {
            tasks.push(R::spawn(wait_for_ever()));
        }
        let _ = all_polled.await;
        let _ = idle().await; // some loops give memory back before they sleep
        let count = allocations::stop();
        for task in tasks {
            R::detach(task);
        }
        let tasks = params.ops as f64;
        Sample::new(count.live_bytes as f64 / tasks)
            .with(ALLOCATIONS, count.allocations as f64 / tasks)
    })
}

/// Lets the loop fall asleep, and has another thread wake it: not every contender keeps time.
fn idle() -> oneshot::Receiver<()> {
    let (waker, woken) = oneshot::channel();
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(20));
        let _ = waker.send(());
    });
    woken
}

async fn wait_for_ever() {
    UNPOLLED.set(UNPOLLED.get() - 1);
    if UNPOLLED.get() == 0 {
        drop(ALL_POLLED.take()); // wakes who waits for it
    }
    std::future::pending::<()>().await;
}
