//! Connections that are awaited: [`asyncio.streams`](https://docs.python.org/3/library/asyncio-stream.html).
//!
//! The keyword arguments of Python are methods of what [`open_connection`] and [`start_server`]
//! return, and awaiting it connects or listens.
//!
//! # Examples
//! asyncio's documentation has this client and this server:
//! ```
//! use asyncio::{StreamReader, StreamWriter, open_connection, start_server};
//!
//! async fn handle_echo(mut reader: StreamReader, writer: StreamWriter) -> std::io::Result<()> {
//!     let mut data = [0; 100];
//!     let count = reader.read(&mut data).await?;
//!     writer.write(&data[..count]);
//!     writer.drain().await?;
//!     writer.close();
//!     writer.wait_closed().await
//! }
//!
//! let answer = asyncio::run(async {
//!     let server = start_server(handle_echo, ("127.0.0.1", 0)).await?;
//!     let address = server.sockets()[0].getsockname()?.as_socket().unwrap();
//!
//!     let (mut reader, writer) = open_connection(address).await?;
//!     writer.write(b"Hello World!");
//!     let mut data = [0; 100];
//!     let count = reader.read(&mut data).await?;
//!     writer.close();
//!     writer.wait_closed().await?;
//!     server.close();
//!     server.wait_closed().await;
//!     std::io::Result::Ok(data[..count].to_vec())
//! })??;
//! assert_eq!(answer, b"Hello World!");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub use asyncio_streams::{
    DEFAULT_LIMIT, IncompleteReadError, LimitOverrunError, Lines, OpenConnection, Outcome,
    ReadError, StartServer, Stream, StreamReader, StreamReaderProtocol, StreamWriter,
    copy_bidirectional, open_connection, start_server,
};
#[cfg(unix)]
pub use asyncio_streams::{
    OpenUnixConnection, StartUnixServer, open_unix_connection, start_unix_server,
};
