//! The protocol of a stream.

use std::fmt;
use std::io;
use std::rc::Rc;

use asyncio_loop::get_running_loop;
use asyncio_transports::{AfterEof, Protocol, ReadInto, Transport};

use crate::link::Link;
use crate::{Stream, StreamReader, StreamWriter};

/// How far a separator may be away, unless it is set: asyncio's `_DEFAULT_LIMIT`, in bytes.
pub const DEFAULT_LIMIT: usize = 64 * 1024;

/// Makes streams of any transport: asyncio's `StreamReaderProtocol`. [`open_connection`] and
/// [`start_server`] do it for you.
///
/// It leaves what comes in the kernel until somebody reads it, so that a stream on which nobody
/// reads takes no memory, and its peer is slowed down.
///
/// # Examples
/// ```
/// use asyncio_loop::EventLoop;
/// use asyncio_streams::StreamReaderProtocol;
/// use asyncio_transports::create_connection;
/// # use std::io::Read;
///
/// let event_loop = EventLoop::new()?;
/// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// let address = listener.local_addr()?;
/// event_loop.run_until_complete(async {
///     let factory = || StreamReaderProtocol::new(1024);
///     let (_transport, protocol) = create_connection(factory, address).await?;
///     let (_reader, writer) = protocol.borrow_mut().take_streams().unwrap();
///     writer.write(b"hello");
///     drop(writer); // which closes the connection, when all is written
///     std::io::Result::Ok(())
/// })??;
/// # event_loop.close();
/// # let mut text = String::new();
/// # listener.accept()?.0.read_to_string(&mut text)?;
/// # assert_eq!(text, "hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [`open_connection`]: crate::open_connection
/// [`start_server`]: crate::start_server
pub struct StreamReaderProtocol {
    limit: usize,
    streams: Streams,
    link: Option<Rc<Link>>,
}

/// What becomes of the two ends.
enum Streams {
    /// `take_streams` will ask for them.
    Awaited,
    /// This is called with them.
    Handled(Connected),
    Taken,
}

/// What a server calls for each connection; a pointer of one word, since each of them has it.
pub(crate) type Connected = Rc<Box<dyn Fn(StreamReader, StreamWriter)>>;

impl StreamReaderProtocol {
    /// For one connection. `limit` is how many bytes may come before a separator, and it is what is
    /// read ahead at most.
    ///
    /// # Panics
    /// For a limit of zero.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self::with(limit, Streams::Awaited)
    }

    pub(crate) fn handled(limit: usize, connected: &Connected) -> Self {
        Self::with(limit, Streams::Handled(Rc::clone(connected)))
    }

    #[track_caller]
    fn with(limit: usize, streams: Streams) -> Self {
        assert!(limit > 0, "limit cannot be zero");
        Self {
            limit,
            streams,
            link: None,
        }
    }

    /// The two ends of the stream, once there is a connection; once only.
    pub fn take_streams(&mut self) -> Option<(StreamReader, StreamWriter)> {
        let link = match self.streams {
            Streams::Awaited => self.link.clone()?,
            _ => return None,
        };
        self.streams = Streams::Taken;
        Some(ends(link))
    }

    /// Both as one, as [`take_streams`](Self::take_streams).
    pub fn take_stream(&mut self) -> Option<Stream> {
        let (reader, writer) = self.take_streams()?;
        Some(Stream::of(reader, writer))
    }

    fn link(&self, tell: impl FnOnce(&Link)) {
        if let Some(link) = &self.link {
            tell(link);
        }
    }
}

impl Protocol for StreamReaderProtocol {
    fn connection_made(&mut self, transport: Rc<dyn Transport>) {
        let link = Link::new(&get_running_loop(), transport, self.limit);
        let link = Rc::clone(self.link.insert(Rc::new(link)));
        if let Streams::Handled(connected) = &self.streams {
            let (reader, writer) = ends(link);
            connected(reader, writer);
        }
    }

    /// Tells the reader, which reads by itself.
    fn get_buffer(&mut self, _: Option<usize>) -> ReadInto<'_> {
        self.link(Link::readable);
        ReadInto::Later
    }

    fn wake_reader(&mut self) -> bool {
        self.link(Link::readable);
        true
    }

    /// For transports that deliver without being asked.
    fn data_received(&mut self, data: &[u8]) {
        self.link(|link| link.feed(data));
    }

    fn eof_received(&mut self) -> AfterEof {
        self.link(Link::end);
        // asyncio: not with TLS, which cannot be ended in one direction.
        let halves = |link: &Rc<Link>| link.transport().can_write_eof();
        if self.link.as_ref().is_some_and(halves) {
            AfterEof::KeepOpen
        } else {
            AfterEof::Close
        }
    }

    fn connection_lost(&mut self, error: Option<io::Error>) {
        if let Some(link) = self.link.take() {
            link.lose(error);
        }
    }

    fn pause_writing(&mut self) {
        self.link(Link::pause_writing);
    }

    fn resume_writing(&mut self) {
        self.link(Link::resume_writing);
    }
}

fn ends(link: Rc<Link>) -> (StreamReader, StreamWriter) {
    (StreamReader::new(Rc::clone(&link)), StreamWriter::new(link))
}

impl fmt::Debug for StreamReaderProtocol {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("StreamReaderProtocol")
            .field("limit", &self.limit)
            .field("connected", &self.link.is_some())
            .finish_non_exhaustive()
    }
}
