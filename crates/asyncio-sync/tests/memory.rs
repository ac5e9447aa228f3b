//! A warm wait allocates nothing, and the memory of a rush is given back.

mod stage;

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Waker};

use asyncio_sync::{Barrier, Event, Lock, Queue, Semaphore};
use asyncio_testkit::cpu_time;
use asyncio_testkit::heap::{self, CountingAllocator};
use stage::yields;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Allocations of a warm second call.
fn allocations(mut code: impl FnMut()) -> u64 {
    code();
    heap::on_this_thread(code).1.allocations
}

/// Polls every future until all are ready; they wake each other by being polled.
fn finish<F: Future + Unpin, const N: usize>(mut futures: [F; N]) -> [F::Output; N] {
    let mut cx = Context::from_waker(Waker::noop());
    let mut outputs = [const { None }; N];
    for _ in 0..100 {
        for (future, output) in futures.iter_mut().zip(&mut outputs) {
            if output.is_none()
                && let std::task::Poll::Ready(value) = Pin::new(future).poll(&mut cx)
            {
                *output = Some(value);
            }
        }
        if outputs.iter().all(Option::is_some) {
            return outputs.map(|output| output.expect("all are there"));
        }
    }
    panic!("not ready after a hundred rounds");
}

#[test]
fn a_wait_that_is_warm_allocates_nothing() {
    let mut cx = Context::from_waker(Waker::noop());

    let lock = Lock::new(());
    let locks = allocations(|| {
        let guard = lock.try_acquire().unwrap();
        let mut waits = [(); 3].map(|()| lock.acquire());
        for wait in &mut waits {
            assert!(Pin::new(wait).poll(&mut cx).is_pending());
        }
        drop(guard);
        for wait in waits {
            drop(finish([wait]));
        }
    });

    let semaphore = Semaphore::new(0);
    let semaphores = allocations(|| {
        let mut waits = [(); 3].map(|()| semaphore.acquire());
        for wait in &mut waits {
            assert!(Pin::new(wait).poll(&mut cx).is_pending());
        }
        semaphore.add_permits(3).unwrap();
        for permit in finish(waits) {
            permit.unwrap().forget();
        }
    });

    let event = Event::new();
    let events = allocations(|| {
        let mut waits = [(); 3].map(|()| event.wait());
        for wait in &mut waits {
            assert!(Pin::new(wait).poll(&mut cx).is_pending());
        }
        event.set();
        event.clear();
        finish(waits);
    });

    let queue = Queue::new(2);
    let queues = allocations(|| {
        let mut gets = [(); 2].map(|()| queue.get());
        for get in &mut gets {
            assert!(Pin::new(get).poll(&mut cx).is_pending());
        }
        queue.put_nowait(1).unwrap();
        queue.put_nowait(2).unwrap();
        assert_eq!(finish(gets), [Ok(1), Ok(2)]);
    });

    let barrier = Barrier::new(3);
    let barriers = allocations(|| {
        let places = finish([(); 3].map(|()| barrier.wait()));
        assert!(places.iter().all(Result::is_ok));
    });

    assert_eq!([locks, semaphores, events, queues, barriers], [0; 5]);
}

#[test]
fn the_memory_of_a_rush_is_given_back() {
    const WAITS: usize = 20_000;
    let lock = Lock::new(());
    let guard = lock.try_acquire().unwrap();
    let mut cx = Context::from_waker(Waker::noop());
    let mut waits: Vec<_> = (0..WAITS).map(|_| lock.acquire()).collect();
    let ((), used) = heap::on_this_thread(|| {
        for wait in &mut waits {
            assert!(Pin::new(wait).poll(&mut cx).is_pending());
        }
        waits.clear();
    });
    drop(guard);
    assert!(used.allocations > 0, "it did not measure");
    assert!(used.live_bytes <= 0, "{} bytes are kept", used.live_bytes);
    assert!(format!("{lock:?}").contains("waiters: 0"));
}

/// Whom a wake-up passes over is looked at once, however many are cancelled in a turn.
#[test]
fn a_rush_of_cancelled_waits_takes_no_time_that_grows_with_its_square() {
    const TASKS: usize = 20_000;
    let stage = stage::Stage::new();
    let semaphore = Rc::new(Semaphore::new(0));
    let tasks: Vec<_> = (0..2 * TASKS)
        .map(|_| {
            let semaphore = semaphore.clone();
            stage.task(|_| async move {
                semaphore.acquire().await.unwrap().forget();
                yields(1).await;
            })
        })
        .collect();
    stage.turn();
    tasks[..TASKS].iter().for_each(|task| {
        task.cancel();
    });
    let before = cpu_time().unwrap_or_default();
    for _ in 0..TASKS {
        semaphore.release().unwrap();
    }
    let took = cpu_time().unwrap_or_default() - before;
    stage.settle();
    assert!(tasks[..TASKS].iter().all(|task| task.cancelled()));
    assert!(tasks.iter().all(|task| task.done()));
    // The square of it is 400 million looks, which take many seconds.
    assert!(took.as_secs() < 2, "{took:?}");
}
