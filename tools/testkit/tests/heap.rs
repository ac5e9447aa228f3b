//! The counting allocator counts what is asked of it, of the process and of each thread.

use std::hint::black_box;
use std::thread;

use asyncio_testkit::exclusive;
use asyncio_testkit::heap::{self, CountingAllocator, Use};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

#[test]
fn it_is_installed_when_it_is_the_global_allocator() {
    assert!(heap::is_installed());
}

#[test]
fn a_box_is_one_allocation_and_its_drop_gives_the_bytes_back() {
    let (boxed, used) = heap::on_this_thread(|| black_box(Box::new([0_u8; 24])));
    assert_eq!(
        used,
        Use {
            allocations: 1,
            live_bytes: 24
        }
    );
    let ((), used) = heap::on_this_thread(|| drop(boxed));
    assert_eq!(
        used,
        Use {
            allocations: 0,
            live_bytes: -24
        }
    );
}

#[test]
fn growth_of_a_buffer_counts_as_an_allocation() {
    let mut bytes: Vec<u8> = Vec::with_capacity(10);
    let ((), used) = heap::on_this_thread(|| black_box(&mut bytes).reserve_exact(100));
    assert_eq!(
        used,
        Use {
            allocations: 1,
            live_bytes: 90
        }
    );
}

#[test]
fn zeroed_memory_is_counted_and_is_zero() {
    let (bytes, used) = heap::on_this_thread(|| black_box(vec![0_u8; 64]));
    assert_eq!(
        used,
        Use {
            allocations: 1,
            live_bytes: 64
        }
    );
    assert!(bytes.iter().all(|&byte| byte == 0));
}

#[test]
fn another_thread_does_not_count_here() {
    let (spawned, _) = heap::on_this_thread(|| {
        thread::spawn(|| heap::on_this_thread(|| black_box(vec![1_u8; 5000])).1)
    });
    let (there, here) = heap::on_this_thread(|| spawned.join().unwrap());
    assert_eq!(there.live_bytes, 5000);
    assert!(here.live_bytes < 5000, "{here:?}");
}

#[test]
fn the_process_counters_follow_live_bytes_and_peak() {
    // The bound is half of what is allocated, so that libtest's own thread does not matter.
    const BYTES: usize = 1 << 20;
    let _alone = exclusive();
    heap::reset_peak();
    let (live, allocations) = (heap::live_bytes(), heap::allocations());
    let bytes = black_box(vec![0_u8; BYTES]);
    assert!(heap::live_bytes() > live + BYTES / 2);
    assert!(heap::allocations() > allocations);
    drop(bytes);
    assert!(heap::live_bytes() < live + BYTES / 2);
    assert!(heap::peak_bytes() > live + BYTES / 2);
    heap::reset_peak();
    assert!(heap::peak_bytes() < live + BYTES / 2);
}
