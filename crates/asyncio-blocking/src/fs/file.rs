//! [`File`]: a file read ahead and written behind by a thread of the elastic pool.

use std::fs::{Metadata, Permissions};
use std::future::poll_fn;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_lite::io::{AsyncRead, AsyncSeek, AsyncWrite};

use super::OpenOptions;
use crate::piped::Piped;

/// How far the thread may be ahead of the reader or behind the writer. As much as asyncio reads
/// from a socket at a time: enough that the two threads seldom wait for each other.
const PIPE_BYTES: usize = 256 * 1024;

/// An open file, with `AsyncRead`, `AsyncWrite` and `AsyncSeek` of `futures-io`.
///
/// Reading runs ahead by up to 256 KiB. That does not show: where a write or a seek follows, the
/// system's cursor is first put back to where the reader is.
///
/// A write returns when the bytes are on their way to the thread that writes them, which is before
/// they are written. An error, such as a full disk, surfaces in a later write, at `flush` or at
/// `close`.
///
/// # Dropping
///
/// `flush` (or `close`) a file that was written to before it is dropped: otherwise what its thread
/// has not written by then may be lost, and errors go unseen. Dropping does not block.
///
/// # Cancel safety
///
/// A read or write that is dropped has moved nothing. `flush` and `close` may be repeated. A seek
/// may have happened or not.
///
/// # Examples
///
/// ```
/// use asyncio_blocking::fs::File;
/// use futures_lite::{AsyncReadExt, AsyncWriteExt};
///
/// # futures_lite::future::block_on(async {
/// # let path = std::env::temp_dir().join(format!("asyncio-file-{}", std::process::id()));
/// let mut file = File::create(&path).await?;
/// file.write_all(b"hello").await?;
/// file.close().await?;
///
/// let mut text = String::new();
/// File::open(&path).await?.read_to_string(&mut text).await?;
/// assert_eq!(text, "hello");
/// # std::fs::remove_file(path)?;
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct File {
    file: Arc<std::fs::File>,
    io: Piped<Handle>,
    reading: Reading,
    /// Something was written and not flushed.
    dirty: bool,
}

/// The thread's share of the file.
#[derive(Debug)]
struct Handle(Arc<std::fs::File>);

/// Whether the thread reads ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// No: the system's cursor is the file's.
    No,
    /// Yes; the reader is at this place.
    At(u64),
    /// Yes, from something that has no places, such as a terminal.
    Unseekable,
}

impl File {
    /// Opens a file for reading.
    ///
    /// # Errors
    ///
    /// Those of [`std::fs::File::open`].
    ///
    /// # Cancel safety
    ///
    /// Safe: the file is closed again.
    pub async fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        OpenOptions::new().read(true).open(path).await
    }

    /// Opens a file for writing; creates it, or makes it empty.
    ///
    /// # Errors
    ///
    /// Those of [`std::fs::File::create`].
    ///
    /// # Cancel safety
    ///
    /// The file may have been created or truncated all the same; it is closed again.
    pub async fn create(path: impl AsRef<Path>) -> io::Result<Self> {
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(path)
            .await
    }

    /// Flushes, and waits until the system has brought data and metadata to the device.
    ///
    /// # Errors
    ///
    /// Those of the writes before, and of [`std::fs::File::sync_all`].
    ///
    /// # Cancel safety
    ///
    /// May be repeated.
    pub async fn sync_all(&mut self) -> io::Result<()> {
        self.settled(std::fs::File::sync_all).await
    }

    /// As [`sync_all`](Self::sync_all), for the data and what is needed to read them.
    ///
    /// # Errors
    ///
    /// Those of the writes before, and of [`std::fs::File::sync_data`].
    ///
    /// # Cancel safety
    ///
    /// May be repeated.
    pub async fn sync_data(&mut self) -> io::Result<()> {
        self.settled(std::fs::File::sync_data).await
    }

    /// Flushes, and makes the file `size` bytes long. The cursor stays where it is.
    ///
    /// # Errors
    ///
    /// Those of the writes before, and of [`std::fs::File::set_len`].
    ///
    /// # Cancel safety
    ///
    /// May have happened all the same; may be repeated.
    pub async fn set_len(&mut self, size: u64) -> io::Result<()> {
        // What was read ahead may be what is cut off now.
        poll_fn(|cx| self.poll_stop_reading(cx)).await?;
        self.settled(move |file| file.set_len(size)).await
    }

    /// What the system knows about the file. Writes that were not flushed may be missing.
    ///
    /// # Errors
    ///
    /// Those of [`std::fs::File::metadata`].
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub async fn metadata(&self) -> io::Result<Metadata> {
        let file = Arc::clone(&self.file);
        blocking::unblock(move || file.metadata()).await
    }

    /// Changes the file's permissions.
    ///
    /// # Errors
    ///
    /// Those of [`std::fs::File::set_permissions`].
    ///
    /// # Cancel safety
    ///
    /// May have happened all the same; may be repeated.
    pub async fn set_permissions(&self, permissions: Permissions) -> io::Result<()> {
        let file = Arc::clone(&self.file);
        blocking::unblock(move || file.set_permissions(permissions)).await
    }

    /// The file itself. Its cursor is not the reader's while the thread reads ahead, and written
    /// data may be on their way: good for its descriptor, and for what has no cursor.
    #[must_use]
    pub fn as_std(&self) -> &std::fs::File {
        &self.file
    }

    /// Flushes, and gives the file itself, its cursor where the reader or writer was.
    ///
    /// # Errors
    ///
    /// Those of the writes before, or if the cursor cannot be put there. The file is closed then.
    ///
    /// # Cancel safety
    ///
    /// The file is closed, and what was not flushed may be lost.
    pub async fn into_std(mut self) -> io::Result<std::fs::File> {
        poll_fn(|cx| self.poll_stop_reading(cx)).await?;
        // Also waits for a seek that was dropped half-way.
        poll_fn(|cx| self.io.poll_flush(cx)).await?;
        drop(self.io);
        match Arc::try_unwrap(self.file) {
            Ok(file) => Ok(file),
            // A call that was dropped half-way still has it.
            Err(shared) => shared.try_clone(),
        }
    }

    /// Calls `f` in the pool when everything written before has reached the system.
    async fn settled<F>(&mut self, f: F) -> io::Result<()>
    where
        F: FnOnce(&std::fs::File) -> io::Result<()> + Send + 'static,
    {
        poll_fn(|cx| self.poll_written(cx)).await?;
        let file = Arc::clone(&self.file);
        blocking::unblock(move || f(&file)).await
    }

    /// Waits until everything written has reached the system.
    fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.dirty {
            let result = ready!(self.io.poll_flush(cx));
            // An error is told once; the thread has given up what it could not write.
            self.dirty = false;
            result?;
        }
        Poll::Ready(Ok(()))
    }

    /// Stops reading ahead and puts the cursor where the reader is.
    fn poll_stop_reading(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Reading::At(place) = self.reading {
            ready!(self.io.poll_seek(cx, SeekFrom::Start(place)))?;
        }
        self.reading = Reading::No;
        Poll::Ready(Ok(()))
    }
}

impl From<std::fs::File> for File {
    fn from(file: std::fs::File) -> Self {
        let file = Arc::new(file);
        let io = Piped::new(Handle(Arc::clone(&file)), PIPE_BYTES);
        Self {
            file,
            io,
            reading: Reading::No,
            dirty: false,
        }
    }
}

impl AsyncRead for File {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if self.reading == Reading::No {
            // First, so that an error of a write is not taken for one of the seek.
            ready!(self.poll_written(cx))?;
            self.reading = match ready!(self.io.poll_seek(cx, SeekFrom::Current(0))) {
                Ok(place) => Reading::At(place),
                Err(error) if error.kind() == io::ErrorKind::NotSeekable => Reading::Unseekable,
                Err(error) => return Poll::Ready(Err(error)),
            };
        }
        let read = ready!(self.io.poll_read(cx, buf))?;
        if let Reading::At(place) = &mut self.reading {
            // A `usize` fits.
            *place += read as u64;
        }
        Poll::Ready(Ok(read))
    }
}

impl AsyncWrite for File {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_stop_reading(cx))?;
        self.dirty = true;
        self.io.poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_written(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_written(cx))?;
        self.io.poll_close(cx)
    }
}

impl AsyncSeek for File {
    fn poll_seek(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pos: SeekFrom,
    ) -> Poll<io::Result<u64>> {
        ready!(self.poll_stop_reading(cx))?;
        ready!(self.poll_written(cx))?;
        self.io.poll_seek(cx, pos)
    }
}

impl Read for Handle {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        (&*self.0).read(buf)
    }
}

impl Write for Handle {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        (&*self.0).write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self.0).flush()
    }
}

impl Seek for Handle {
    fn seek(&mut self, pos: SeekFrom) -> io::Result<u64> {
        (&*self.0).seek(pos)
    }
}
