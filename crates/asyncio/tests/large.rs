//! Programs whose main future is larger than what is left of a stack.

use std::time::Duration;

/// The thread that runs it has two mebibytes, as every thread has by default.
#[test]
fn a_main_future_of_a_quarter_mebibyte_runs_on_a_thread_w17() {
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(|| {
        asyncio::run(async {
            let mut buffer = [1_u8; 256 << 10];
            asyncio::sleep(Duration::from_millis(1)).await;
            std::hint::black_box(&mut buffer)[77]
        })
    });
    assert_eq!(thread.unwrap().join().unwrap(), Ok(1));
}
