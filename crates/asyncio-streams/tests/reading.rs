//! `read`, `readexactly`, `read_to_end`, `at_eof`, and what becomes of them when a stream breaks.

mod scene;

use std::cell::Cell;
use std::io;
use std::rc::Rc;

use asyncio_executor::yield_now;
use asyncio_loop::{get_running_loop, sleep};
use asyncio_streams::{IncompleteReadError, ReadError};
use scene::{Pair, bytes, give_up_after, pair, run, turns};
use std::time::Duration;

#[track_caller]
fn incomplete(read: Result<Vec<u8>, ReadError>) -> IncompleteReadError {
    match read {
        Err(ReadError::Incomplete(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_read_gives_what_there_is_and_then_the_end() {
    run(|| async {
        let Pair {
            mut ours, theirs, ..
        } = pair(100).await;
        theirs.writer.write(b"hello");
        let mut buffer = [0; 3];
        assert_eq!(ours.reader.read(&mut buffer).await.unwrap(), 3);
        assert_eq!(&buffer, b"hel");
        assert_eq!(ours.reader.read(&mut buffer).await.unwrap(), 2);
        theirs.writer.write_eof();
        for _ in 0..3 {
            assert_eq!(ours.reader.read(&mut buffer).await.unwrap(), 0);
        }
    });
}

#[test]
fn a_read_into_nothing_gives_nothing_at_once_s5() {
    run(|| async {
        let Pair {
            mut ours, theirs, ..
        } = pair(100).await;
        let nothing = give_up_after(1, ours.reader.read(&mut [])).await;
        assert_eq!(nothing.unwrap().unwrap(), 0);
        // It was not the end.
        assert!(!ours.reader.at_eof());
        theirs.writer.write(b"");
        theirs.writer.writelines([&b""[..], b"x", b""]);
        assert_eq!(ours.reader.read(&mut [0; 9]).await.unwrap(), 1);
        assert!(!ours.reader.at_eof());
    });
}

#[test]
fn a_read_waits_until_something_comes() {
    run(|| async {
        let Pair {
            mut ours,
            theirs,
            wire,
        } = pair(100).await;
        wire.set_latency(Duration::from_secs(7));
        let start = get_running_loop().time();
        theirs.writer.write(b"later");
        assert_eq!(ours.reader.read(&mut [0; 9]).await.unwrap(), 5);
        assert_eq!(get_running_loop().time() - start, Duration::from_secs(7));
    });
}

#[test]
fn bytes_go_from_the_transport_into_the_callers_buffer() {
    run(|| async {
        let Pair {
            mut ours,
            theirs,
            wire,
        } = pair(4).await;
        theirs.writer.write(&bytes(1000));
        turns(5).await;
        assert_eq!(wire.unread(), 1000, "nobody has read");
        // More than the limit, which is for separators, and no more than was asked for.
        assert_eq!(ours.reader.read(&mut [0; 600]).await.unwrap(), 600);
        assert_eq!(wire.unread(), 400);
    });
}

#[test]
fn read_exactly_gives_just_so_many() {
    run(|| async {
        let Pair {
            mut ours,
            theirs,
            wire,
        } = pair(4).await;
        let all = bytes(1000);
        theirs.writer.write(&all);
        wire.set_read_max(7);
        assert_eq!(ours.reader.readexactly(0).await.unwrap(), b"");
        assert_eq!(ours.reader.readexactly(500).await.unwrap(), all[..500]);
        assert_eq!(ours.reader.readexactly(1).await.unwrap(), all[500..501]);
        assert_eq!(wire.unread(), 499, "and reads no further");
    });
}

#[test]
fn read_exactly_has_what_came_before_the_end_s2() {
    run(|| async {
        let Pair {
            mut ours, theirs, ..
        } = pair(4).await;
        theirs.writer.write(b"partial");
        theirs.writer.close();
        let error = incomplete(ours.reader.readexactly(8).await);
        assert_eq!(error.partial, b"partial");
        assert_eq!(error.expected, Some(8));
        let text = "7 bytes read on a total of 8 expected bytes";
        assert_eq!(error.to_string(), text);
        // It is in the error, and not in the stream any more.
        assert_eq!(incomplete(ours.reader.readexactly(1).await).partial, b"");
        assert_eq!(ours.reader.readexactly(0).await.unwrap(), b"");
    });
}

#[test]
fn read_exactly_takes_no_memory_before_bytes_come_d1_s2() {
    run(|| async {
        let Pair {
            mut ours, theirs, ..
        } = pair(4).await;
        theirs.writer.write(b"few");
        theirs.writer.close();
        let error = incomplete(ours.reader.readexactly(usize::MAX).await);
        assert_eq!(error.partial, b"few");
        assert_eq!(error.expected, Some(usize::MAX));
    });
}

#[test]
fn read_to_end_gives_all_of_it_s2() {
    run(|| async {
        let Pair {
            mut ours, theirs, ..
        } = pair(4).await;
        let all = bytes(3_000_000);
        let sender = get_running_loop().create_task({
            let all = all.clone();
            async move {
                theirs.writer.write_owned(all);
                theirs.writer.close();
                theirs.writer.wait_closed().await
            }
        });
        assert!(ours.reader.read_to_end().await.unwrap() == all);
        assert!(ours.reader.read_to_end().await.unwrap().is_empty());
        sender.await.unwrap().unwrap();
    });
}

#[test]
fn the_end_is_seen_without_a_read() {
    run(|| async {
        let Pair {
            mut ours, theirs, ..
        } = pair(4).await;
        assert!(!ours.reader.at_eof());
        theirs.writer.write(b"ab");
        theirs.writer.close();
        turns(3).await;
        assert!(!ours.reader.at_eof(), "there is something to read");
        assert_eq!(ours.reader.read(&mut [0]).await.unwrap(), 1);
        assert!(!ours.reader.at_eof());
        assert_eq!(ours.reader.readline().await.unwrap(), b"b");
        assert!(ours.reader.at_eof());
    });
}

#[test]
fn a_broken_connection_fails_every_read_from_then_on() {
    run(|| async {
        let Pair {
            mut ours,
            theirs,
            wire,
        } = pair(100).await;
        theirs.writer.write(b"one\ntwo\n");
        assert_eq!(ours.reader.readline().await.unwrap(), b"one\n");
        wire.reset();
        turns(5).await;
        // asyncio: also before what is buffered.
        for _ in 0..2 {
            let kind = |error: ReadError| io::Error::from(error).kind();
            let reset = io::ErrorKind::ConnectionReset;
            assert_eq!(kind(ours.reader.readline().await.unwrap_err()), reset);
            let until = ours.reader.readuntil(b"o").await;
            assert_eq!(kind(until.unwrap_err()), reset);
            assert_eq!(kind(ours.reader.readexactly(0).await.unwrap_err()), reset);
            let read = ours.reader.read(&mut []).await;
            assert_eq!(read.unwrap_err().kind(), reset);
            let all = ours.reader.read_to_end().await;
            assert_eq!(all.unwrap_err().kind(), reset);
        }
    });
}

#[test]
fn a_break_wakes_who_reads() {
    run(|| async {
        let Pair {
            mut ours,
            wire,
            theirs,
        } = pair(100).await;
        let reading = get_running_loop().create_task(async move {
            let line = ours.reader.readline().await;
            io::Error::from(line.unwrap_err()).kind()
        });
        turns(3).await;
        wire.reset();
        assert_eq!(reading.await.unwrap(), io::ErrorKind::ConnectionReset);
        drop(theirs);
    });
}

#[test]
fn closing_ends_a_read_of_this_side() {
    run(|| async {
        let Pair {
            mut ours, theirs, ..
        } = pair(100).await;
        theirs.writer.write(b"line\nrest");
        assert_eq!(ours.reader.readline().await.unwrap(), b"line\n");
        let (mut reader, writer) = ours.split();
        let reading = get_running_loop().create_task(async move {
            let rest = reader.readexactly(4).await.unwrap();
            (rest, reader.read(&mut [0; 8]).await)
        });
        yield_now().await;
        writer.close();
        let (rest, end) = reading.await.unwrap();
        assert_eq!(rest, b"rest", "what was buffered");
        assert_eq!(end.unwrap(), 0);
        assert!(writer.wait_closed().await.is_ok());
    });
}

#[test]
fn a_stream_on_which_nobody_reads_slows_its_peer_down_s3() {
    run(|| async {
        let Pair {
            mut ours,
            theirs,
            wire,
        } = pair(1000).await;
        let all = bytes(1_000_000);
        theirs.writer.write(&all);
        let peer = theirs.writer;
        turns(20).await;
        assert_eq!(wire.unread(), 64 * 1024, "all that the wire keeps");
        let drained = give_up_after(20, peer.drain()).await;
        assert!(drained.is_none(), "there is no room");
        // The end comes while nobody reads, too.
        peer.write_eof();
        sleep(Duration::from_secs(1)).await;
        assert!(ours.reader.read_to_end().await.unwrap() == all);
        peer.drain().await.unwrap();
        peer.close();
        // Nor does a closed stream mind.
        ours.writer.close();
        assert!(ours.reader.at_eof());
    });
}

#[test]
fn a_peer_that_is_faster_than_its_reader_does_not_keep_others_waiting() {
    run(|| async {
        let Pair {
            mut ours,
            theirs,
            wire,
        } = pair(100).await;
        wire.set_capacity(1 << 20);
        theirs.writer.write(&bytes(1 << 20));
        let turns = Rc::new(Cell::new(0));
        let count = Rc::clone(&turns);
        let other = get_running_loop().create_task(async move {
            loop {
                count.set(count.get() + 1);
                yield_now().await;
            }
        });
        let mut buffer = [0; 1024];
        for _ in 0..1024 {
            assert_eq!(ours.reader.read(&mut buffer).await.unwrap(), 1024);
        }
        assert!(turns.get() >= 1024 / 16 - 1, "{turns:?}");
        other.cancel();
        assert!(other.await.is_err());
    });
}
