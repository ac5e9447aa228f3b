//! Runs scenarios on the public API of the crates, with a manual clock, and records what happens.
//!
//! Nothing of the model is imitated here: a scenario's `try` is `catch_cancelled` and `finally`,
//! its task groups, timeouts, locks and queues are those of the crates, and what the trace says
//! was said by code in a task or a callback of the loop.
//!
//! | file | idea |
//! |---|---|
//! | [`run`] | one scenario, from the runner to its trace |
//! | [`world`] | what all coroutines of a scenario share: names, variables, the trace |
//! | [`frame`] | one coroutine: its steps in order |
//! | [`acts`] | operations that do not wait |
//! | [`waits`] | operations that do |
//! | [`blocks`] | operations with bodies |
//! | [`evaluate`] | expressions |
//! | [`exception`] | the scenarios' exceptions |
//! | [`named`] | tasks and futures with names, for whoever waits for them |
//! | [`objects`] | locks, semaphores, events, conditions, barriers, queues |
//! | [`hub`] | a group or a shield for which many may wait |

mod acts;
mod blocks;
mod evaluate;
mod exception;
mod frame;
mod hub;
mod named;
mod objects;
mod run;
mod waits;
mod world;

pub use run::{NoTrace, interpret};
