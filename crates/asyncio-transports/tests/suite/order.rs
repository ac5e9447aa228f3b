//! The order of calls: made, data, end, lost.

use asyncio_transports::Flow;

use super::{Call, Kind, Log, Recorder, bytes, made};

pub async fn a_connection_is_made_before_anything_comes<K: Kind>() {
    let (left, right) = (Log::new(), Log::new());
    let greets = Recorder::new(&left).on_call(|call, transport| {
        if *call == Call::Made {
            assert_eq!(transport.write(b"hello"), Flow::Open);
            transport.close();
        }
    });
    let _ends = K::pair(greets, Recorder::new(&right)).await;
    assert_eq!(right.until_lost().await, None);
    assert_eq!(left.until_lost().await, None);
    let all = [
        Call::Made,
        Call::Data(b"hello".to_vec()),
        Call::Eof,
        Call::Lost(None),
    ];
    assert_eq!(right.calls(), all);
    assert_eq!(left.calls(), [Call::Made, Call::Lost(None)]);
}

pub async fn bytes_come_whole_and_in_order<K: Kind>() {
    let (left, right) = (Log::new(), Log::new());
    let (writer, _reader) = made::<K>(Recorder::new(&left), Recorder::new(&right)).await;
    let all = bytes(1_000_003);
    let mut sent = 0;
    for size in (1..).map(|n: usize| n * n) {
        let part = &all[sent..(sent + size).min(all.len())];
        if part.is_empty() {
            break;
        }
        sent += part.len();
        let _ = match size % 3 {
            0 => writer.write(part),
            1 => writer.write_owned(part.to_vec()),
            _ => {
                let middle = part.len() / 2;
                let parts = [&part[..middle], &[], &part[middle..]];
                writer.writelines(&parts.map(std::io::IoSlice::new))
            }
        };
    }
    writer.close();
    assert_eq!(right.until_lost().await, None);
    assert_eq!(left.until_lost().await, None);
    assert!(right.data() == all, "what was written is what came");
}

pub async fn an_empty_write_is_nothing<K: Kind>() {
    let (left, right) = (Log::new(), Log::new());
    let (writer, _reader) = made::<K>(Recorder::new(&left), Recorder::new(&right)).await;
    assert_eq!(writer.write(b""), Flow::Open);
    assert_eq!(writer.writelines(&[]), Flow::Open);
    assert_eq!(writer.get_write_buffer_size(), 0);
    assert_eq!(writer.write(b"x"), Flow::Open);
    writer.close();
    right.until_lost().await;
    assert_eq!(right.data(), b"x");
}

pub async fn both_directions_are_independent<K: Kind>() {
    let (left, right) = (Log::new(), Log::new());
    let (one, other) = made::<K>(Recorder::new(&left), Recorder::new(&right)).await;
    assert_eq!(one.write(b"ping"), Flow::Open);
    assert_eq!(other.write(b"pong"), Flow::Open);
    right.until(|log| log.data() == b"ping").await;
    left.until(|log| log.data() == b"pong").await;
    one.close();
    assert_eq!(right.until_lost().await, None);
    assert_eq!(left.until_lost().await, None);
}
