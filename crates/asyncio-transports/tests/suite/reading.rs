//! Reading: pauses, and protocols that read by themselves.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use asyncio_transports::Flow;

use super::{Call, Kind, Log, Recorder, bytes, made};

pub async fn nothing_comes_to_who_is_paused<K: Kind>() {
    let (left, right) = (Log::new(), Log::new());
    let (writer, reader) = made::<K>(Recorder::new(&left), Recorder::new(&right)).await;
    reader.pause_reading();
    reader.pause_reading();
    assert!(!reader.is_reading());
    let _ = writer.write(b"wait");
    writer.close();
    assert_eq!(left.until_lost().await, None);
    for _ in 0..20 {
        asyncio_executor::yield_now().await;
    }
    assert_eq!(right.calls(), [Call::Made], "not even the end");
    reader.resume_reading();
    reader.resume_reading();
    assert_eq!(right.until_lost().await, None);
    assert_eq!(right.data(), b"wait");
}

pub async fn a_pause_within_a_call_holds_from_then_on<K: Kind>() {
    let (left, right) = (Log::new(), Log::new());
    let pauses = Recorder::new(&right).on_call(|call, transport| {
        if matches!(call, Call::Data(_)) {
            transport.pause_reading();
        }
    });
    let (writer, reader) = made::<K>(Recorder::new(&left), pauses).await;
    let all = bytes(4 << 20);
    let _ = writer.write(&all);
    writer.close();
    let mut before = 0;
    while !right.has(&Call::Eof) {
        right
            .until(|log| log.count() > before || log.has(&Call::Eof))
            .await;
        let now = right.count();
        assert!(now - before <= 256 * 1024, "one read at most");
        before = now;
        reader.resume_reading();
    }
    right.until_lost().await;
    assert_eq!(left.until_lost().await, None);
    assert!(right.data() == all);
}

pub async fn who_reads_by_itself_takes_what_it_wants<K: Kind>() {
    let (left, right) = (Log::new(), Log::new());
    let pulls = Recorder::new(&right).pulls().keep_open();
    let (writer, reader) = made::<K>(Recorder::new(&left), pulls).await;
    let mut buffer = [0; 3];
    let error = reader.try_read(&mut buffer).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);

    assert_eq!(writer.write(b"abcdefgh"), Flow::Open);
    right.until_call(Call::Readable).await;
    assert_eq!(reader.try_read(&mut buffer).unwrap(), 3);
    assert_eq!(&buffer, b"abc");
    assert_eq!(reader.try_read(&mut buffer).unwrap(), 3);
    assert_eq!(reader.try_read(&mut buffer).unwrap(), 2);
    assert_eq!(&buffer[..2], b"gh");
    let error = reader.try_read(&mut buffer).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);

    // Asked again when more has come, and for the end.
    let before = right.calls().len();
    assert_eq!(writer.write(b"more"), Flow::Open);
    right.until(|log| log.calls().len() > before).await;
    assert_eq!(reader.try_read(&mut [0; 9]).unwrap(), 4);
    let before = right.calls().len();
    writer.close();
    right.until(|log| log.calls().len() > before).await;
    assert!(!right.has(&Call::Eof), "the end was not read yet");
    assert_eq!(reader.try_read(&mut buffer).unwrap(), 0);
    assert!(!right.has(&Call::Eof), "it is called by the loop");
    right.until_call(Call::Eof).await;
    reader.close();
    assert_eq!(right.until_lost().await, None);
    assert_eq!(left.until_lost().await, None);
}

pub async fn a_reset_is_told_to_who_reads_by_itself<K: Kind>() {
    let (left, right) = (Log::new(), Log::new());
    let pulls = Recorder::new(&right).pulls().keep_open();
    let (one, other) = made::<K>(Recorder::new(&left), pulls).await;
    K::reset(&one, &other);
    let error = right.until_lost().await;
    assert_eq!(error, Some(io::ErrorKind::ConnectionReset));
    left.until_lost().await;
}

pub async fn another_protocol_gets_what_comes_later<K: Kind>() {
    let (left, right, second) = (Log::new(), Log::new(), Log::new());
    let pulls = Recorder::new(&right).pulls();
    let (writer, reader) = made::<K>(Recorder::new(&left), pulls).await;
    assert_eq!(writer.write(b"for the second"), Flow::Open);
    right.until_call(Call::Readable).await;
    // It has left the bytes where they are; the next one takes them, and is not made anew.
    reader.set_protocol(Rc::new(RefCell::new(Recorder::new(&second))));
    second.until(|log| log.data() == b"for the second").await;
    writer.close();
    second.until_call(Call::Lost(None)).await;
    let all = [
        Call::Data(b"for the second".to_vec()),
        Call::Eof,
        Call::Lost(None),
    ];
    assert_eq!(second.calls(), all);
    assert!(!right.has(&Call::Lost(None)));
    assert_eq!(left.until_lost().await, None);
}
