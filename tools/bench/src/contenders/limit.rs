//! The lower limit: the least work that does a case, written by hand, without a runtime.
//!
//! A task is a virtual call behind an `Rc` and the scheduler a `VecDeque`: no waker, no states, no
//! cancellation, no panics caught, no I/O. Not a goal but a measure: what stands above it is what
//! semantics cost.

mod connect;
mod echo;
mod relay;
mod udp;

use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::hint::black_box;
use std::rc::Rc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::{Contender, Role};
use crate::cases::echoing::serve_under_load;
use crate::cases::sleeping::{Random, lateness};
use crate::cases::{Params, connecting, datagrams, idling, relaying};
use crate::meter::{Meter, Sample};

/// The limit and its cases.
pub const CONTENDER: Contender = Contender {
    name: "limit",
    role: Role::Limit,
    packages: &[],
    about: "written by hand: the least work that does the case",
    cases: &[
        ("yield/", yielding),
        ("spawn/", spawning),
        ("soon/chain", soon_chain),
        ("sleep/drop-10k", sleep_drop),
        ("sleep/drop-1m", sleep_drop),
        ("sleep/fire-1m", sleep_fire),
        ("sleep/late-50us", sleep_late),
        ("sleep/late-1ms", sleep_late),
        ("pool/", pool),
        ("threadsafe/flood", flood),
        ("threadsafe/pingpong", pingpong),
        ("gather/", spawning),
        ("group/", spawning),
        ("tcp/protocol/", echo_server),
        ("tcp/accept", acceptor),
        ("tcp/connect", client),
        ("tcp/relay", relay),
        ("idle/protocol", idle_server),
        ("udp/", udp_server),
    ],
};

fn echo_server(params: Params) -> Sample {
    serve_under_load(params, echo::serve)
}

fn idle_server(params: Params) -> Sample {
    idling::serve_idle(params, echo::serve)
}

fn acceptor(params: Params) -> Sample {
    connecting::accept_under_load(params, echo::serve)
}

fn client(params: Params) -> Sample {
    connecting::connect_measured(params, |address, params| {
        measured(params, Meter::process_cpu, |params| {
            connect::connect(address, params.ops).expect("a connection");
        })
    })
}

fn relay(params: Params) -> Sample {
    relaying::relay_under_load(params, relay::serve)
}

fn udp_server(params: Params) -> Sample {
    datagrams::serve_under_load(params, udp::serve)
}

/// What a task is: something to step until it is done.
trait Step {
    /// Goes on; true when there is more to do.
    fn step(&self) -> bool;
}

#[derive(Default)]
struct Ready(VecDeque<Rc<dyn Step>>);

impl Ready {
    fn run(&mut self) {
        while let Some(task) = self.0.pop_front() {
            if task.step() {
                self.0.push_back(task);
            }
        }
    }
}

/// Does `work` on a tenth, then measures it with `meter`.
fn measured(params: Params, meter: fn() -> Meter, mut work: impl FnMut(Params)) -> Sample {
    work(params.warm_up());
    let meter = meter();
    work(params);
    Sample::new(meter.per_op(params.ops))
}

/// A round of a `VecDeque`: pop, virtual call, push.
fn yielding(params: Params) -> Sample {
    struct Yields(Cell<u64>);
    impl Step for Yields {
        fn step(&self) -> bool {
            self.0.set(black_box(self.0.get()) - 1);
            self.0.get() > 0
        }
    }
    measured(params, Meter::thread_cpu, |params| {
        let mut ready = Ready::default();
        for _ in 0..params.batch {
            ready
                .0
                .push_back(Rc::new(Yields(Cell::new(params.rounds()))));
        }
        ready.run();
    })
}

/// One allocation with a place for the result, pushed, run, read.
fn spawning(params: Params) -> Sample {
    struct Child {
        number: u64,
        result: Cell<Option<u64>>,
    }
    impl Step for Child {
        fn step(&self) -> bool {
            self.result.set(Some(black_box(self.number)));
            false
        }
    }
    measured(params, Meter::thread_cpu, |params| {
        let mut ready = Ready::default();
        let mut handles = Vec::new();
        for _ in 0..params.rounds() {
            for number in 0..params.batch {
                let child = Rc::new(Child {
                    number,
                    result: Cell::new(None),
                });
                handles.push(Rc::clone(&child));
                ready.0.push_back(child);
            }
            ready.run();
            for child in handles.drain(..) {
                black_box(child.result.take());
            }
        }
    })
}

/// Push and pop of a boxed closure on a `VecDeque`.
fn soon_chain(params: Params) -> Sample {
    type Callback = Box<dyn FnOnce(&mut Callbacks)>;
    struct Callbacks(VecDeque<Callback>);
    fn link(callbacks: &mut Callbacks, left: u64) {
        callbacks.0.push_back(Box::new(move |callbacks| {
            if black_box(left) > 0 {
                link(callbacks, left - 1);
            }
        }));
    }
    measured(params, Meter::thread_cpu, |params| {
        let mut callbacks = Callbacks(VecDeque::new());
        link(&mut callbacks, params.ops);
        while let Some(callback) = callbacks.0.pop_front() {
            callback(&mut callbacks);
        }
    })
}

/// A binary heap whose dropped entries stay until half of them are dead: the cheapest removal
/// there is, paid with memory.
fn sleep_drop(params: Params) -> Sample {
    let mut random = Random::new();
    let mut heap = BinaryHeap::new();
    let mut alive = Vec::new();
    let mut free = Vec::new();
    let mut dead = 0;
    let mut create = |heap: &mut BinaryHeap<_>, alive: &mut Vec<bool>, free: &mut Vec<usize>| {
        let slot = free.pop().unwrap_or_else(|| {
            alive.push(false);
            alive.len() - 1
        });
        alive[slot] = true;
        let deadline = Duration::from_secs(20) + random.below(Duration::from_secs(60));
        heap.push(Reverse((deadline.as_nanos() as u64, slot)));
        slot
    };
    for _ in 0..params.n {
        create(&mut heap, &mut alive, &mut free);
    }
    let mut work = |ops: u64| {
        for _ in 0..ops {
            let slot = create(&mut heap, &mut alive, &mut free);
            alive[slot] = false;
            dead += 1;
            if dead * 2 > heap.len() {
                heap.retain(|Reverse((_, slot))| {
                    alive[*slot] || {
                        free.push(*slot);
                        false
                    }
                });
                dead = 0;
            }
        }
    };
    work(params.warm_up().ops);
    let meter = Meter::process_cpu();
    work(params.ops);
    Sample::new(meter.per_op(params.ops))
}

/// A binary heap of deadlines and callbacks, and a thread that sleeps until the next.
fn sleep_fire(params: Params) -> Sample {
    let window = Duration::from_micros(params.ops);
    let fired = Rc::new(Cell::new(0_u64));
    let mut random = Random::new();
    let mut deadlines = Deadlines::new();
    let mut callbacks: Vec<Option<Box<dyn FnOnce()>>> = Vec::new();
    let meter = Meter::process_cpu();
    for i in 0..params.ops {
        let fired = Rc::clone(&fired);
        callbacks.push(Some(Box::new(move || fired.set(fired.get() + 1))));
        deadlines.push(Reverse((
            Instant::now() + window + random.below(window),
            i as usize,
        )));
    }
    while let Some(Reverse((earliest, _))) = deadlines.peek() {
        if let Some(wait) = earliest.checked_duration_since(Instant::now()) {
            thread::sleep(wait);
        }
        let now = Instant::now();
        while let Some(slot) = pop_if_due(&mut deadlines, now) {
            if let Some(callback) = callbacks[slot].take() {
                callback();
            }
        }
    }
    let sample = Sample::new(meter.per_op(params.ops));
    assert_eq!(fired.get(), params.ops, "a timer did not fire");
    sample
}

type Deadlines = BinaryHeap<Reverse<(Instant, usize)>>;

/// The slot of the earliest deadline, if its time has come.
fn pop_if_due(deadlines: &mut Deadlines, now: Instant) -> Option<usize> {
    let Reverse((earliest, _)) = deadlines.peek()?;
    if *earliest > now {
        return None;
    }
    deadlines.pop().map(|Reverse((_, slot))| slot)
}

/// The kernel's own lateness: a thread that sleeps.
fn sleep_late(params: Params) -> Sample {
    let duration = Duration::from_nanos(params.n);
    let sleep = |_| {
        let start = Instant::now();
        thread::sleep(duration);
        start.elapsed()
    };
    lateness(duration, (0..params.ops).map(sleep).collect())
}

/// One thread, a channel there and a channel back.
fn pool(params: Params) -> Sample {
    let (jobs, inbox) = mpsc::channel::<Box<dyn FnOnce() -> u64 + Send>>();
    let (outbox, results) = mpsc::channel();
    let worker = thread::spawn(move || {
        for job in inbox {
            let _ = outbox.send(job());
        }
    });
    let sample = measured(params, Meter::wall, |params| {
        for _ in 0..params.rounds() {
            for i in 0..params.batch {
                let _ = jobs.send(Box::new(move || black_box(i)));
            }
            for _ in 0..params.batch {
                let _ = black_box(results.recv());
            }
        }
    });
    drop(jobs);
    worker.join().expect("the worker panicked");
    sample
}

type Job = Box<dyn FnOnce() + Send>;

/// Runs what `feeder` sends from a thread of its own through std's channel.
fn serve(feeder: impl FnOnce(mpsc::Sender<Job>) + Send + 'static) {
    let (sender, receiver) = mpsc::channel();
    let thread = thread::spawn(move || feeder(sender));
    for job in receiver {
        job();
    }
    thread.join().expect("the feeding thread panicked");
}

/// Boxed closures through std's channel.
fn flood(params: Params) -> Sample {
    measured(params, Meter::process_cpu, |params| {
        serve(move |remote| {
            for i in 0..params.ops {
                let _ = remote.send(Box::new(move || {
                    black_box(i);
                }));
            }
        });
    })
}

/// A boxed closure there, a number back.
fn pingpong(params: Params) -> Sample {
    measured(params, Meter::process_cpu, |params| {
        serve(move |remote| {
            let (answer, answers) = mpsc::channel();
            for i in 0..params.ops {
                let answer = answer.clone();
                let _ = remote.send(Box::new(move || {
                    let _ = answer.send(black_box(i));
                }));
                let _ = black_box(answers.recv());
            }
        });
    })
}
