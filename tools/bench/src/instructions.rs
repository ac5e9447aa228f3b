//! Instructions per operation, counted by valgrind's callgrind.
//!
//! Instructions do not depend on what else the machine does, so they tell a change of one percent
//! apart from noise, where times cannot. They do not show waiting, cache misses or system calls.
//! Each contender runs twice, with N and with 2 N operations; the difference is N operations and
//! their tenth of warm-up, without start and end.

use std::process::{Command, Stdio};

use crate::cases::{Case, Params};
use crate::contenders::Contender;
use crate::harness::{Failure, prepare, sample_command};

/// Instructions for each operation of `case` by `contender`, from about `ops` operations.
///
/// # Errors
///
/// If valgrind is not there, or the sample fails under it, as with system calls that it does not
/// know.
pub fn per_op(case: &Case, contender: &Contender, ops: u64) -> Result<f64, Failure> {
    let ops = ops.next_multiple_of(10 * case.batch); // so that a tenth is whole batches, too
    let small = count(case, contender, case.params(ops))?;
    let large = count(case, contender, case.params(2 * ops))?;
    Ok(large.saturating_sub(small) as f64 / (ops + ops / 10) as f64)
}

fn count(case: &Case, contender: &Contender, params: Params) -> Result<u64, Failure> {
    if contender.measure(case.name).is_none() {
        return Err(Failure::NoPart);
    }
    let words = sample_command(case, contender, params).map_err(Failure::Process)?;
    let output = prepare(
        Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .args(words),
    )
    .stdout(Stdio::null())
    .output()
    .map_err(Failure::Process)?;
    let log = String::from_utf8_lossy(&output.stderr);
    let collected = log
        .lines()
        .find_map(|line| line.split_once("Collected : "))
        .and_then(|(_, count)| count.trim().parse().ok());
    match collected {
        Some(count) if output.status.success() => Ok(count),
        _ => Err(Failure::Ended(format!(
            "{}: {}",
            output.status,
            log.lines().last().unwrap_or("valgrind said nothing")
        ))),
    }
}
