//! The table of cases; one file a family.
//!
//! A family's file holds its rows of the table and the work itself, generic over the runtime.

pub mod connecting;
pub mod datagrams;
pub mod echoing;
pub mod gathering;
pub mod grouping;
pub mod idling;
pub mod locking;
pub mod parking;
pub mod pool;
pub mod queueing;
pub mod relaying;
pub mod scoping;
pub mod sleeping;
pub mod soon;
pub mod spawning;
pub mod threadsafe;
pub mod under_load;
pub mod yielding;

use crate::meter::{Sample, Unit};

/// One row of the table.
#[derive(Debug)]
pub struct Case {
    /// Its name, family first.
    pub name: &'static str,
    /// What is counted.
    pub unit: Unit,
    /// One line for people.
    pub what: &'static str,
    /// The number in its name: tasks, sleeps outstanding, jobs in flight, nanoseconds.
    pub n: u64,
    /// Operations come in multiples of this: `n` where so many are in flight at once, else 1.
    pub batch: u64,
    /// Operations of one sample in quick mode.
    pub quick: u64,
    /// Operations of one sample otherwise.
    pub full: u64,
}

impl Case {
    /// A sample of `ops` operations, rounded up to whole batches.
    pub fn params(&self, ops: u64) -> Params {
        let Self { name, n, batch, .. } = *self;
        Params {
            name,
            n,
            batch,
            ops: ops.max(1).next_multiple_of(batch),
        }
    }
}

/// How large one sample is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Params {
    /// [`Case::name`].
    pub name: &'static str,
    /// [`Case::n`].
    pub n: u64,
    /// [`Case::batch`].
    pub batch: u64,
    /// How many operations, in whole batches; the sample is the cost of one.
    pub ops: u64,
}

impl Params {
    /// A tenth of the work, to fill caches, pools and free lists before what is measured.
    #[must_use]
    pub fn warm_up(self) -> Self {
        Self {
            ops: (self.ops / 10).max(1).next_multiple_of(self.batch),
            ..self
        }
    }

    /// How often to do a batch.
    pub fn rounds(self) -> u64 {
        self.ops / self.batch
    }
}

/// The work of a case: takes one sample on a fresh process's main thread.
pub type Measure = fn(Params) -> Sample;

/// All cases, in the order of the table.
pub fn all() -> impl Iterator<Item = &'static Case> {
    [
        yielding::CASES,
        spawning::CASES,
        parking::CASES,
        soon::CASES,
        sleeping::CASES,
        pool::CASES,
        threadsafe::CASES,
        gathering::CASES,
        grouping::CASES,
        locking::CASES,
        queueing::CASES,
        scoping::CASES,
        echoing::CASES,
        connecting::CASES,
        relaying::CASES,
        idling::CASES,
        datagrams::CASES,
    ]
    .into_iter()
    .flatten()
}

/// The case of that name.
pub fn find(name: &str) -> Option<&'static Case> {
    all().find(|case| case.name == name)
}
