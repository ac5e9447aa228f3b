//! Code runs on a stack of the size asked for.

use std::hint::black_box;

use asyncio_testkit::{Child, run_with_stack};

/// Uses about `kib` KiB of stack.
fn deep(kib: u32) -> u64 {
    let block = black_box([1_u8; 1024]);
    let below = if kib == 0 { 0 } else { deep(kib - 1) };
    below + u64::from(black_box(&block)[17])
}

#[test]
fn the_value_comes_back() {
    let text = String::from("borrowed");
    assert_eq!(run_with_stack(128 * 1024, || text.len()), 8);
}

#[test]
#[should_panic(expected = "in the depth")]
fn a_panic_comes_back() {
    run_with_stack(128 * 1024, || panic!("in the depth"));
}

#[test]
fn a_large_stack_carries_what_a_small_one_does_not() {
    assert_eq!(run_with_stack(64 << 20, || deep(8 << 10)), (8 << 10) + 1);
    let outcome = Child::new("a_large_stack_carries_what_a_small_one_does_not")
        .run(|| assert_eq!(run_with_stack(256 << 10, || deep(8 << 10)), (8 << 10) + 1));
    let outcome = outcome.expect("the child does not come here");
    assert!(!outcome.status.success());
    assert!(
        outcome.stderr.contains("overflowed its stack"),
        "{}",
        outcome.stderr
    );
}
