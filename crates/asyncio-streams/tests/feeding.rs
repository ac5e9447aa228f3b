//! A transport that delivers without being asked: asyncio's `feed_data`, and its pauses.

mod scene;

use std::cell::{Cell, RefCell};
use std::io::{self, IoSlice};
use std::rc::Rc;

use asyncio_streams::{Stream, StreamReaderProtocol};
use asyncio_transports::{
    BaseTransport, Chunk, Flow, InvalidLimits, Protocol, Query, ReadTransport, Transport,
    WriteLimits, WriteTransport,
};
use scene::{bytes, give_up_after, run};

/// It has nothing to read but what the test delivers.
#[derive(Debug, Default)]
struct Pushing {
    paused: Cell<bool>,
    closed: Cell<bool>,
    calls: Cell<usize>,
}

impl BaseTransport for Pushing {
    fn answer(&self, _: &mut Query<'_>) {}

    fn is_closing(&self) -> bool {
        self.closed.get()
    }

    fn close(&self) {
        self.closed.set(true);
    }

    fn abort(&self) {
        self.closed.set(true);
    }
}

impl ReadTransport for Pushing {
    fn is_reading(&self) -> bool {
        !self.paused.get()
    }

    fn pause_reading(&self) {
        self.calls.set(self.calls.get() + 1);
        self.paused.set(true);
    }

    fn resume_reading(&self) {
        self.calls.set(self.calls.get() + 1);
        self.paused.set(false);
    }
}

impl WriteTransport for Pushing {
    fn write_with(&self, _: &[IoSlice<'_>], _: &mut dyn FnMut(usize) -> Chunk) -> Flow {
        Flow::Open
    }

    fn write_eof(&self) {}

    fn can_write_eof(&self) -> bool {
        true
    }

    fn set_write_buffer_limits(
        &self,
        _: Option<usize>,
        _: Option<usize>,
    ) -> Result<(), InvalidLimits> {
        Ok(())
    }

    fn get_write_buffer_limits(&self) -> WriteLimits {
        WriteLimits::DEFAULT
    }

    fn get_write_buffer_size(&self) -> usize {
        0
    }
}

impl Transport for Pushing {
    fn set_protocol(&self, _: Rc<RefCell<dyn Protocol>>) {}

    fn get_protocol(&self) -> Option<Rc<RefCell<dyn Protocol>>> {
        None
    }

    fn try_read(&self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}

fn pushing(limit: usize) -> (Rc<Pushing>, StreamReaderProtocol, Stream) {
    let transport = Rc::new(Pushing::default());
    let mut protocol = StreamReaderProtocol::new(limit);
    assert!(protocol.take_stream().is_none(), "no connection yet");
    protocol.connection_made(Rc::<Pushing>::clone(&transport));
    let stream = protocol.take_stream().unwrap();
    assert!(protocol.take_stream().is_none(), "once only");
    (transport, protocol, stream)
}

#[test]
fn more_than_twice_the_limit_pauses_and_the_limit_resumes_s3() {
    run(|| async {
        let (transport, mut protocol, mut stream) = pushing(10);
        protocol.data_received(&bytes(20));
        assert!(transport.is_reading());
        protocol.data_received(b"!");
        assert!(!transport.is_reading());
        // A loop may deliver once more what it had read.
        protocol.data_received(b"?");
        assert_eq!(transport.calls.get(), 1);
        assert_eq!(
            stream.reader.readexactly(11).await.unwrap(),
            bytes(20)[..11]
        );
        assert!(!transport.is_reading(), "eleven are left");
        assert_eq!(
            stream.reader.readexactly(1).await.unwrap(),
            bytes(20)[11..12]
        );
        assert!(transport.is_reading());
        assert_eq!(transport.calls.get(), 2);
        assert_eq!(stream.reader.read(&mut [0; 99]).await.unwrap(), 10);
    });
}

#[test]
fn more_than_the_limit_can_be_read_at_once_s3() {
    run(|| async {
        let (transport, mut protocol, mut stream) = pushing(10);
        protocol.data_received(&bytes(30));
        let part = give_up_after(3, stream.reader.readexactly(40)).await;
        assert!(part.is_none());
        assert!(transport.is_reading(), "or it would wait for ever");
        protocol.data_received(&bytes(10));
        let all = stream.reader.readexactly(40).await.unwrap();
        assert_eq!(all, [bytes(30), bytes(10)].concat());
    });
}

#[test]
fn the_end_comes_after_what_was_delivered_s3() {
    run(|| async {
        let (_transport, mut protocol, mut stream) = pushing(2);
        protocol.data_received(b"rest\nof it");
        protocol.eof_received();
        assert!(!stream.reader.at_eof());
        assert_eq!(stream.reader.readexactly(5).await.unwrap(), b"rest\n");
        protocol.connection_lost(None);
        assert_eq!(stream.reader.read_to_end().await.unwrap(), b"of it");
        assert!(stream.reader.at_eof());
    });
}
