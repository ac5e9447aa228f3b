//! Ours without a task group: what the group adds is the difference to `asyncio`.

use super::asyncio::Asyncio;
use super::{Contender, Role};
use crate::cases::spawning;

/// The loop of asyncio-loop, with tasks that are spawned and awaited one by one.
pub const CONTENDER: Contender = Contender {
    name: "by-hand",
    role: Role::Part,
    packages: &["asyncio-loop"],
    about: "our loop; tasks spawned and awaited one by one",
    cases: &[("group/", spawning::measure::<Asyncio>)],
};
