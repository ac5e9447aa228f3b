//! `readuntil` and `readline`: limits at the exact byte, and what an error leaves.

mod scene;

use asyncio_streams::{LimitOverrunError, ReadError};
use futures_lite::StreamExt;
use scene::{Pair, bytes, pair, run, turns};

#[track_caller]
fn overrun(read: Result<Vec<u8>, ReadError>) -> (usize, bool) {
    match read {
        Err(ReadError::LimitOverrun(LimitOverrunError { consumed, found })) => (consumed, found),
        other => panic!("{other:?}"),
    }
}

#[test]
fn lines_come_one_by_one() {
    run(|| async {
        let Pair {
            mut ours, theirs, ..
        } = pair(10).await;
        theirs.writer.write(b"one\n\ntwo\nthree");
        theirs.writer.close();
        let reader = &mut ours.reader;
        for line in [&b"one\n"[..], b"\n", b"two\n", b"three", b"", b""] {
            assert_eq!(reader.readline().await.unwrap(), line);
        }
    });
}

#[test]
fn a_separator_that_comes_in_pieces_is_found_s1() {
    run(|| async {
        let Pair {
            mut ours,
            theirs,
            wire,
        } = pair(100).await;
        wire.set_read_max(1);
        theirs.writer.write(b"headEN-ENDEND");
        let reader = &mut ours.reader;
        assert_eq!(reader.readuntil(b"END").await.unwrap(), b"headEN-END");
        assert_eq!(reader.readuntil("END").await.unwrap(), b"END");
    });
}

#[test]
fn the_separator_that_ends_first_wins_s1() {
    run(|| async {
        let Pair {
            mut ours, theirs, ..
        } = pair(100).await;
        theirs.writer.write(b"ab\r\ncd\nefghXYZij");
        let reader = &mut ours.reader;
        let ends: &[&[u8]] = &[b"\r\n", b"\n"];
        assert_eq!(reader.readuntil_any(ends).await.unwrap(), b"ab\r\n");
        assert_eq!(reader.readuntil_any(ends).await.unwrap(), b"cd\n");
        let nested: &[&[u8]] = &[b"hXYZ", b"XY", b"gone"];
        assert_eq!(reader.readuntil_any(nested).await.unwrap(), b"efghXY");
    });
}

#[test]
fn a_limit_holds_at_the_exact_byte_s1() {
    run(|| async {
        for (length, fits) in [(9, true), (10, true), (11, false)] {
            for read_max in [1, 3, 1000] {
                let Pair {
                    mut ours,
                    theirs,
                    wire,
                } = pair(10).await;
                wire.set_read_max(read_max);
                let mut line = bytes(length);
                line.extend(b"--rest");
                theirs.writer.write(&line);
                let until = ours.reader.readuntil(b"--").await;
                if fits {
                    assert_eq!(until.unwrap(), line[..length + 2], "by {read_max}");
                } else {
                    // Everything is still there, and consumed says where to go on.
                    let (consumed, found) = overrun(until);
                    assert!(consumed == 11, "{consumed} by {read_max}");
                    assert_eq!(overrun(ours.reader.readuntil(b"--").await).0, consumed);
                    let before = ours.reader.readexactly(consumed).await.unwrap();
                    assert_eq!(before, line[..consumed]);
                    assert_eq!(ours.reader.readuntil(b"--").await.unwrap(), b"--");
                    assert_eq!(found, read_max == 1000, "as far as it has come");
                }
            }
        }
    });
}

#[test]
fn what_can_be_no_separator_is_said_to_be_consumed_s1() {
    run(|| async {
        let Pair {
            mut ours, theirs, ..
        } = pair(5).await;
        theirs.writer.write(b"abcdefEN");
        // The last two bytes may be the beginning of END.
        assert_eq!(overrun(ours.reader.readuntil(b"END").await), (6, false));
        theirs.writer.write(b"D");
        assert_eq!(ours.reader.readexactly(6).await.unwrap(), b"abcdef");
        assert_eq!(ours.reader.readuntil(b"END").await.unwrap(), b"END");
    });
}

#[test]
fn a_line_that_is_too_long_is_dropped_if_it_has_ended_s1() {
    run(|| async {
        let Pair {
            mut ours, theirs, ..
        } = pair(5).await;
        theirs.writer.write(b"12345\n123456\nnext\n");
        let reader = &mut ours.reader;
        assert_eq!(reader.readline().await.unwrap(), b"12345\n");
        assert_eq!(overrun(reader.readline().await), (6, true));
        assert_eq!(reader.readline().await.unwrap(), b"next\n");
    });
}

#[test]
fn a_line_that_goes_on_and_on_is_dropped_as_far_as_it_has_come_s1() {
    run(|| async {
        let Pair {
            mut ours,
            theirs,
            wire,
        } = pair(5).await;
        theirs.writer.write(b"1234567890");
        assert_eq!(overrun(ours.reader.readline().await), (10, false));
        assert_eq!(wire.unread(), 0);
        theirs.writer.write(b"abc\n");
        assert_eq!(ours.reader.readline().await.unwrap(), b"abc\n");
    });
}

#[test]
fn the_end_gives_what_came_and_what_was_wanted() {
    run(|| async {
        let Pair {
            mut ours, theirs, ..
        } = pair(100).await;
        theirs.writer.write(b"almost EN");
        theirs.writer.close();
        let error = ours.reader.readuntil(b"END").await.unwrap_err();
        let text = "9 bytes read on a total of undefined expected bytes";
        assert_eq!(error.to_string(), text);
        let ReadError::Incomplete(error) = error else {
            panic!("{error:?}");
        };
        assert_eq!(error.partial, b"almost EN");
        assert_eq!(error.expected, None);
        assert!(ours.reader.at_eof());
    });
}

#[test]
fn the_buffer_is_looked_at_before_the_end_is() {
    run(|| async {
        let Pair {
            mut ours, theirs, ..
        } = pair(100).await;
        theirs.writer.write(b"a;b;");
        theirs.writer.close();
        turns(5).await;
        assert_eq!(ours.reader.readuntil(b";").await.unwrap(), b"a;");
        assert_eq!(ours.reader.readuntil(b";").await.unwrap(), b"b;");
    });
}

#[test]
fn a_separator_has_at_least_one_byte_s1() {
    run(|| async {
        let Pair { mut ours, .. } = pair(100).await;
        for separators in [&[][..], &[&b""[..]], &[b"ok", b""]] {
            let error = ours.reader.readuntil_any(separators).await.unwrap_err();
            assert!(matches!(error, ReadError::EmptySeparator));
        }
    });
}

#[test]
fn lines_are_a_stream_that_goes_on_after_an_error() {
    run(|| async {
        let Pair {
            mut ours, theirs, ..
        } = pair(3).await;
        theirs.writer.write(b"a\n\nlong\nb\nc");
        theirs.writer.close();
        let mut lines = ours.reader.lines();
        assert_eq!(lines.next().await.unwrap().unwrap(), b"a\n");
        assert_eq!(lines.next().await.unwrap().unwrap(), b"\n");
        assert_eq!(overrun(lines.next().await.unwrap()), (4, true));
        assert_eq!(lines.next().await.unwrap().unwrap(), b"b\n");
        assert_eq!(lines.next().await.unwrap().unwrap(), b"c");
        assert!(lines.next().await.is_none());
    });
}

#[test]
fn lines_end_when_the_connection_is_broken() {
    run(|| async {
        let Pair {
            mut ours,
            theirs,
            wire,
        } = pair(100).await;
        theirs.writer.write(b"a\nb");
        let mut lines = ours.reader.lines();
        assert_eq!(lines.next().await.unwrap().unwrap(), b"a\n");
        wire.reset();
        let error = lines.next().await.unwrap().unwrap_err();
        assert!(matches!(error, ReadError::Io(_)), "{error:?}");
        assert!(lines.next().await.is_none());
        assert!(ours.reader.readline().await.is_err());
    });
}

#[test]
fn what_is_read_ahead_is_bounded_by_the_limit() {
    run(|| async {
        let Pair {
            mut ours,
            theirs,
            wire,
        } = pair(100).await;
        theirs.writer.write(b"x\n");
        theirs.writer.write(&bytes(10_000));
        assert_eq!(ours.reader.readline().await.unwrap(), b"x\n");
        assert_eq!(wire.unread(), 10_000 - 98);
        overrun(ours.reader.readline().await);
        assert!(wire.unread() >= 10_000 - 98 - 200);
    });
}
