//! `OnceCell`, by its documented rules.

use std::rc::Rc;

use asyncio_sync::OnceCell;

use crate::check::{Model, Real, Stage, every_interleaving};
use crate::mini::{Mini, Pc, TASKS};

/// Each task wants the value, and makes it, if it is the one to, when it is told to go on; the
/// second fails at it. Its own operation is `set`.
#[derive(Clone, Default)]
struct ModelCell {
    value: Option<usize>,
    /// Whether somebody makes it, or was woken to.
    making: bool,
    waiters: Vec<usize>,
    /// Who was woken to make it.
    makes: [bool; TASKS],
}

const FAILS: usize = 1;
/// The value of `set`.
const OWN_VALUE: usize = 9;

impl ModelCell {
    /// Whether whoever comes now has to wait.
    fn is_taken(&self, mini: &Mini) -> bool {
        self.making || self.waiters.iter().any(|task| !mini.is_cancelled(*task))
    }

    /// The next who waits is to make it.
    fn hand_on(&mut self, mini: &mut Mini) {
        let next = self.waiters.iter().find(|task| !mini.is_done(**task));
        if let Some(next) = next.copied() {
            self.making = true;
            self.makes[next] = true;
            mini.wake(next);
        }
    }

    fn fill(&mut self, mini: &mut Mini, value: usize) {
        self.value = Some(value);
        self.waiters.iter().for_each(|task| mini.wake(*task));
    }

    fn make(&mut self, mini: &mut Mini, task: usize) {
        self.making = true;
        mini.waits(task, Pc::Gate);
    }

    fn has(&self, mini: &mut Mini, task: usize) {
        mini.tell(format!("{task} has {:?}", self.value));
        mini.ends(task);
    }

    /// The one that makes it gives up.
    fn leaves(&mut self, mini: &mut Mini) {
        self.making = false;
        self.hand_on(mini);
    }
}

impl Model for ModelCell {
    const OWN: u8 = 1;

    fn step(&mut self, mini: &mut Mini, task: usize, cancelled: bool) {
        self.waiters.retain(|other| *other != task);
        match mini.tasks[task].pc {
            Pc::New if self.value.is_some() => self.has(mini, task),
            Pc::New if self.is_taken(mini) => {
                self.waiters.push(task);
                mini.waits(task, Pc::Waits(0));
            }
            Pc::New => self.make(mini, task),
            Pc::Gate if cancelled => {
                self.leaves(mini);
                mini.ends(task);
            }
            Pc::Gate if task == FAILS => {
                self.leaves(mini);
                mini.tell(format!("{task} fails"));
                mini.ends(task);
            }
            Pc::Gate => {
                self.fill(mini, task);
                self.has(mini, task);
            }
            _ if cancelled => {
                if self.makes[task] {
                    self.leaves(mini);
                } else if !self.making && self.value.is_none() {
                    self.hand_on(mini);
                }
                mini.ends(task);
            }
            _ if self.makes[task] => self.make(mini, task),
            _ => self.has(mini, task),
        }
    }

    fn own(&mut self, mini: &mut Mini, _: u8) {
        if self.value.is_none() && !self.is_taken(mini) {
            self.fill(mini, OWN_VALUE);
        }
    }

    fn observe(&self, _: &Mini) -> String {
        format!("{:?}", self.value)
    }
}

impl Real for Rc<OnceCell<usize>> {
    fn body(&self, stage: Stage, task: usize) -> impl Future<Output = ()> + 'static {
        let cell = Rc::clone(self);
        async move {
            let _ends = stage.ends(task);
            let make = async || {
                stage.gate(task).await;
                if task == FAILS { Err(()) } else { Ok(task) }
            };
            match cell.get_or_try_init(make).await {
                Ok(value) => stage.tell(format!("{task} has {:?}", Some(value))),
                Err(()) => stage.tell(format!("{task} fails")),
            }
        }
    }

    fn own(&self, _: u8) {
        let _ = self.set(OWN_VALUE);
    }

    fn observe(&self) -> String {
        format!("{:?}", self.get())
    }
}

#[test]
fn a_cell_is_filled_once_by_whoever_is_next_when_others_fail_h1_h2() {
    let runs = every_interleaving(4, 8, ModelCell::default, || Rc::new(OnceCell::new()));
    assert!(runs > 10_000, "only {runs}");
}
