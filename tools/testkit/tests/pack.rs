//! The pack passes what leaves nothing behind, and names what is left behind.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use asyncio_testkit::heap::CountingAllocator;
use asyncio_testkit::{Pack, cpu_time, guarded};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// A pack that does not wait long for what will never go away.
fn hasty<'a>() -> Pack<'a> {
    Pack::new().settle_time_max(Duration::from_millis(50))
}

/// What the pack says about a scenario that it must refuse.
fn refusal(pack: Pack<'_>, scenario: impl FnMut()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(|| pack.run(scenario)))
        .expect_err("the pack let the scenario pass");
    match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => panic.downcast_ref::<&str>().expect("a message").to_string(),
    }
}

#[test]
fn a_scenario_that_cleans_up_passes() {
    guarded(|| {
        let file = File::open("Cargo.toml").unwrap();
        let bytes = black_box(vec![0_u8; 4096]);
        thread::spawn(move || drop((file, bytes))).join().unwrap();
    });
}

#[test]
fn what_only_the_first_run_takes_is_no_leak() {
    let cache = RefCell::new(None);
    guarded(|| {
        cache
            .borrow_mut()
            .get_or_insert_with(|| (File::open("Cargo.toml"), vec![0_u8; 4096]));
    });
}

#[test]
#[cfg(target_os = "linux")]
fn a_descriptor_left_open_is_named() {
    let files = RefCell::new(Vec::new());
    let leak = || files.borrow_mut().push(File::open("Cargo.toml").unwrap());
    let message = refusal(hasty(), leak);
    assert!(message.contains("descriptors left open"), "{message}");
    assert!(message.contains("Cargo.toml"), "{message}");
    assert!(
        message.starts_with("a_descriptor_left_open_is_named:"),
        "{message}"
    );
}

#[test]
#[cfg(target_os = "linux")]
fn a_declared_descriptor_may_stay() {
    let files = RefCell::new(Vec::with_capacity(16));
    hasty()
        .descriptors_left_max(1)
        .run(|| files.borrow_mut().push(File::open("Cargo.toml").unwrap()));
}

#[test]
#[cfg(target_os = "linux")]
fn a_foreign_descriptor_that_was_closed_is_named() {
    let file = RefCell::new(Some(File::open("Cargo.toml").unwrap()));
    let rounds = Cell::new(0);
    let message = refusal(hasty(), || {
        rounds.set(rounds.get() + 1);
        if rounds.get() == 2 {
            file.borrow_mut().take();
        }
    });
    assert!(
        message.contains("descriptors closed that were open before"),
        "{message}"
    );
}

#[test]
#[cfg(target_os = "linux")]
fn a_thread_left_running_is_named() {
    let threads = RefCell::new(Vec::new());
    let leak = || {
        let (stop, stopped) = mpsc::channel::<()>();
        let thread = thread::Builder::new().name("left-behind".into());
        let thread = thread.spawn(move || stopped.recv().is_err()).unwrap();
        threads.borrow_mut().push((stop, thread));
    };
    let message = refusal(hasty(), leak);
    assert!(message.contains("threads left running"), "{message}");
    assert!(message.contains("left-behind"), "{message}");
    for (stop, thread) in threads.into_inner() {
        drop(stop);
        assert!(thread.join().unwrap());
    }
}

#[test]
fn a_thread_that_ends_a_little_later_is_waited_for() {
    let threads = RefCell::new(Vec::with_capacity(16));
    guarded(|| {
        // Not joined: the pack waits for it. Real time: its end is what is being waited for.
        let thread = thread::spawn(|| thread::sleep(Duration::from_millis(20)));
        threads.borrow_mut().push(thread.thread().id());
    });
}

#[test]
#[cfg(target_os = "linux")]
fn a_child_nobody_waited_for_is_named() {
    let children: RefCell<Vec<Child>> = RefCell::new(Vec::new());
    let leak = || {
        if children.borrow().is_empty() {
            let round_is_warm_up = Command::new("true").status().unwrap();
            assert!(round_is_warm_up.success());
        }
        let child = Command::new("true").stdin(Stdio::null()).spawn().unwrap();
        children.borrow_mut().push(child);
        if children.borrow().len() == 1 {
            children.borrow_mut()[0].wait().unwrap();
        }
    };
    let message = refusal(hasty(), leak);
    assert!(message.contains("child process"), "{message}");
    for mut child in children.into_inner() {
        child.wait().unwrap();
    }
}

#[test]
fn heap_bytes_left_allocated_are_counted() {
    let kept: RefCell<Vec<Vec<u8>>> = RefCell::new(Vec::with_capacity(16));
    let leak = || kept.borrow_mut().push(black_box(Vec::with_capacity(1000)));
    let message = refusal(hasty(), leak);
    assert!(
        message.contains("1000 heap bytes left allocated by every run"),
        "{message}"
    );
}

#[test]
fn declared_heap_growth_may_stay() {
    let kept: RefCell<Vec<Vec<u8>>> = RefCell::new(Vec::with_capacity(16));
    hasty()
        .heap_growth_bytes_max(1000)
        .run(|| kept.borrow_mut().push(black_box(Vec::with_capacity(1000))));
}

#[test]
fn a_peak_over_the_declared_one_is_refused() {
    let scenario = || drop(black_box(vec![0_u8; 100_000]));
    Pack::new().peak_bytes_max(110_000).run(scenario);
    let message = refusal(Pack::new().peak_bytes_max(90_000), scenario);
    assert!(
        message.contains("heap bytes at once, 90000 declared"),
        "{message}"
    );
}

#[test]
#[cfg(unix)]
fn a_spin_is_refused() {
    let limit = Duration::from_millis(5);
    let spin = || {
        let start = cpu_time().unwrap();
        while cpu_time().unwrap() - start <= limit * 2 {}
    };
    let message = refusal(Pack::new().cpu_time_max(limit), spin);
    assert!(
        message.contains("of CPU time used, 5ms declared"),
        "{message}"
    );
}

#[test]
fn a_counter_may_grow_as_declared_and_no_further() {
    let turns = Cell::new(0_u64);
    let scenario = || turns.set(turns.get() + 3);
    Pack::new()
        .counter("turns", 3, || turns.get())
        .run(scenario);
    let message = refusal(Pack::new().counter("turns", 2, || turns.get()), scenario);
    assert!(message.contains("turns grew by 3, 2 declared"), "{message}");
}

#[test]
fn a_panic_of_the_scenario_is_passed_on() {
    let message = refusal(Pack::new(), || panic!("its own"));
    assert_eq!(message, "its own");
}
