//! Streams over a bad line: two network namespaces, where packets are lost, late, damaged, repeated
//! and out of order. What is read is what was written all the same, or an error says that it is not.
#![cfg(target_os = "linux")]

use std::io;
use std::time::Duration;

use asyncio_futures::{join, try_join};
use asyncio_loop::{EventLoop, get_running_loop, sleep};
use asyncio_streams::{StreamReader, StreamWriter, open_connection, start_server};
use asyncio_testkit::{End, Link, Pattern, Rng, Traffic, Watchdog, Weather};
use asyncio_transports::TransportSocket;

const TO: (&str, u16) = ("10.98.0.2", 7000);

/// Runs `scenario` at the left end of a link, unless there can be no link, and returns what became of
/// its packets.
#[track_caller]
fn run(seed: u64, scenario: impl AsyncFnOnce(&Link) -> io::Result<()> + Send) -> Option<Traffic> {
    let link = Link::new(seed)?;
    link.on(End::Left, || {
        let _watchdog = Watchdog::start("streams over a bad line", Duration::from_secs(60));
        let event_loop = EventLoop::new().unwrap();
        let done = event_loop.run_until_complete(scenario(&link));
        done.unwrap().unwrap();
    });
    Some(link.end())
}

/// Serves at the right end, for as long as the loop lives.
async fn serve<F>(link: &Link, handler: impl Fn(StreamReader, StreamWriter) -> F + 'static)
where
    F: Future<Output = io::Result<()>> + 'static,
{
    link.enter(End::Right);
    start_server(handler, TO).await.unwrap();
    link.enter(End::Left);
}

/// Writes `count` bytes that the seed decides, in pieces of all sizes, and ends.
async fn write_all(writer: &StreamWriter, seed: u64, count: usize) -> io::Result<()> {
    let mut bytes = Pattern::new(seed);
    let mut sizes = Rng::new(!seed);
    let mut left = count;
    while left > 0 {
        let size = (1 + sizes.index(30_000)).min(left);
        writer.write_owned(bytes.take(size));
        writer.drain().await?;
        left -= size;
    }
    writer.write_eof();
    Ok(())
}

/// Reads to the end, into buffers of all sizes: the bytes that the seed decides, and so many.
async fn read_all(reader: &mut StreamReader, seed: u64, count: u64) -> io::Result<()> {
    let mut bytes = Pattern::new(seed);
    let mut sizes = Rng::new(seed);
    let mut buffer = vec![0; 30_000];
    loop {
        let room = 1 + sizes.index(buffer.len());
        match reader.read(&mut buffer[..room]).await? {
            0 => break,
            came => bytes.check(&buffer[..came]),
        }
    }
    assert_eq!(bytes.position(), count);
    Ok(())
}

/// A megabyte each way at the same time, in every kind of weather at once.
#[test]
fn every_byte_comes_both_ways_and_then_the_end_n5_n6() {
    const COUNT: usize = 1_000_000;
    for seed in 1..=3 {
        let traffic = run(seed, async |link| {
            serve(link, |mut reader, writer| async move {
                let both = try_join!(
                    read_all(&mut reader, 1, COUNT as u64),
                    write_all(&writer, 2, COUNT)
                );
                both.map(drop)
            })
            .await;
            let before = get_running_loop().metrics().sources;
            link.weather(Weather {
                delay: Duration::from_millis(3),
                jitter: Duration::from_millis(2),
                loss: 0.01,
                duplicates: 0.01,
                damage: 0.01,
            });
            let (mut reader, writer) = open_connection(TO).await?;
            try_join!(
                write_all(&writer, 1, COUNT),
                read_all(&mut reader, 2, COUNT as u64)
            )?;
            writer.close();
            writer.wait_closed().await?;
            // The server's side has seen the end, too.
            while get_running_loop().metrics().sources > before {
                sleep(Duration::from_millis(1)).await;
            }
            Ok(())
        });
        let Some(traffic) = traffic else { return };
        assert!(traffic.lost > 0 && traffic.damaged > 0, "{traffic:?}");
        assert!(
            traffic.duplicated > 0 && traffic.overtaken > 0,
            "{traffic:?}"
        );
    }
}

/// The kernel gives up (`TCP_USER_TIMEOUT`): whoever waits gets to know, and why.
#[test]
fn a_line_that_goes_dead_fails_who_reads_and_who_drains_n4_s4() {
    run(4, async |link| {
        // It neither reads nor ends.
        serve(
            link,
            |_reader, writer| async move { writer.wait_closed().await },
        )
        .await;
        let (mut reader, writer) = open_connection(TO).await?;
        let socket: TransportSocket = writer.get_extra_info().unwrap();
        let patience = Some(Duration::from_millis(300));
        socket.with(|socket| socket.set_tcp_user_timeout(patience))?;
        link.weather(Weather::dead());
        writer.write_owned(vec![7; 20_000_000]);
        let mut buffer = [0; 10];
        let (read, drained) = join!(reader.read(&mut buffer), writer.drain());
        for outcome in [read.map(drop), drained, writer.drain().await] {
            assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::TimedOut);
        }
        let closed = writer.wait_closed().await;
        assert_eq!(closed.unwrap_err().kind(), io::ErrorKind::TimedOut);
        Ok(())
    });
}

/// The last word is under way when the connection is broken off: what comes is a part of it and
/// then the error, and never an end that looks like one in order.
#[test]
fn a_reset_on_a_bad_line_never_looks_like_the_end_n4() {
    for seed in 5..=7 {
        run(seed, async |link| {
            serve(link, |mut reader, writer| async move {
                writer.write_owned(Pattern::new(9).take(300_000));
                reader.readexactly(100_000).await?;
                let socket: TransportSocket = writer.get_extra_info().unwrap();
                socket.with(|socket| socket.set_linger(Some(Duration::ZERO)))?;
                writer.transport().abort();
                Ok(())
            })
            .await;
            link.weather(Weather {
                delay: Duration::from_millis(3),
                jitter: Duration::from_millis(2),
                loss: 0.03,
                ..Weather::default()
            });
            let (mut reader, writer) = open_connection(TO).await?;
            writer.write_owned(vec![7; 5_000_000]);
            let mut bytes = Pattern::new(9);
            let mut buffer = [0; 10_000];
            let error = loop {
                match reader.read(&mut buffer).await {
                    Ok(0) => panic!("the end after {} bytes", bytes.position()),
                    Ok(came) => bytes.check(&buffer[..came]),
                    Err(error) => break error,
                }
            };
            assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
            let error = writer.wait_closed().await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
            Ok(())
        });
    }
}
