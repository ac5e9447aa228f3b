//! asyncio for Rust and its peers, measured in one run.
//!
//! The program is `main.rs`; this library is its parts, so that tests can reach them. From the
//! bottom: [`meter`] and [`allocations`] count, [`runtime`] says what a runtime must offer,
//! [`cases`] hold the work, generic over it, [`contenders`] fill it in, [`harness`] takes samples
//! in processes of their own and in turns, [`statistics`] compares them pair by pair, [`targets`]
//! holds what is to be reached, [`report`] prints. How to run and read it is in the package's
//! README.
//!
//! It depends on large runtimes that nothing else in the workspace needs, so it is not one of the
//! default members, and no other crate may depend on it.

#![deny(unsafe_code)] // `allocations` is the one exception: a global allocator

pub mod allocations;
pub mod cases;
pub mod command_line;
pub mod contenders;
pub mod cores;
pub mod harness;
pub mod instructions;
pub mod load;
pub mod meter;
pub mod report;
pub mod runtime;
pub mod statistics;
pub mod targets;
