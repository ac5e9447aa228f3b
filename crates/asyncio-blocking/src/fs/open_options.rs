//! [`OpenOptions`]: std's, with an `open` that does not block.

use std::io;
use std::path::Path;

use super::File;

/// How a file is opened: [`std::fs::OpenOptions`] with an asynchronous [`open`](Self::open).
///
/// For settings of one operating system, build std's and convert it.
///
/// # Examples
///
/// ```
/// use asyncio_blocking::fs::OpenOptions;
/// use futures_lite::AsyncWriteExt;
///
/// # futures_lite::future::block_on(async {
/// # let path = std::env::temp_dir().join(format!("asyncio-log-{}", std::process::id()));
/// let mut log = OpenOptions::new().create(true).append(true).open(&path).await?;
/// log.write_all(b"one more line\n").await?;
/// log.close().await?;
/// # std::fs::remove_file(path)?;
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct OpenOptions(std::fs::OpenOptions);

impl OpenOptions {
    /// Nothing is allowed yet.
    #[must_use]
    #[expect(
        clippy::new_without_default,
        reason = "as std's: a file opened for nothing is an error"
    )]
    pub fn new() -> Self {
        Self(std::fs::OpenOptions::new())
    }

    /// To read from it.
    pub fn read(&mut self, read: bool) -> &mut Self {
        self.0.read(read);
        self
    }

    /// To write to it.
    pub fn write(&mut self, write: bool) -> &mut Self {
        self.0.write(write);
        self
    }

    /// To write at its end, wherever that is at the time.
    pub fn append(&mut self, append: bool) -> &mut Self {
        self.0.append(append);
        self
    }

    /// To make it empty.
    pub fn truncate(&mut self, truncate: bool) -> &mut Self {
        self.0.truncate(truncate);
        self
    }

    /// To create it where it does not exist.
    pub fn create(&mut self, create: bool) -> &mut Self {
        self.0.create(create);
        self
    }

    /// To create it, and fail where it exists.
    pub fn create_new(&mut self, create_new: bool) -> &mut Self {
        self.0.create_new(create_new);
        self
    }

    /// Opens the file.
    ///
    /// # Errors
    ///
    /// Those of [`std::fs::OpenOptions::open`].
    ///
    /// # Cancel safety
    ///
    /// The file may have been created or truncated all the same; it is closed again.
    pub async fn open(&self, path: impl AsRef<Path>) -> io::Result<File> {
        let (options, path) = (self.0.clone(), path.as_ref().to_owned());
        blocking::unblock(move || options.open(path))
            .await
            .map(File::from)
    }
}

impl From<std::fs::OpenOptions> for OpenOptions {
    fn from(options: std::fs::OpenOptions) -> Self {
        Self(options)
    }
}
