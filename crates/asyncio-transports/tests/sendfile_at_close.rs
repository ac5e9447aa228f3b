//! A loop that is closed while files are sent. A binary of its own: it counts descriptors.

mod file_scene;
mod net;
mod stream_scene;

use asyncio_loop::create_task;
use asyncio_transports::testing::memory_pair;
use asyncio_transports::{Transport, sendfile};
use file_scene::Source;
use net::guarded_run;
use std::rc::Rc;
use stream_scene::{Kind, Log, Recorder, connect, turns};

#[test]
fn a_loop_that_closes_while_files_are_sent_leaves_nothing_behind() {
    guarded_run(async |_| {
        let log = Log::default();
        // Read by the thread pool, and written.
        let (left, right) = memory_pair();
        let (one, _) = left.start(Recorder::new(&log)).unwrap();
        let (other, _) = right.start(Recorder::new(&log)).unwrap();
        turns(1).await;
        other.pause_reading();
        send(one);
        // Sent by the kernel; nobody reads.
        let (one, _protocol, _far) = connect(Kind::Tcp, Recorder::new(&log)).await;
        send(one);
        turns(3).await;
    });
}

/// A task that sends more than is taken.
fn send(to: Rc<dyn Transport>) {
    let source = Source::new(16 * 1024 * 1024);
    let sending = create_task(async move { sendfile(&*to, &source.file).await });
    drop(sending); // it goes on
}
