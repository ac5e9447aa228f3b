//! A run leaves the process as it found it: no descriptor, no thread, no memory.
//!
//! Alone in its binary, since it looks at the whole process.

use asyncio::{create_task, to_thread};
use asyncio_testkit::heap::CountingAllocator;

#[global_allocator]
static HEAP: CountingAllocator = CountingAllocator;

#[test]
fn a_run_leaves_nothing_behind() {
    asyncio_testkit::guarded(|| {
        asyncio::run(async {
            create_task(std::future::pending::<()>()).detach();
            assert_eq!(to_thread(|| 1 + 1).await.unwrap(), 2);
        })
        .unwrap();
    });
}
