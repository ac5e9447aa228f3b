//! `ConcurrentFuture` and `ConcurrentPromise`: states, waiting in both worlds, callbacks.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use asyncio_blocking::{ConcurrentPromise, Job, JobError, JobPanic, ResultError};
use futures_lite::future::block_on;

/// Counts how often it is woken.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

const LONG: Option<Duration> = Some(Duration::from_secs(20));
const NOW: Option<Duration> = Some(Duration::ZERO);

#[test]
fn the_states_follow_the_promise() {
    let (promise, mut future) = ConcurrentPromise::new();
    assert!(!future.running() && !future.done() && !future.cancelled());
    assert!(promise.set_running_or_notify_cancel());
    assert!(future.running() && !future.done());
    assert!(!future.cancel(), "a running job cannot be cancelled");
    promise.set_result(7).unwrap();
    assert!(future.done() && !future.running() && !future.cancelled());
    assert!(!future.cancel(), "nor can a finished one");
    assert_eq!(future.result(NOW).unwrap(), 7);
}

#[test]
fn the_value_is_taken_once() {
    let (promise, mut future) = ConcurrentPromise::new();
    promise.set_result(String::from("one")).unwrap();
    assert_eq!(future.result(None).unwrap(), "one");
    assert!(matches!(
        future.result(None),
        Err(ResultError::Job(JobError::Taken))
    ));
    assert!(matches!(block_on(&mut future), Err(JobError::Taken)));
}

#[test]
fn a_cancelled_future_says_so_as_often_as_asked() {
    let (promise, mut future) = ConcurrentPromise::<()>::new();
    assert!(future.cancel());
    assert!(future.cancel(), "true again");
    assert!(future.cancelled() && future.done());
    assert!(!promise.set_running_or_notify_cancel());
    for _ in 0..2 {
        assert!(matches!(
            future.result(None),
            Err(ResultError::Job(JobError::Cancelled))
        ));
    }
    assert!(block_on(future).unwrap_err().is_cancelled());
}

#[test]
fn a_result_that_comes_after_the_cancellation_is_given_back() {
    let (promise, future) = ConcurrentPromise::new();
    assert!(future.cancel());
    assert_eq!(promise.set_result("late"), Err("late"));

    let (promise, future) = ConcurrentPromise::<()>::new();
    assert!(future.cancel());
    let back = promise.set_panic(Box::new(5_u8)).unwrap_err();
    assert_eq!(back.downcast_ref(), Some(&5_u8));
}

#[test]
fn a_promise_that_is_dropped_cancels_its_future() {
    let (promise, mut future) = ConcurrentPromise::<()>::new();
    assert!(promise.set_running_or_notify_cancel());
    drop(promise);
    assert!(future.cancelled());
    assert!(matches!(
        future.result(None),
        Err(ResultError::Job(JobError::Cancelled))
    ));
}

#[test]
fn a_job_that_is_dropped_cancels_its_future_and_drops_its_closure() {
    let held = Arc::new(());
    let inside = Arc::clone(&held);
    let (job, mut future) = Job::new(move || drop(inside));
    drop(job);
    assert_eq!(Arc::strong_count(&held), 1);
    assert!(matches!(
        future.result(None),
        Err(ResultError::Job(JobError::Cancelled))
    ));
}

#[test]
fn cancelling_drops_the_closure_at_once() {
    let held = Arc::new(());
    let inside = Arc::clone(&held);
    let (job, future) = Job::new(move || drop(inside));
    assert!(!job.cancelled());
    assert!(future.cancel());
    assert_eq!(Arc::strong_count(&held), 1);
    assert!(job.cancelled());
    job.run();
}

#[test]
fn a_job_can_be_failed_by_its_executor() {
    let (job, mut future) = Job::new(|| ());
    job.fail(JobError::Panicked(JobPanic::new(Box::new("made up"))));
    let Err(ResultError::Job(error)) = future.result(None) else {
        panic!("no error")
    };
    assert_eq!(error.to_string(), "the job panicked: made up");
    assert_eq!(
        error.into_panic().unwrap().into_inner().downcast_ref(),
        Some(&"made up")
    );
}

#[test]
fn a_time_out_leaves_the_future_as_it_was() {
    let (promise, mut future) = ConcurrentPromise::new();
    assert!(matches!(future.result(NOW), Err(ResultError::TimedOut)));
    assert!(matches!(
        future.result(Some(Duration::from_millis(1))),
        Err(ResultError::TimedOut)
    ));
    assert!(!future.wait(NOW));
    promise.set_result(1).unwrap();
    assert!(future.wait(NOW));
    assert_eq!(future.result(NOW).unwrap(), 1);
}

/// A time-out that no clock can express is no time-out.
#[test]
fn the_longest_timeout_is_for_ever_p7() {
    let (promise, mut future) = ConcurrentPromise::new();
    let waiter = thread::spawn(move || future.result(Some(Duration::MAX)));
    promise.set_result(3).unwrap();
    assert_eq!(waiter.join().unwrap().unwrap(), 3);
}

#[test]
fn many_threads_can_wait_for_one_future() {
    let (promise, mut future) = ConcurrentPromise::new();
    let waiters: Vec<_> = (0..4)
        .map(|_| {
            let reference = future.reference();
            thread::spawn(move || reference.wait(LONG))
        })
        .collect();
    promise.set_result(()).unwrap();
    assert!(waiters.into_iter().all(|waiter| waiter.join().unwrap()));
    future.result(NOW).unwrap();
}

/// The last waker is the one that is woken, and only once.
#[test]
fn the_last_waker_is_kept_w9() {
    let (promise, future) = ConcurrentPromise::new();
    let (first, last) = (Arc::new(Count::default()), Arc::new(Count::default()));
    let mut future = pin!(future);
    for waker in [
        Waker::from(Arc::clone(&first)),
        Waker::from(Arc::clone(&last)),
    ] {
        assert!(
            future
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
        assert!(
            future
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
    }
    assert_eq!(
        Arc::strong_count(&first),
        1,
        "the replaced waker is dropped"
    );
    promise.set_result(()).unwrap();
    assert_eq!(first.0.load(Ordering::SeqCst), 0);
    assert_eq!(last.0.load(Ordering::SeqCst), 1);
    assert_eq!(Arc::strong_count(&last), 1, "so is the one that was woken");
    assert!(
        future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_ready()
    );
}

#[test]
fn cancelling_wakes_who_awaits() {
    let (_promise, future) = ConcurrentPromise::<()>::new();
    let reference = future.reference();
    let count = Arc::new(Count::default());
    let waker = Waker::from(Arc::clone(&count));
    let mut future = pin!(future);
    assert!(
        future
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    assert!(reference.cancel());
    assert_eq!(count.0.load(Ordering::SeqCst), 1);
    let outcome = future.as_mut().poll(&mut Context::from_waker(&waker));
    assert!(matches!(outcome, Poll::Ready(Err(JobError::Cancelled))));
}

#[test]
fn callbacks_are_called_in_order_by_the_completing_thread() {
    let (promise, future) = ConcurrentPromise::new();
    let calls = Arc::new(Mutex::new(Vec::new()));
    for number in 0..3 {
        let calls = Arc::clone(&calls);
        future.add_done_callback(move |future| {
            assert!(future.done());
            calls.lock().unwrap().push((number, thread::current().id()));
        });
    }
    let completer = thread::spawn(move || promise.set_result(()).unwrap());
    let id = completer.thread().id();
    completer.join().unwrap();
    assert_eq!(*calls.lock().unwrap(), [(0, id), (1, id), (2, id)]);
}

#[test]
fn a_callback_that_comes_late_is_called_at_once_by_its_giver() {
    let (promise, future) = ConcurrentPromise::new();
    promise.set_result(()).unwrap();
    let (tell, told) = channel();
    future
        .reference()
        .add_done_callback(move |_| tell.send(thread::current().id()).unwrap());
    assert_eq!(told.try_recv().unwrap(), thread::current().id());
}

#[test]
fn a_callback_may_use_the_future() {
    let (promise, future) = ConcurrentPromise::new();
    let (tell, told) = channel();
    future.add_done_callback(move |future| {
        assert!(!future.cancel());
        assert!(future.wait(None));
        future.add_done_callback(move |_| tell.send("inner").unwrap());
    });
    promise.set_result(()).unwrap();
    assert_eq!(told.try_recv().unwrap(), "inner");
}

/// Each callback completes the next future: called inside each other they would need a million
/// frames. With a quarter of a megabyte of stack.
#[test]
fn a_million_futures_chained_by_callbacks_need_no_stack_w12() {
    let chain = || {
        let (first, mut last) = ConcurrentPromise::new();
        for _ in 0..1_000_000 {
            let (promise, next) = ConcurrentPromise::new();
            last.add_done_callback(move |last| {
                if last.cancelled() {
                    drop(promise);
                } else {
                    promise.set_result(()).unwrap();
                }
            });
            last = next;
        }
        (first, last)
    };
    let small = thread::Builder::new().stack_size(256 * 1024);
    let thread = small.spawn(move || {
        let (first, mut last) = chain();
        first.set_result(()).unwrap();
        last.result(NOW).unwrap();
        let (first, last) = chain();
        drop(first);
        assert!(last.cancelled());
    });
    thread.unwrap().join().unwrap();
}

#[test]
fn callbacks_are_not_called_inside_each_other() {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let log = |text| {
        let calls = Arc::clone(&calls);
        move || calls.lock().unwrap().push(text)
    };
    let (one, first) = ConcurrentPromise::new();
    let (other, second) = ConcurrentPromise::new();
    let (begin, end, next, inner) = (log("begin"), log("end"), log("next"), log("inner"));
    first.add_done_callback(move |_| {
        begin();
        other.set_result(()).unwrap();
        end();
    });
    first.add_done_callback(move |_| next());
    second.add_done_callback(move |_| inner());
    one.set_result(()).unwrap();
    assert_eq!(*calls.lock().unwrap(), ["begin", "end", "next", "inner"]);
}

#[test]
fn a_cancellation_calls_the_callbacks_in_the_cancelling_thread() {
    let (promise, future) = ConcurrentPromise::<()>::new();
    let (tell, told) = channel();
    promise
        .reference()
        .add_done_callback(move |future| tell.send(future.cancelled()).unwrap());
    assert!(future.cancel());
    assert!(told.try_recv().unwrap());
}

#[test]
fn a_future_dropped_in_a_callback_chain_is_dropped_once() {
    let (promise, future) = ConcurrentPromise::new();
    let reference = future.reference();
    reference.add_done_callback(move |_| drop(future));
    let value = Arc::new(());
    promise.set_result(Arc::clone(&value)).unwrap();
    drop(reference);
    assert_eq!(
        Arc::strong_count(&value),
        1,
        "the value goes with the last reference"
    );
}

#[test]
fn errors_become_io_errors() {
    use std::io;
    assert_eq!(
        io::Error::from(ResultError::TimedOut).kind(),
        io::ErrorKind::TimedOut
    );
    assert_eq!(
        io::Error::from(JobError::Cancelled).to_string(),
        "the job was cancelled"
    );
}
