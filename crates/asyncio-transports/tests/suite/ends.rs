//! The ends of a connection: closing, aborting, half-closing, errors, and a loop that closes.

use std::cell::RefCell;
use std::rc::Rc;

use asyncio_transports::{Flow, Protocol};

use super::{Call, Kind, Log, Recorder, bytes, made};

pub async fn close_writes_what_is_buffered<K: Kind>() {
    let (left, right) = (Log::new(), Log::new());
    let (writer, reader) = made::<K>(Recorder::new(&left), Recorder::new(&right)).await;
    reader.pause_reading();
    let all = bytes(8 << 20);
    assert_eq!(writer.write(&all), Flow::Paused);
    writer.close();
    writer.close();
    assert!(writer.is_closing());
    assert!(!writer.is_reading());
    assert_eq!(writer.write(b"too late"), Flow::Closed);
    reader.resume_reading();
    assert_eq!(left.until_lost().await, None);
    right.until_lost().await;
    assert!(right.data() == all, "all of it, and nothing after it");
}

pub async fn close_calls_nothing_at_once<K: Kind>() {
    let (left, right) = (Log::new(), Log::new());
    let (writer, _reader) = made::<K>(Recorder::new(&left), Recorder::new(&right)).await;
    writer.close();
    assert_eq!(left.calls(), [Call::Made]);
    assert_eq!(left.until_lost().await, None);
    assert!(writer.get_protocol().is_none());
    right.until_lost().await;
}

pub async fn abort_loses_what_is_buffered<K: Kind>() {
    let (left, right) = (Log::new(), Log::new());
    let (writer, reader) = made::<K>(Recorder::new(&left), Recorder::new(&right)).await;
    reader.pause_reading();
    let all = bytes(8 << 20);
    let _ = writer.write(&all);
    writer.abort();
    writer.abort();
    assert!(writer.is_closing());
    assert_eq!(writer.get_write_buffer_size(), 0);
    assert!(!left.calls().contains(&Call::Lost(None)), "not at once");
    assert_eq!(left.until_lost().await, None);
    reader.resume_reading();
    right.until_lost().await;
    assert!(right.count() < all.len());
    assert!(all.starts_with(&right.data()));
}

pub async fn each_side_is_ended_by_itself<K: Kind>() {
    let (left, right) = (Log::new(), Log::new());
    let open = |log| Recorder::new(log).keep_open();
    let (one, other) = made::<K>(open(&left), open(&right)).await;
    assert!(one.can_write_eof());
    let _ = one.write(b"question");
    one.write_eof();
    one.write_eof();
    assert_eq!(one.write(b"more"), Flow::Closed);
    right.until_call(Call::Eof).await;
    assert_eq!(right.data(), b"question");
    // The other direction goes on for as long as it likes.
    let all = bytes(3 << 20);
    let _ = other.write(&all);
    other.write_eof();
    left.until_call(Call::Eof).await;
    assert!(left.data() == all);
    assert!(!one.is_closing() && !other.is_closing());
    one.close();
    other.close();
    assert_eq!(left.until_lost().await, None);
    assert_eq!(right.until_lost().await, None);
}

pub async fn the_end_follows_what_is_buffered<K: Kind>() {
    let (left, right) = (Log::new(), Log::new());
    let open = |log| Recorder::new(log).keep_open();
    let (one, other) = made::<K>(open(&left), open(&right)).await;
    other.pause_reading();
    let all = bytes(8 << 20);
    assert_eq!(one.write(&all), Flow::Paused);
    one.write_eof();
    other.resume_reading();
    right.until_call(Call::Eof).await;
    assert!(right.data() == all);
    one.close();
    other.close();
    left.until_lost().await;
    right.until_lost().await;
}

pub async fn the_peers_end_closes_who_does_not_object<K: Kind>() {
    let (left, right) = (Log::new(), Log::new());
    let open = Recorder::new(&left).keep_open();
    let (one, other) = made::<K>(open, Recorder::new(&right)).await;
    one.write_eof();
    assert_eq!(right.until_lost().await, None);
    assert!(other.is_closing());
    left.until_call(Call::Eof).await;
    assert!(!one.is_closing());
    one.close();
    assert_eq!(left.until_lost().await, None);
}

pub async fn a_reset_is_told_with_its_error<K: Kind>() {
    let (left, right) = (Log::new(), Log::new());
    let (one, other) = made::<K>(Recorder::new(&left), Recorder::new(&right)).await;
    K::reset(&one, &other);
    let error = right.until_lost().await;
    assert_eq!(error, Some(std::io::ErrorKind::ConnectionReset));
    assert!(other.is_closing());
    assert_eq!(other.write(b"x"), Flow::Closed);
    left.until_lost().await;
}

pub async fn a_reset_is_told_when_reading_is_resumed<K: Kind>() {
    let (left, right) = (Log::new(), Log::new());
    let (one, other) = made::<K>(Recorder::new(&left), Recorder::new(&right)).await;
    other.pause_reading();
    K::reset(&one, &other);
    left.until_lost().await;
    other.resume_reading();
    let error = right.until_lost().await;
    assert_eq!(error, Some(std::io::ErrorKind::ConnectionReset));
}

pub async fn writes_to_a_peer_that_is_gone_end_the_connection<K: Kind>() {
    let (left, right) = (Log::new(), Log::new());
    let open = Recorder::new(&left).keep_open();
    let (one, other) = made::<K>(open, Recorder::new(&right)).await;
    other.close();
    right.until_lost().await;
    left.until_call(Call::Eof).await;
    // The first may go out, and is answered with a reset.
    while one.write(b"anybody there?") != Flow::Closed {
        asyncio_executor::yield_now().await;
    }
    assert!(left.until_lost().await.is_some());
}

pub async fn a_closed_transport_answers_and_does_nothing<K: Kind>() {
    let (left, right) = (Log::new(), Log::new());
    let (one, _other) = made::<K>(Recorder::new(&left), Recorder::new(&right)).await;
    one.abort();
    left.until_lost().await;
    right.until_lost().await;
    one.close();
    one.abort();
    one.write_eof();
    one.pause_reading();
    one.resume_reading();
    one.set_protocol(Rc::new(RefCell::new(Recorder::new(&left))));
    assert!(one.get_protocol().is_none());
    assert!(one.is_closing() && !one.is_reading());
    assert_eq!(one.write(b"x"), Flow::Closed);
    assert_eq!(one.get_write_buffer_size(), 0);
    let read = one.try_read(&mut [0; 8]);
    assert_eq!(read.unwrap_err().kind(), std::io::ErrorKind::NotConnected);
    left.until_lost().await; // once only
}

pub async fn handles_that_are_dropped_close_nothing<K: Kind>() {
    let (left, right) = (Log::new(), Log::new());
    let echo = Recorder::new(&right).on_call(|call, transport| {
        if let Call::Data(data) = call {
            let _ = transport.write(data);
            transport.close();
        }
    });
    let (one, other) = made::<K>(Recorder::new(&left), echo).await;
    drop(other);
    let _ = one.write(b"still there?");
    drop(one);
    assert_eq!(left.until_lost().await, None);
    assert_eq!(left.data(), b"still there?");
    right.until_lost().await;
}

/// A protocol whose end is seen.
struct Held(#[allow(dead_code)] Rc<()>);

impl Protocol for Held {}

pub async fn a_loop_that_closes_lets_go_of_protocols<K: Kind>() {
    // The pack around this scenario sees descriptors and memory; this sees protocols.
    let held = Rc::new(());
    let inner = Rc::clone(&held);
    let (left, right) = (Log::new(), Log::new());
    let (one, _other) = made::<K>(Recorder::new(&left), Recorder::new(&right)).await;
    one.set_protocol(Rc::new(RefCell::new(Held(inner))));
    let event_loop = asyncio_loop::get_running_loop();
    let weak = Rc::downgrade(&held);
    drop(held);
    assert!(weak.upgrade().is_some());
    // Nothing is closed here: the loop is, when this has returned.
    drop(event_loop);
}
