//! Programs that end with their thread, among its thread-local values: half-way through, and from
//! their beginning.

#![cfg(feature = "full")]

use asyncio::{
    EventLoop, Lock, create_task, gather, get_running_loop, open_connection, sleep, start_server,
    timeout, to_thread,
};
use asyncio_testkit::{Watchdog, at_thread_end};
use std::rc::Rc;
use std::sync::Mutex;
use std::time::Duration;

const LATER: Duration = Duration::from_secs(99);

/// What was caught and reported, by any test: nothing should be.
static REPORTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn ends_well<T: 'static>(make: impl Fn() -> T + Send + 'static) {
    let _watchdog = Watchdog::start("the end of a thread", Duration::from_secs(60));
    at_thread_end(make);
    assert_eq!(*REPORTS.lock().unwrap(), [""; 0]);
}

/// A bit of everything, of which some is over and some goes on.
async fn program() -> impl Sized {
    get_running_loop().set_exception_handler(Some(Rc::new(|context| {
        REPORTS.lock().unwrap().push(context.to_string());
    })));
    let server = start_server(
        async |mut reader, writer| {
            let line = reader.readline().await.unwrap();
            writer.write(&line);
            sleep(LATER).await;
        },
        ("127.0.0.1", 0),
    );
    let server = server.await.unwrap();
    let address = server.sockets()[0].getsockname().unwrap();
    let (mut reader, writer) = open_connection(address.as_socket().unwrap()).await.unwrap();
    writer.write(b"a line\n");
    assert_eq!(reader.readline().await.unwrap(), b"a line\n");
    assert_eq!(to_thread(|| 1 + 1).await.unwrap(), 2);

    let lock = Rc::new(Lock::new(()));
    let holder = lock.clone();
    let waits = create_task(async move {
        let _guard = lock.acquire().await;
        timeout(LATER, reader.readline()).await.is_ok()
    });
    let waits_for_it = create_task(async move {
        let _guard = holder.acquire().await;
    });
    let both = gather((waits, create_task(sleep(LATER))));
    sleep(Duration::ZERO).await;
    (server, writer, waits_for_it, both)
}

#[test]
fn a_loop_with_everything_under_way_is_dropped_with_its_thread() {
    ends_well(|| {
        let event_loop = EventLoop::new().unwrap();
        let kept = event_loop.run_until_complete(program()).unwrap();
        (event_loop, kept)
    });
    ends_well(|| {
        let event_loop = EventLoop::new().unwrap();
        let kept = event_loop.run_until_complete(program()).unwrap();
        (kept, event_loop)
    });
}

#[test]
fn a_program_may_run_while_the_thread_ends() {
    struct RunsAtTheEnd;
    impl Drop for RunsAtTheEnd {
        fn drop(&mut self) {
            asyncio::run(program()).unwrap();
        }
    }
    ends_well(|| {
        asyncio::run(program()).unwrap();
        RunsAtTheEnd
    });
}
