//! Files: what was written is read, cursors are where they belong, errors surface.

use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use asyncio_blocking::fs::{File, OpenOptions};
use futures_lite::future::block_on;
use futures_lite::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

/// A path of its own, removed at the end.
struct Temporary(PathBuf);

impl Temporary {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("asyncio-blocking-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn with(content: &[u8]) -> Self {
        let path = Self::new();
        std::fs::write(&path.0, content).unwrap();
        path
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// 1 MiB in which every place looks different from its neighbours.
fn pattern() -> Vec<u8> {
    (0..1 << 20)
        .map(|i: u32| (i.wrapping_mul(0x9E37_79B9) >> 24) as u8)
        .collect()
}

fn read_write() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    options
}

#[test]
fn what_was_written_is_read() {
    let path = Temporary::new();
    block_on(async {
        let mut file = File::create(&path.0).await.unwrap();
        file.write_all(&pattern()).await.unwrap();
        file.close().await.unwrap();
        let mut content = Vec::new();
        File::open(&path.0)
            .await
            .unwrap()
            .read_to_end(&mut content)
            .await
            .unwrap();
        assert!(content == pattern());
    });
}

#[test]
fn opening_what_is_not_there_is_an_error() {
    let path = Temporary::new();
    block_on(async {
        assert_eq!(
            File::open(&path.0).await.unwrap_err().kind(),
            ErrorKind::NotFound
        );
        read_write().create_new(true).open(&path.0).await.unwrap();
        let again = read_write().create_new(true).open(&path.0).await;
        assert_eq!(again.unwrap_err().kind(), ErrorKind::AlreadyExists);
    });
}

/// The thread has read 256 KiB ahead when the user has read ten bytes.
#[test]
fn a_write_after_a_read_goes_where_the_reader_is() {
    let path = Temporary::with(&pattern());
    block_on(async {
        let mut file = read_write().open(&path.0).await.unwrap();
        file.read_exact(&mut [0; 10]).await.unwrap();
        file.write_all(b"here").await.unwrap();
        let mut after = [0; 6];
        file.read_exact(&mut after).await.unwrap();
        assert_eq!(after, pattern()[14..20]);
        file.close().await.unwrap();
    });
    let mut expected = pattern();
    expected[10..14].copy_from_slice(b"here");
    assert!(std::fs::read(&path.0).unwrap() == expected);
}

#[test]
fn a_relative_seek_starts_where_the_reader_is() {
    let path = Temporary::with(&pattern());
    block_on(async {
        let mut file = File::open(&path.0).await.unwrap();
        file.read_exact(&mut [0; 10]).await.unwrap();
        assert_eq!(file.seek(SeekFrom::Current(5)).await.unwrap(), 15);
        let mut byte = [0];
        file.read_exact(&mut byte).await.unwrap();
        assert_eq!(byte[0], pattern()[15]);
        assert_eq!(file.seek(SeekFrom::End(-1)).await.unwrap(), (1 << 20) - 1);
        let error = file.seek(SeekFrom::Current(-(2 << 20))).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    });
}

#[test]
fn into_std_leaves_the_cursor_where_the_reader_was() {
    let path = Temporary::with(&pattern());
    block_on(async {
        let mut file = File::open(&path.0).await.unwrap();
        file.read_exact(&mut [0; 7]).await.unwrap();
        let mut file = file.into_std().await.unwrap();
        assert_eq!(file.stream_position().unwrap(), 7);
        let mut byte = [0];
        file.read_exact(&mut byte).unwrap();
        assert_eq!(byte[0], pattern()[7]);
    });
}

#[test]
fn into_std_flushes() {
    let path = Temporary::new();
    block_on(async {
        let mut file = File::create(&path.0).await.unwrap();
        file.write_all(b"written").await.unwrap();
        file.into_std().await.unwrap();
    });
    assert_eq!(std::fs::read(&path.0).unwrap(), b"written");
}

#[test]
fn flush_sync_and_set_len_see_everything_written_before() {
    let path = Temporary::new();
    block_on(async {
        let mut file = read_write().create(true).open(&path.0).await.unwrap();
        file.write_all(&pattern()).await.unwrap();
        file.flush().await.unwrap();
        assert_eq!(std::fs::metadata(&path.0).unwrap().len(), 1 << 20);
        file.write_all(b"more").await.unwrap();
        file.sync_all().await.unwrap();
        assert_eq!(file.metadata().await.unwrap().len(), (1 << 20) + 4);
        file.write_all(b"and more").await.unwrap();
        file.sync_data().await.unwrap();
        file.write_all(b"cut off").await.unwrap();
        file.set_len(3).await.unwrap();
        assert_eq!(std::fs::read(&path.0).unwrap(), pattern()[..3]);
    });
}

#[test]
fn what_was_read_ahead_is_not_read_after_it_was_cut_off() {
    let path = Temporary::with(&pattern());
    block_on(async {
        let mut file = read_write().open(&path.0).await.unwrap();
        file.read_exact(&mut [0; 4]).await.unwrap();
        file.set_len(6).await.unwrap();
        let mut rest = Vec::new();
        file.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, pattern()[4..6]);
    });
}

#[test]
fn appending_goes_to_the_end() {
    let path = Temporary::with(b"one ");
    block_on(async {
        let mut file = OpenOptions::new().append(true).open(&path.0).await.unwrap();
        std::fs::write(&path.0, b"three ").unwrap();
        file.write_all(b"four").await.unwrap();
        file.close().await.unwrap();
    });
    assert_eq!(std::fs::read(&path.0).unwrap(), b"three four");
}

#[test]
fn permissions_can_be_changed() {
    let path = Temporary::with(b"");
    block_on(async {
        let file = File::open(&path.0).await.unwrap();
        let mut permissions = file.metadata().await.unwrap().permissions();
        permissions.set_readonly(true);
        file.set_permissions(permissions).await.unwrap();
        assert!(file.as_std().metadata().unwrap().permissions().readonly());
    });
}

#[test]
fn the_mode_of_opening_is_kept() {
    let path = Temporary::with(b"text");
    block_on(async {
        let mut reader = File::open(&path.0).await.unwrap();
        let mut sink = File::create(&Temporary::new().0).await.unwrap();
        assert!(sink.read(&mut [0; 4]).await.is_err());
        // The write itself is only accepted; its error comes later, and is not lost.
        let written = reader.write_all(b"no").await;
        assert!(written.is_err() || reader.flush().await.is_err());
    });
}

/// A full disk: the device accepts no byte. The error comes with a later write or the flush.
#[cfg(target_os = "linux")]
#[test]
fn a_write_error_surfaces_as_itself() {
    block_on(async {
        let mut full = OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .await
            .unwrap();
        full.write_all(b"x").await.unwrap();
        assert_eq!(
            full.flush().await.unwrap_err().kind(),
            ErrorKind::StorageFull
        );

        let mut full = OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .await
            .unwrap();
        let error = async {
            loop {
                full.write_all(&[0; 65536]).await?;
            }
        };
        let error: std::io::Result<()> = error.await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::StorageFull);

        let mut full = OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .await
            .unwrap();
        full.write_all(b"x").await.unwrap();
        assert_eq!(
            full.close().await.unwrap_err().kind(),
            ErrorKind::StorageFull
        );
    });
}

#[test]
fn after_close_there_are_errors_not_panics() {
    let path = Temporary::new();
    block_on(async {
        let mut file = read_write().create(true).open(&path.0).await.unwrap();
        file.write_all(b"x").await.unwrap();
        file.close().await.unwrap();
        file.close().await.unwrap();
        file.flush().await.unwrap();
        let kinds = [
            file.write(b"y").await.unwrap_err().kind(),
            file.read(&mut [0]).await.unwrap_err().kind(),
            file.seek(SeekFrom::Start(0)).await.unwrap_err().kind(),
        ];
        assert_eq!(kinds, [ErrorKind::NotConnected; 3]);
    });
}

#[test]
fn empty_buffers_move_nothing() {
    let path = Temporary::with(b"text");
    block_on(async {
        let mut file = read_write().open(&path.0).await.unwrap();
        assert_eq!(file.read(&mut []).await.unwrap(), 0);
        let mut all = Vec::new();
        file.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, b"text");
        assert_eq!(file.write(&[]).await.unwrap(), 0);
        file.close().await.unwrap();
    });
}

#[test]
fn a_read_that_is_dropped_loses_nothing() {
    use futures_lite::future::poll_once;
    let path = Temporary::with(&pattern());
    block_on(async {
        let mut file = File::open(&path.0).await.unwrap();
        let mut content = Vec::new();
        let mut buffer = [0; 1000];
        // Whatever is not there at once is asked for again.
        while content.len() < 100_000 {
            if let Some(read) = poll_once(file.read(&mut buffer)).await {
                content.extend_from_slice(&buffer[..read.unwrap()]);
            }
        }
        assert!(content == pattern()[..content.len()]);
    });
}
