//! Without the counting allocator nothing is counted, and nothing pretends that it was.

use asyncio_testkit::{Pack, guarded, heap};

#[test]
fn it_is_not_installed() {
    assert!(!heap::is_installed());
}

#[test]
fn a_pack_that_declares_nothing_of_the_heap_works() {
    guarded(|| ());
}

#[test]
#[should_panic(expected = "install `asyncio_testkit::heap::CountingAllocator`")]
fn a_declared_peak_is_refused() {
    Pack::new().peak_bytes_max(1).run(|| ());
}

#[test]
#[should_panic(expected = "install `asyncio_testkit::heap::CountingAllocator`")]
fn counting_a_thread_is_refused() {
    heap::on_this_thread(|| ());
}
