//! Flow control: pauses, resumes, and what is buffered.

use asyncio_transports::{Flow, Transport, WriteLimits};

use super::{Call, Kind, Log, Recorder, bytes, made};

/// Writes until the transport says that it is enough. Returns how much that was.
fn fill(writer: &dyn Transport) -> usize {
    let part = bytes(64 * 1024);
    let mut sent = 0;
    loop {
        sent += part.len();
        if writer.write(&part) == Flow::Paused {
            return sent;
        }
        assert!(sent < 1 << 30, "something has to fill up");
    }
}

pub async fn who_writes_too_much_is_paused_and_resumed<K: Kind>() {
    let (left, right) = (Log::new(), Log::new());
    let (writer, reader) = made::<K>(Recorder::new(&left), Recorder::new(&right)).await;
    reader.pause_reading();
    let sent = fill(&*writer);
    // At once, within the write, as in asyncio.
    assert_eq!(left.calls(), [Call::Made, Call::Pause]);
    assert!(writer.get_write_buffer_size() > WriteLimits::DEFAULT.high);
    reader.resume_reading();
    left.until_call(Call::Resume).await;
    assert!(writer.get_write_buffer_size() <= WriteLimits::DEFAULT.low);
    writer.close();
    right.until_lost().await;
    assert_eq!(left.until_lost().await, None);
    assert_eq!(right.count(), sent);
    let all = [Call::Made, Call::Pause, Call::Resume, Call::Lost(None)];
    assert_eq!(left.calls(), all);
}

pub async fn a_high_mark_of_zero_pauses_at_the_first_byte_kept<K: Kind>() {
    let (left, right) = (Log::new(), Log::new());
    let (writer, reader) = made::<K>(Recorder::new(&left), Recorder::new(&right)).await;
    reader.pause_reading();
    writer.set_write_buffer_limits(Some(0), None).unwrap();
    let marks = writer.get_write_buffer_limits();
    assert_eq!((marks.high, marks.low), (0, 0));
    fill(&*writer);
    assert!(writer.get_write_buffer_size() > 0);
    reader.resume_reading();
    left.until_call(Call::Resume).await;
    assert_eq!(writer.get_write_buffer_size(), 0);
    writer.close();
    assert_eq!(left.until_lost().await, None);
    right.until_lost().await;
}

pub async fn marks_in_the_wrong_order_are_refused<K: Kind>() {
    let (left, right) = (Log::new(), Log::new());
    let (writer, _reader) = made::<K>(Recorder::new(&left), Recorder::new(&right)).await;
    let refused = writer.set_write_buffer_limits(Some(1), Some(2));
    let message = refused.unwrap_err().to_string();
    assert_eq!(message, "high (1) must be >= low (2)");
    assert_eq!(writer.get_write_buffer_limits(), WriteLimits::DEFAULT);
    writer.abort();
    left.until_lost().await;
    right.until_lost().await;
}

pub async fn a_reader_that_stalls_bounds_what_a_polite_writer_keeps_n7<K: Kind>() {
    let (left, right) = (Log::new(), Log::new());
    let (writer, reader) = made::<K>(Recorder::new(&left), Recorder::new(&right)).await;
    reader.pause_reading();
    fill(&*writer);
    let kept = writer.get_write_buffer_size();
    assert!(kept <= WriteLimits::DEFAULT.high + 64 * 1024, "{kept}");
    // One that writes all the same is told every time, and once only.
    assert_eq!(writer.write(b"more"), Flow::Paused);
    assert_eq!(writer.get_write_buffer_size(), kept + 4);
    assert_eq!(left.calls(), [Call::Made, Call::Pause]);
    writer.abort();
    assert_eq!(writer.get_write_buffer_size(), 0);
    left.until_lost().await;
    reader.abort();
    right.until_lost().await;
}

pub async fn what_is_written_when_resumed_is_in_order<K: Kind>() {
    let (left, right) = (Log::new(), Log::new());
    let writes_on = Recorder::new(&left).on_call(|call, transport| {
        if *call == Call::Resume {
            let _ = transport.write(b"the last");
            transport.close();
        }
    });
    let (writer, reader) = made::<K>(writes_on, Recorder::new(&right)).await;
    reader.pause_reading();
    let sent = fill(&*writer);
    reader.resume_reading();
    assert_eq!(left.until_lost().await, None);
    right.until_lost().await;
    let data = right.data();
    assert_eq!(data.len(), sent + 8);
    assert!(data.ends_with(b"the last"));
}
