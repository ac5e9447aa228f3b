//! `StreamWriter`: `drain`, closing, and what a lost connection does to who waits.

mod scene;

use std::io;
use std::rc::Rc;

use asyncio_executor::Task;
use asyncio_loop::get_running_loop;
use asyncio_streams::{Stream, StreamReader, StreamWriter};
use asyncio_transports::WriteLimits;
use asyncio_transports::testing::Wire;
use scene::{Pair, bytes, give_up_after, pair, run, turns};

/// Writes more than the wire and the high mark hold.
fn fill(writer: &StreamWriter) -> usize {
    let all = bytes(300_000);
    writer.write(&all);
    assert!(writer.transport().get_write_buffer_size() > WriteLimits::DEFAULT.high);
    all.len()
}

/// A stream that has written more than is taken.
struct Full {
    writer: Rc<StreamWriter>,
    sent: usize,
    theirs: Stream,
    wire: Wire,
    _reader: StreamReader,
}

async fn full() -> Full {
    let Pair { ours, theirs, wire } = pair(100).await;
    let (_reader, writer) = ours.split();
    let sent = fill(&writer);
    let writer = Rc::new(writer);
    Full {
        writer,
        sent,
        theirs,
        wire,
        _reader,
    }
}

/// All of them end, and without an error.
async fn go_on(tasks: Vec<Task<io::Result<()>>>) {
    for task in tasks {
        task.await.unwrap().unwrap();
    }
}

/// Tasks that wait in `drain`.
async fn drainers(writer: &Rc<StreamWriter>, count: usize) -> Vec<Task<io::Result<()>>> {
    let drain = |_| {
        let writer = Rc::clone(writer);
        get_running_loop().create_task(async move { writer.drain().await })
    };
    let tasks: Vec<_> = (0..count).map(drain).collect();
    turns(3).await;
    assert!(tasks.iter().all(|task| !task.done()));
    tasks
}

#[test]
fn a_drain_with_nothing_to_wait_for_does_not_wait_even_for_a_turn() {
    run(|| async {
        let Pair { ours, .. } = pair(100).await;
        ours.writer.write(b"little");
        let drained = give_up_after(1, ours.writer.drain()).await;
        assert!(drained.unwrap().is_ok());
    });
}

#[test]
fn everybody_who_drains_goes_on_when_there_is_room_s4() {
    run(|| async {
        let mut full = full().await;
        let tasks = drainers(&full.writer, 3).await;
        let read = full.theirs.reader.readexactly(full.sent).await.unwrap();
        assert!(read == bytes(full.sent));
        go_on(tasks).await;
        assert!(full.writer.transport().get_write_buffer_size() <= WriteLimits::DEFAULT.low);
    });
}

#[test]
fn a_break_reaches_everybody_who_drains_s4() {
    run(|| async {
        let Full { writer, wire, .. } = &full().await;
        let tasks = drainers(writer, 3).await;
        wire.reset();
        for task in tasks {
            let error = task.await.unwrap().unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        }
        let error = writer.drain().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        let error = writer.wait_closed().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    });
}

#[test]
fn an_end_in_order_is_no_error_for_who_drains_s4() {
    run(|| async {
        let Full { writer, .. } = &full().await;
        let tasks = drainers(writer, 2).await;
        // asyncio: `connection_lost(None)` ends the wait, and the next one fails.
        writer.transport().abort();
        go_on(tasks).await;
        let error = writer.drain().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        assert_eq!(error.to_string(), "connection lost");
        assert!(writer.wait_closed().await.is_ok());
    });
}

#[test]
fn one_drain_that_is_cancelled_leaves_the_others_s4() {
    run(|| async {
        let mut full = full().await;
        let mut tasks = drainers(&full.writer, 3).await;
        let cancelled = tasks.remove(1);
        cancelled.cancel();
        assert!(cancelled.await.is_err());
        full.theirs.reader.readexactly(full.sent).await.unwrap();
        go_on(tasks).await;
    });
}

#[test]
fn a_drain_after_close_waits_for_what_is_unwritten_s4() {
    run(|| async {
        let mut full = full().await;
        let writer = Rc::clone(&full.writer);
        writer.close();
        let tasks = drainers(&writer, 1).await;
        full.theirs.reader.readexactly(full.sent).await.unwrap();
        go_on(tasks).await;
        writer.wait_closed().await.unwrap();
        // A loop of writes to a closed stream gets to know, and gets its turns.
        let error = writer.drain().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    });
}

#[test]
fn closing_writes_everything_first() {
    run(|| async {
        let Pair {
            ours, mut theirs, ..
        } = pair(100).await;
        assert!(!ours.writer.is_closing());
        let sent = fill(&ours.writer);
        ours.writer.close();
        assert!(ours.writer.is_closing());
        ours.writer.write(b"too late");
        let mut closed = get_running_loop().create_task(async move {
            ours.writer.wait_closed().await.unwrap();
            ours
        });
        turns(5).await;
        assert!(!closed.done());
        assert!(theirs.reader.read_to_end().await.unwrap() == bytes(sent));
        (&mut closed).await.unwrap();
    });
}

#[test]
fn dropping_the_writer_closes_in_order() {
    run(|| async {
        let Pair {
            ours, mut theirs, ..
        } = pair(100).await;
        let (reader, writer) = ours.split();
        let sent = fill(&writer);
        drop(writer);
        assert!(theirs.reader.read_to_end().await.unwrap() == bytes(sent));
        turns(3).await;
        assert!(reader.at_eof());
    });
}

#[test]
fn one_direction_is_ended_and_the_other_goes_on() {
    run(|| async {
        let Pair {
            mut ours,
            mut theirs,
            ..
        } = pair(100).await;
        assert!(ours.writer.can_write_eof());
        ours.writer.write(b"question");
        ours.writer.write_eof();
        assert_eq!(theirs.reader.read_to_end().await.unwrap(), b"question");
        assert!(!theirs.writer.is_closing());
        theirs.writer.writelines([&b"an"[..], b"", b"swer"]);
        theirs.writer.close();
        assert_eq!(ours.reader.read_to_end().await.unwrap(), b"answer");
        assert!(!ours.writer.is_closing());
    });
}

#[test]
fn buffers_are_written_in_order_whoever_owns_them() {
    run(|| async {
        let Pair {
            ours,
            mut theirs,
            wire,
        } = pair(100).await;
        let own: Wire = ours.writer.get_extra_info().unwrap();
        own.set_capacity(10);
        drop(wire);
        let all = bytes(100_000);
        ours.writer.write(&all[..30_000]);
        ours.writer.write_owned(all[30_000..80_000].to_vec());
        ours.writer
            .writelines([&all[80_000..80_001], &all[80_001..]]);
        ours.writer.write_eof();
        assert!(theirs.reader.read_to_end().await.unwrap() == all);
    });
}

#[test]
fn a_writer_that_drains_keeps_no_more_than_the_high_mark() {
    run(|| async {
        let Pair {
            ours, mut theirs, ..
        } = pair(100).await;
        let writing = get_running_loop().create_task(async move {
            let mut most = 0;
            for _ in 0..1000 {
                ours.writer.write(&bytes(1000));
                most = most.max(ours.writer.transport().get_write_buffer_size());
                ours.writer.drain().await.unwrap();
            }
            most
        });
        assert_eq!(theirs.reader.read_to_end().await.unwrap().len(), 1_000_000);
        let most = writing.await.unwrap();
        assert!(most <= WriteLimits::DEFAULT.high + 1000, "{most}");
    });
}
