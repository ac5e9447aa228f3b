//! Calls into the loop from everything that the loop calls.

mod scene;

use std::cell::RefCell;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Duration;

use asyncio_executor::{ErrorContext, Task};
use asyncio_loop::{LoopRef, TimerHandle, sleep};
use asyncio_testkit::{Rng, for_each_seed};
use scene::simulated;

/// Every method of the loop from every kind of place that user code runs in, in random order:
/// nothing of the loop is borrowed while it calls out. P2.
#[test]
fn any_method_may_be_called_from_any_callback_p2() {
    for_each_seed(60, |rng| {
        let (event_loop, _clock) = simulated();
        event_loop.set_exception_handler(Some(Rc::new(|_| ())));
        let chaos = Chaos::new(&event_loop, rng.clone());
        for _ in 0..4 {
            chaos.act(40);
        }
        for _ in 0..200 {
            event_loop.run_once(Some(Duration::ZERO)).unwrap();
        }
        event_loop.close();
        assert_eq!(event_loop.metrics().sources, 0);
    });
}

/// Does random things to a loop, and more of them from the callbacks that this makes.
#[derive(Clone)]
struct Chaos {
    event_loop: LoopRef,
    rng: Rc<RefCell<Rng>>,
    sockets: Rc<Vec<Rc<UnixStream>>>,
    timers: Rc<RefCell<Vec<TimerHandle>>>,
    tasks: Rc<RefCell<Vec<Task<()>>>>,
}

impl Chaos {
    fn new(event_loop: &LoopRef, rng: Rng) -> Self {
        let pairs = (0..3).map(|_| UnixStream::pair().unwrap());
        let sockets = pairs.flat_map(|(a, b)| [Rc::new(a), Rc::new(b)]).collect();
        Self {
            event_loop: event_loop.clone(),
            rng: Rc::new(RefCell::new(rng)),
            sockets: Rc::new(sockets),
            timers: Rc::default(),
            tasks: Rc::default(),
        }
    }

    fn below(&self, bound: u64) -> u64 {
        self.rng.borrow_mut().below(bound)
    }

    fn act(&self, depth: u32) {
        if depth == 0 {
            return;
        }
        let again = self.clone();
        let next = move || again.act(depth - 1);
        let socket = self.sockets[self.below(self.sockets.len() as u64) as usize].clone();
        match self.below(16) {
            0 => drop(self.event_loop.call_soon(next)),
            1 => {
                let delay = Duration::from_millis(self.below(3));
                let timer = self.event_loop.call_later(delay, next);
                self.timers.borrow_mut().push(timer);
            }
            2 => self
                .timers
                .take()
                .into_iter()
                .for_each(|timer| timer.cancel()),
            3 => drop(self.event_loop.add_reader(socket, next)),
            4 => drop(self.event_loop.add_writer(socket, next)),
            5 => _ = self.event_loop.remove_reader(&socket),
            6 => _ = self.event_loop.remove_writer(&socket),
            7 => {
                let task = self.event_loop.create_task(async move {
                    sleep(Duration::from_millis(1)).await;
                    next();
                });
                self.tasks.borrow_mut().push(task);
            }
            8 => self
                .tasks
                .borrow()
                .iter()
                .for_each(|task| _ = task.cancel()),
            9 => drop(self.tasks.take()),
            10 => {
                socket.set_nonblocking(true).unwrap();
                // Full, at some time.
                let _ = (&mut &*socket).write(b"x");
            }
            11 => self.event_loop.stop(),
            12 => drop(self.event_loop.metrics()),
            13 => self
                .event_loop
                .call_exception_handler(&ErrorContext::new("chaos")),
            14 => drop(
                self.event_loop
                    .handle()
                    .call_soon_threadsafe(|| panic!("chaos")),
            ),
            _ => drop(self.event_loop.register(socket)),
        }
        next_maybe(self, depth);
    }
}

fn next_maybe(chaos: &Chaos, depth: u32) {
    if chaos.below(3) == 0 {
        chaos.act(depth - 1);
    }
}
