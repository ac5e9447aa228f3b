//! `asyncio.Semaphore` and `BoundedSemaphore`.

use std::cell::Cell;
use std::rc::Rc;

use asyncio_sync::{BoundedSemaphore, Semaphore};

use crate::check::{Model, Real, Stage, every_interleaving};
use crate::mini::{Mini, Pc};

/// Its own operation is `release`.
#[derive(Clone)]
struct ModelSemaphore {
    value: usize,
    /// No more than this may be free. asyncio looks only at a `release`, and counts past it when
    /// somebody who was woken is cancelled; here that changes nothing, as is documented.
    bound: usize,
    waiters: Vec<usize>,
    /// How many releases were refused.
    refused: usize,
}

impl ModelSemaphore {
    fn locked(&self, mini: &Mini) -> bool {
        self.value == 0 || self.waiters.iter().any(|task| !mini.is_cancelled(*task))
    }

    fn wake_next(&mut self, mini: &mut Mini) -> bool {
        let next = self.waiters.iter().find(|task| !mini.is_done(**task));
        let Some(next) = next.copied() else {
            return false;
        };
        self.value -= 1;
        mini.wake(next);
        true
    }

    /// Whether it was not one too many.
    fn release(&mut self, mini: &mut Mini) -> bool {
        if self.value == self.bound {
            return false;
        }
        self.value += 1;
        self.wake_next(mini);
        true
    }
}

impl Model for ModelSemaphore {
    const OWN: u8 = 1;

    fn step(&mut self, mini: &mut Mini, task: usize, cancelled: bool) {
        match mini.tasks[task].pc {
            Pc::New if self.locked(mini) => {
                self.waiters.push(task);
                return mini.waits(task, Pc::Waits(0));
            }
            Pc::New => self.value -= 1,
            Pc::Waits(_) => {
                self.waiters.retain(|other| *other != task);
                if cancelled && !mini.is_cancelled(task) {
                    self.value = self.bound.min(self.value + 1); // it had been woken
                }
                while self.value > 0 && self.wake_next(mini) {}
                if cancelled {
                    return mini.ends(task);
                }
            }
            _ => {
                self.release(mini);
                return mini.ends(task);
            }
        }
        mini.tell(format!("{task} in"));
        mini.waits(task, Pc::Gate);
    }

    fn own(&mut self, mini: &mut Mini, _: u8) {
        self.refused += usize::from(!self.release(mini));
    }

    fn observe(&self, mini: &Mini) -> String {
        format!("{} {} {}", self.value, self.locked(mini), self.refused)
    }
}

/// With how many releases were refused.
struct RealSemaphore<S> {
    semaphore: Rc<S>,
    refused: Cell<usize>,
}

impl<S> RealSemaphore<S> {
    fn of(semaphore: S) -> Self {
        Self {
            semaphore: Rc::new(semaphore),
            refused: Cell::new(0),
        }
    }

    fn count<E>(&self, released: Result<(), E>) {
        let refused = self.refused.get() + usize::from(released.is_err());
        self.refused.set(refused);
    }
}

macro_rules! real {
    ($($semaphore:ty),*) => {
        $(
            impl Real for RealSemaphore<$semaphore> {
                fn body(&self, stage: Stage, task: usize) -> impl Future<Output = ()> + 'static {
                    let semaphore = Rc::clone(&self.semaphore);
                    async move {
                        let _ends = stage.ends(task);
                        let _permit = semaphore.acquire().await.unwrap();
                        stage.tell(format!("{task} in"));
                        stage.gate(task).await;
                    }
                }

                fn own(&self, _: u8) {
                    self.count(self.semaphore.release());
                }

                fn observe(&self) -> String {
                    let Self { semaphore, refused } = self;
                    let free = semaphore.available_permits();
                    format!("{free} {} {}", semaphore.locked(), refused.get())
                }
            }
        )*
    };
}

real!(Semaphore, BoundedSemaphore);

fn model(value: usize, bound: usize) -> ModelSemaphore {
    ModelSemaphore {
        value,
        bound,
        waiters: Vec::new(),
        refused: 0,
    }
}

#[test]
fn a_semaphore_is_what_cpython_has_h1_h2() {
    for value in 0..2 {
        let model = || model(value, Semaphore::PERMITS_MAX);
        let real = || RealSemaphore::of(Semaphore::new(value));
        let runs = every_interleaving(4, 7, model, real);
        assert!(runs > 10_000, "only {runs}");
    }
}

#[test]
fn a_bounded_semaphore_is_what_cpython_has_and_never_has_more_permits_h1_h2() {
    for value in 1..3 {
        let model = || model(value, value);
        let real = || RealSemaphore::of(BoundedSemaphore::new(value));
        let runs = every_interleaving(4, 7, model, real);
        assert!(runs > 10_000, "only {runs}");
    }
}
