//! Running code on a stack of a given size.

use std::panic::resume_unwind;
use std::thread;

/// Runs `code` on a thread with a stack of about `bytes` bytes and returns its value.
///
/// For showing that depth does not cost stack: what recurses once a task overflows 256 KiB long
/// before it overflows a main thread's 8 MiB. The system may round `bytes` up, and an overflow ends
/// the process, as everywhere.
///
/// # Panics
///
/// With `code`'s panic, and when the thread cannot be started.
///
/// ```
/// assert_eq!(asyncio_testkit::run_with_stack(256 * 1024, || 6 * 7), 42);
/// ```
pub fn run_with_stack<R: Send>(bytes: usize, code: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| {
        let thread = thread::Builder::new()
            .name("small-stack".into())
            .stack_size(bytes)
            .spawn_scoped(scope, code)
            .expect("cannot start a thread");
        thread.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}
