//! Futures that are larger than what is left of a stack.

use std::time::Duration;

use asyncio_loop::{EventLoop, sleep};
use asyncio_testkit::run_with_stack;

async fn huge() -> u8 {
    let mut buffer = [1_u8; 256 << 10];
    sleep(Duration::from_millis(1)).await;
    std::hint::black_box(&mut buffer)[77]
}

/// The future is passed by value a few times on its way, and boxed where it arrives.
#[test]
fn a_main_future_of_a_quarter_mebibyte_runs_on_two_w17() {
    run_with_stack(2 << 20, || {
        let event_loop = EventLoop::new().unwrap();
        assert_eq!(event_loop.run_until_complete(huge()), Ok(1));
    });
}
