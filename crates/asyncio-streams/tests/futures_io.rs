//! The traits of `futures-io`, splitting and joining, and `copy_bidirectional`.

mod scene;

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;

use asyncio_loop::get_running_loop;
use asyncio_streams::{Stream, StreamReader, StreamWriter, copy_bidirectional};
use asyncio_transports::WriteLimits;
use futures_lite::{AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, StreamExt};
use scene::{Pair, bytes, give_up_after, pair, run, turns};
use static_assertions::assert_impl_all;

#[test]
fn a_stream_is_moved_and_never_pinned_j1() {
    assert_impl_all!(StreamReader: Unpin);
    assert_impl_all!(StreamWriter: Unpin);
    assert_impl_all!(Stream: Unpin);
}

#[test]
fn splitting_and_joining_lose_nothing_j1() {
    run(|| async {
        let Pair {
            mut ours,
            mut theirs,
            ..
        } = pair(100).await;
        theirs.writer.write(b"one\ntwo\nhalf");
        assert_eq!(ours.reader.readline().await.unwrap(), b"one\n");
        // A read that was begun, and given up, is in nobody's way.
        assert!(
            give_up_after(3, ours.reader.readexactly(99))
                .await
                .is_none()
        );
        let (reader, writer) = ours.split();
        let moved = get_running_loop().create_task(async move {
            let mut reader = reader;
            assert_eq!(reader.readline().await.unwrap(), b"two\n");
            reader
        });
        let mut ours = moved.await.unwrap().join(writer).unwrap();
        theirs.writer.write(b" and half\n");
        assert_eq!(ours.reader.readline().await.unwrap(), b"half and half\n");
        ours.writer.write(b"still open\n");
        assert_eq!(theirs.reader.readline().await.unwrap(), b"still open\n");
    });
}

#[test]
fn ends_of_two_streams_do_not_join() {
    run(|| async {
        let (one, other) = (pair(100).await, pair(100).await);
        let (reader, writer) = one.ours.split();
        let (other_reader, other_writer) = other.ours.split();
        let (reader, other_writer) = reader.join(other_writer).unwrap_err();
        assert!(reader.join(writer).is_ok());
        assert!(other_reader.join(other_writer).is_ok());
    });
}

#[test]
fn the_traits_of_futures_io_read_and_write() {
    run(|| async {
        let Pair {
            mut ours,
            mut theirs,
            ..
        } = pair(100).await;
        let all = bytes(500_000);
        let writing = get_running_loop().create_task({
            let all = all.clone();
            async move {
                theirs.write_all(b"a line\n").await.unwrap();
                theirs.write_all(&all).await.unwrap();
                theirs.flush().await.unwrap();
                theirs.close().await.unwrap();
                theirs
            }
        });
        let mut line = String::new();
        ours.read_line(&mut line).await.unwrap();
        assert_eq!(line, "a line\n");
        let mut some = vec![0; 1000];
        AsyncReadExt::read_exact(&mut ours, &mut some)
            .await
            .unwrap();
        let mut rest = Vec::new();
        AsyncReadExt::read_to_end(&mut ours, &mut rest)
            .await
            .unwrap();
        assert!([some, rest].concat() == all);
        // Closing ended one direction only.
        ours.write_all(b"and back\n").await.unwrap();
        let mut theirs = writing.await.unwrap();
        let mut lines = AsyncBufReadExt::lines(&mut theirs);
        assert_eq!(lines.next().await.unwrap().unwrap(), "and back");
    });
}

#[test]
fn poll_write_keeps_to_the_high_mark() {
    run(|| async {
        let Pair {
            mut ours, theirs, ..
        } = pair(100).await;
        let all = bytes(10_000_000);
        let written = give_up_after(50, ours.write_all(&all)).await;
        assert!(written.is_none(), "nobody reads");
        let kept = ours.writer.transport().get_write_buffer_size();
        assert!(kept <= WriteLimits::DEFAULT.high + 256 * 1024, "{kept}");
        assert!(give_up_after(5, ours.flush()).await.is_none());
        drop(theirs);
        turns(3).await;
        let error = ours.write(b"x").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    });
}

#[test]
fn vectored_writes_take_what_fits_and_skip_what_is_empty() {
    run(|| async {
        let Pair {
            mut ours,
            mut theirs,
            ..
        } = pair(100).await;
        let large = bytes(300_000);
        for (parts, count) in [
            (vec![&b"ab"[..], b"", b"cd"], 4),
            (vec![&b""[..], &large, b"x"], 256 * 1024),
            (vec![&b"ab"[..], &large], 2),
            (vec![], 0),
        ] {
            let slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
            let write = poll_fn(|cx| Pin::new(&mut ours).poll_write_vectored(cx, &slices));
            assert_eq!(write.await.unwrap(), count);
            let read = theirs.reader.readexactly(count).await.unwrap();
            assert!(parts.concat().starts_with(&read));
        }
    });
}

#[test]
fn a_write_after_the_end_of_writing_fails() {
    run(|| async {
        let Pair {
            mut ours, theirs, ..
        } = pair(100).await;
        ours.close().await.unwrap();
        let error = ours.write(b"x").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        ours.close().await.unwrap();
        drop(theirs);
    });
}

/// Two pairs, and a relay between them.
async fn relayed() -> (
    Stream,
    Stream,
    asyncio_executor::Task<io::Result<(u64, u64)>>,
) {
    let (one, other) = (pair(1000).await, pair(1000).await);
    let (mut left, mut right) = (one.ours, other.ours);
    let relay = async move { copy_bidirectional(&mut left, &mut right).await };
    let relay = get_running_loop().create_task(relay);
    (one.theirs, other.theirs, relay)
}

#[test]
fn a_relay_passes_bytes_and_ends_on_both_ways() {
    run(|| async {
        let (mut client, mut server, relay) = relayed().await;
        let all = bytes(700_000);
        client.writer.write(&all);
        client.writer.write_eof();
        assert!(server.reader.read_to_end().await.unwrap() == all);
        assert!(!relay.done(), "one direction goes on");
        server.writer.write(b"thanks");
        server.writer.close();
        assert_eq!(client.reader.read_to_end().await.unwrap(), b"thanks");
        assert_eq!(relay.await.unwrap().unwrap(), (700_000, 6));
    });
}

#[test]
fn a_relay_keeps_no_more_than_one_side_takes_d2() {
    run(|| async {
        let (client, mut server, relay) = relayed().await;
        let all = bytes(5_000_000);
        client.writer.write(&all);
        turns(300).await;
        let kept = client.writer.transport().get_write_buffer_size();
        // What two wires, one high mark and one fill hold, and no more, has gone.
        let gone = all.len() - kept;
        assert!(
            gone <= 2 * 64 * 1024 + WriteLimits::DEFAULT.high + 2000,
            "{gone}"
        );
        client.writer.write_eof();
        server.writer.write_eof();
        assert!(server.reader.read_to_end().await.unwrap() == all);
        assert_eq!(relay.await.unwrap().unwrap(), (5_000_000, 0));
    });
}

/// The end is nothing that has to be written.
#[test]
fn a_relay_that_has_only_the_end_to_pass_on_ends_in_order() {
    for close in [StreamWriter::write_eof, StreamWriter::close] {
        run(move || async move {
            let (one, other) = (pair(1000).await, pair(1000).await);
            let (mut left, mut right) = (one.ours, other.ours);
            // By somebody before, or because it cannot be ended in one direction.
            close(&left.writer);
            turns(3).await;
            one.theirs.writer.write_eof();
            other.theirs.writer.write_eof();
            let relayed = copy_bidirectional(&mut left, &mut right).await;
            assert_eq!(relayed.unwrap(), (0, 0));
        });
    }
}

#[test]
fn a_reset_ends_a_relay_with_its_error() {
    run(|| async {
        let (client, mut server, relay) = relayed().await;
        let wire: asyncio_transports::testing::Wire = client.writer.get_extra_info().unwrap();
        wire.reset();
        let error = relay.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        // Which drops the other side, in order.
        assert!(server.reader.read_to_end().await.unwrap().is_empty());
    });
}

#[test]
fn a_relay_lets_others_have_their_turn() {
    run(|| async {
        let (client, mut server, relay) = relayed().await;
        // A relay without a limit would pass all of it on in one turn.
        client.writer.write(&bytes(60_000));
        client.writer.write_eof();
        let (mut come, mut buffer) = (0, vec![0; 60_000]);
        while come < 60_000 {
            let count = server.reader.read(&mut buffer).await.unwrap();
            assert!(count <= 2 * 8 * 1000, "{count}");
            come += count;
        }
        relay.cancel();
        assert!(relay.await.is_err());
    });
}
