//! asyncio's streams: a reader and a writer over any transport.
//!
//! * [`open_connection`], [`open_unix_connection`]: streams to a server.
//! * [`start_server`], [`start_unix_server`]: a task with a stream for each connection.
//! * [`StreamReader`]: `read`, `readline`, `readuntil`, `readexactly`. [`StreamWriter`]: `write`,
//!   and `drain`, which waits for room.
//! * [`Stream`]: both in one object; [`copy_bidirectional`] joins two of them.
//!
//! All of them are [`futures_lite::AsyncRead`], `AsyncBufRead` and `AsyncWrite`.
//!
//! # What really happens
//! Nothing is read before somebody reads. Then one system call takes the bytes from the kernel to
//! where they are wanted; only what `readline` and `readuntil` have read too far is kept, at most as
//! much as the limit. So a stream on which nobody reads takes no memory for what its peer sends, and
//! the peer is slowed down by the kernel. An idle stream has no buffer at all.
//!
//! Writing tries the system call at once, and keeps the rest; the loop goes on with it while you do
//! something else. What is kept is only bounded if you call `drain`.
//!
//! A read that is given up, by a cancellation or a timeout, takes nothing with it.
//!
//! # Example
//! ```
//! use asyncio_loop::EventLoop;
//! use asyncio_streams::{StreamReader, StreamWriter, open_connection, start_server};
//!
//! async fn echo(mut reader: StreamReader, writer: StreamWriter) -> std::io::Result<()> {
//!     let line = reader.readline().await?;
//!     writer.write(&line);
//!     writer.drain().await
//! }
//!
//! let event_loop = EventLoop::new()?;
//! let answer = event_loop.run_until_complete(async {
//!     let server = start_server(echo, ("127.0.0.1", 0)).await?;
//!     let address = server.sockets()[0].getsockname()?.as_socket().unwrap();
//!     let (mut reader, writer) = open_connection(address).await?;
//!     writer.write(b"hello\n");
//!     let answer = reader.readline().await?;
//!     server.close();
//!     std::io::Result::Ok(answer)
//! })??;
//! assert_eq!(answer, b"hello\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What this crate does not do
//! It has no deadlines: put a `timeout` around what waits. It does no system call of its own: what a
//! connection is made of is the transport's.
#![forbid(unsafe_code)]

mod connect;
mod copy;
mod error;
mod inbox;
mod lines;
mod link;
mod protocol;
mod reader;
mod search;
mod serve;
mod settings;
mod stream;
mod writer;

pub use connect::{OpenConnection, open_connection};
#[cfg(unix)]
pub use connect::{OpenUnixConnection, open_unix_connection};
pub use copy::copy_bidirectional;
pub use error::{IncompleteReadError, LimitOverrunError, ReadError};
pub use lines::Lines;
pub use protocol::{DEFAULT_LIMIT, StreamReaderProtocol};
pub use reader::StreamReader;
pub use serve::{Outcome, StartServer, start_server};
#[cfg(unix)]
pub use serve::{StartUnixServer, start_unix_server};
pub use stream::Stream;
pub use writer::StreamWriter;

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
