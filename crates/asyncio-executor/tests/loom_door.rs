//! Every interleaving of two or three threads at the door of an executor, up to a number of
//! preemptions (`LOOM_MAX_PREEMPTIONS`). Built with `--cfg loom` only.
//!
//! async-task's atomics cannot be modelled, so these are copies of the protocol, step by step, on
//! the real queue: `Shared` and `Home` (`shared.rs`, `home.rs`), `Local::close` and
//! `Executor::run_until_complete` (`local.rs`, `executor.rs`), `MainWaker` (`main_task.rs`). Who
//! changes those changes these. Modelled of async-task is what it promises: of all who wake a task
//! that waits, one gets its runnable, and a task whose runnable somebody holds is not gone.
#![cfg(loom)]

use std::sync::Arc;

use concurrent_queue::ConcurrentQueue;
use loom::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use loom::thread::{self, Thread};

/// The cross-thread half of an executor. Its memory is freed when nobody counts it any more:
/// `freed` stands for that, and whoever looks at it afterwards fails.
struct Shared {
    queue: ConcurrentQueue<Remote>,
    closing: AtomicBool,
    /// Who is to be unparked. Nobody in the models of the close, where nobody is parked: loom
    /// takes every unpark for a hand-over of all that came before it, which would hide races.
    sleeper: Option<Thread>,
    counted: AtomicUsize,
    freed: AtomicBool,
}

enum Remote {
    Wake(Arc<Task>),
    Main,
    Call(#[expect(dead_code, reason = "it is what is dropped")] Arc<AtomicBool>),
}

impl Shared {
    /// Made by the executor's thread, which counts it.
    fn new(sleeper: Option<Thread>) -> Arc<Self> {
        Arc::new(Self {
            queue: ConcurrentQueue::unbounded(),
            closing: AtomicBool::new(false),
            sleeper,
            counted: AtomicUsize::new(1),
            freed: AtomicBool::new(false),
        })
    }

    fn look(&self) {
        assert!(
            !self.freed.load(Ordering::Relaxed),
            "used after it was freed"
        );
    }

    fn count(&self) {
        self.look();
        self.counted.fetch_add(1, Ordering::Relaxed);
    }

    fn release(&self) {
        if self.counted.fetch_sub(1, Ordering::AcqRel) == 1 {
            // Without a look at it first: loom, which knows one last access of each atomic, would
            // take that look for the one that races, and no other.
            self.freed.store(true, Ordering::Relaxed);
        }
    }

    /// `Shared::push`.
    fn push(&self, remote: Remote) {
        self.look();
        let is_wake = matches!(remote, Remote::Wake(_));
        let pushed = self.queue.push(remote);
        assert!(
            pushed.is_ok() || !is_wake,
            "a future was dropped on a foreign thread"
        );
        self.notify();
    }

    fn notify(&self) {
        self.look();
        if let Some(sleeper) = &self.sleeper {
            sleeper.unpark();
        }
    }

    /// `Shared::call`.
    fn call(&self, called: Arc<AtomicBool>) -> bool {
        if self.closing.load(Ordering::Acquire) || self.queue.push(Remote::Call(called)).is_err() {
            return false;
        }
        self.notify();
        true
    }
}

const WAITS: u8 = 0;
const SCHEDULED: u8 = 1;
const GONE: u8 = 2;

/// A task that waits, and its home, which it does not count.
struct Task {
    state: AtomicU8,
    home: Arc<Shared>,
}

impl Task {
    fn new(home: &Arc<Shared>) -> Arc<Self> {
        Arc::new(Self {
            state: AtomicU8::new(WAITS),
            home: home.clone(),
        })
    }

    /// Whether the caller has got the runnable.
    fn schedule(&self) -> bool {
        let took =
            self.state
                .compare_exchange(WAITS, SCHEDULED, Ordering::AcqRel, Ordering::Acquire);
        took.is_ok()
    }

    /// A wake on a foreign thread: `schedule_elsewhere`.
    fn wake(self: &Arc<Self>) {
        if !self.schedule() {
            return;
        }
        self.home.count();
        self.home.push(Remote::Wake(self.clone()));
        self.home.release();
    }
}

/// `Local::close`, on the executor's thread, with `tasks` alive.
fn close(shared: &Shared, tasks: &[Arc<Task>]) {
    let mut alive = tasks.len();
    let mut ready = Vec::new();
    let drop_ready = |ready: &mut Vec<Arc<Task>>, alive: &mut usize| loop {
        while let Ok(remote) = shared.queue.pop() {
            if let Remote::Wake(task) = remote {
                ready.push(task);
            }
        }
        let Some(task) = ready.pop() else { return };
        assert_eq!(task.state.swap(GONE, Ordering::AcqRel), SCHEDULED);
        *alive -= 1;
    };
    shared.closing.store(true, Ordering::Release);
    loop {
        for task in tasks {
            if task.schedule() {
                ready.push(task.clone());
            }
        }
        drop_ready(&mut ready, &mut alive);
        if alive == 0 {
            break;
        }
        thread::yield_now();
    }
    shared.queue.close();
    drop_ready(&mut ready, &mut alive);
    assert_eq!(alive, 0);
    shared.release();
}

#[test]
fn loom_closing_against_two_wakes_of_one_task_w6_w7() {
    loom::model(|| {
        let shared = Shared::new(None);
        let task = Task::new(&shared);
        let wakes: Vec<_> = (0..2)
            .map(|_| {
                let task = task.clone();
                thread::spawn(move || task.wake())
            })
            .collect();
        close(&shared, &[task]);
        for wake in wakes {
            wake.join().unwrap();
        }
        assert!(shared.freed.load(Ordering::Relaxed), "a count was lost");
    });
}

#[test]
fn loom_closing_against_wakes_of_two_tasks_w6_w7() {
    loom::model(|| {
        let shared = Shared::new(None);
        let tasks = [Task::new(&shared), Task::new(&shared)];
        let wakes: Vec<_> = tasks
            .iter()
            .map(|task| {
                let task = task.clone();
                thread::spawn(move || task.wake())
            })
            .collect();
        close(&shared, &tasks);
        for wake in wakes {
            wake.join().unwrap();
        }
        assert!(shared.freed.load(Ordering::Relaxed), "a count was lost");
    });
}

/// A call is refused, or it is in the queue when the executor drops what is there: never neither.
#[test]
fn loom_a_call_that_races_the_close_is_refused_or_dropped_by_it_w6() {
    loom::model(|| {
        let shared = Shared::new(None);
        let call = Arc::new(AtomicBool::new(false));
        shared.count(); // a door counts what it leads to
        let (door, given) = (shared.clone(), call.clone());
        let caller = thread::spawn(move || {
            let accepted = door.call(given);
            door.release();
            accepted
        });
        close(&shared, &[]);
        let accepted = caller.join().unwrap();
        assert!(shared.queue.is_empty(), "left in a closed queue");
        assert_eq!(Arc::strong_count(&call), 1, "accepted: {accepted}");
        assert!(shared.freed.load(Ordering::Relaxed));
    });
}

/// The executor's loop: `drain`, then sleep while nothing has come. A lost wake-up is a deadlock,
/// which loom finds.
#[test]
fn loom_no_hand_over_is_lost_between_looking_and_sleeping_w8() {
    loom::model(|| {
        let shared = Shared::new(Some(thread::current()));
        let callers: Vec<_> = (0..2)
            .map(|_| {
                let shared = shared.clone();
                thread::spawn(move || shared.call(Arc::new(AtomicBool::new(false))))
            })
            .collect();
        let mut called = 0;
        while called < 2 {
            while shared.queue.is_empty() {
                thread::park();
            }
            for _ in 0..shared.queue.len() {
                match shared.queue.pop() {
                    Ok(_) => called += 1,
                    // Counted, and not yet written: its notification is still to come.
                    Err(_) => break,
                }
            }
        }
        for caller in callers {
            assert!(caller.join().unwrap());
        }
    });
}

const WOKEN: u8 = 1;
const POLLING: u8 = 2;

/// `MainWaker`, and what the wakes are made for: data written before each of them.
struct Main {
    shared: Arc<Shared>,
    state: AtomicU8,
    data: [AtomicBool; 2],
}

impl Main {
    /// `wake_by_ref` on a foreign thread, after the data was written.
    fn wake(&self, id: usize) {
        self.data[id].store(true, Ordering::Relaxed);
        if self.state.fetch_or(WOKEN, Ordering::AcqRel) == 0 {
            self.shared.push(Remote::Main);
        }
    }

    /// `MainTask::step`; whether the future was ready, and whether to poll again.
    fn step(&self) -> (bool, bool) {
        self.state.swap(POLLING, Ordering::AcqRel);
        if self.data.iter().all(|it| it.load(Ordering::Relaxed)) {
            return (true, false);
        }
        let again = self.state.fetch_and(!POLLING, Ordering::AcqRel) & WOKEN != 0;
        (false, again)
    }
}

#[test]
fn loom_no_wake_of_the_main_future_is_lost_w8() {
    loom::model(|| {
        let main = Arc::new(Main {
            shared: Shared::new(Some(thread::current())),
            state: AtomicU8::new(WOKEN),
            data: [AtomicBool::new(false), AtomicBool::new(false)],
        });
        let wakes: Vec<_> = (0..2)
            .map(|id| {
                let main = main.clone();
                thread::spawn(move || main.wake(id))
            })
            .collect();
        let mut queued = true; // its first entry
        loop {
            if queued {
                let (ready, again) = main.step();
                if ready {
                    break;
                }
                queued = again;
                continue;
            }
            while main.shared.queue.is_empty() {
                thread::park();
            }
            while let Ok(remote) = main.shared.queue.pop() {
                queued |= matches!(remote, Remote::Main);
            }
        }
        for wake in wakes {
            wake.join().unwrap();
        }
    });
}
