//! Reads that are given up, at each of their polls: nothing is lost.

mod scene;

use std::time::Duration;

use asyncio_executor::{TaskError, catch_cancelled};
use asyncio_futures::timeout;
use asyncio_loop::{get_running_loop, sleep};
use asyncio_streams::{ReadError, StreamReader};
use futures_lite::{AsyncBufReadExt, StreamExt};
use scene::{Pair, give_up_after, pair, run, turns};

const TEXT: &[u8] = b"first line\nsecond line\nthe rest";

/// Reads everything by one kind of read, giving up each read after `polls` polls and beginning it
/// again.
async fn read_all(reader: &mut StreamReader, kind: usize, polls: usize) -> Vec<u8> {
    let mut all = Vec::new();
    while !reader.at_eof() {
        let part = match kind {
            0 => give_up_after(polls, reader.readline()).await,
            1 => give_up_after(polls, reader.readuntil(b"line")).await,
            2 => give_up_after(polls, reader.readexactly(7)).await,
            3 => give_up_after(polls, async { Ok(reader.read_to_end().await?) }).await,
            4 => {
                let mut buffer = [0; 5];
                let count = give_up_after(polls, reader.read(&mut buffer)).await;
                count.map(|count| Ok(buffer[..count?].to_vec()))
            }
            5 => {
                let mut lines = reader.lines();
                let line = give_up_after(polls, lines.next()).await;
                line.map(|line| line.unwrap_or(Ok(Vec::new())))
            }
            _ => {
                let filled = give_up_after(polls, async { Ok(reader.fill_buf().await?.to_vec()) });
                let filled: Option<Result<Vec<u8>, ReadError>> = filled.await;
                filled.map(|filled| {
                    let mut filled = filled?;
                    filled.truncate(2);
                    AsyncBufReadExt::consume(reader, filled.len());
                    Ok(filled)
                })
            }
        };
        match part {
            // Time passes where nothing else is to be done.
            None => sleep(Duration::from_millis(1)).await,
            Some(Ok(part)) => all.extend(part),
            Some(Err(ReadError::Incomplete(error))) => all.extend(error.partial),
            Some(Err(error)) => panic!("{error}"),
        }
    }
    all
}

#[test]
fn a_read_that_is_given_up_takes_nothing_with_it() {
    run(|| async {
        for kind in 0..7 {
            for polls in 1..4 {
                let Pair {
                    mut ours,
                    theirs,
                    wire,
                } = pair(100).await;
                wire.set_read_max(3);
                wire.set_latency(Duration::from_millis(1));
                let sender = get_running_loop().create_task(async move {
                    for part in TEXT.chunks(2) {
                        theirs.writer.write(part);
                        sleep(Duration::from_millis(1)).await;
                    }
                    theirs.writer.close();
                    theirs.writer.wait_closed().await
                });
                let reading = get_running_loop()
                    .create_task(async move { read_all(&mut ours.reader, kind, polls).await });
                assert_eq!(reading.await.unwrap(), TEXT, "kind {kind}, {polls} polls");
                sender.await.unwrap().unwrap();
            }
        }
    });
}

#[test]
fn a_task_that_is_cancelled_in_a_read_can_go_on() {
    run(|| async {
        let Pair {
            mut ours, theirs, ..
        } = pair(100).await;
        let mut reading = get_running_loop().create_task(async move {
            let cancelled = catch_cancelled(ours.reader.readline()).await;
            assert!(cancelled.is_err());
            ours.reader.readline().await.unwrap()
        });
        theirs.writer.write(b"half");
        turns(3).await;
        reading.cancel();
        turns(3).await;
        theirs.writer.write(b" a line\n");
        assert_eq!((&mut reading).await.unwrap(), b"half a line\n");
    });
}

#[test]
fn a_cancelled_reader_that_is_dropped_closes_nothing_but_its_writer_does() {
    run(|| async {
        let Pair {
            ours, mut theirs, ..
        } = pair(100).await;
        let (mut reader, writer) = ours.split();
        let reading = get_running_loop().create_task(async move { reader.readline().await });
        turns(3).await;
        reading.cancel();
        assert!(matches!(reading.await, Err(TaskError::Cancelled(_))));
        writer.write(b"still open\n");
        assert_eq!(theirs.reader.readline().await.unwrap(), b"still open\n");
        drop(writer);
        assert!(theirs.reader.read_to_end().await.unwrap().is_empty());
    });
}

#[test]
fn a_read_with_a_timeout_may_be_repeated() {
    run(|| async {
        let Pair {
            mut ours,
            theirs,
            wire,
        } = pair(100).await;
        wire.set_latency(Duration::from_secs(3));
        theirs.writer.write(b"slow\n");
        let second = Duration::from_secs(1);
        let mut expired = 0;
        let line = loop {
            match timeout(second, ours.reader.readline()).await {
                Ok(line) => break line.unwrap(),
                Err(_) => expired += 1,
            }
        };
        assert_eq!(line, b"slow\n");
        assert!((2..=3).contains(&expired), "{expired}");
    });
}
