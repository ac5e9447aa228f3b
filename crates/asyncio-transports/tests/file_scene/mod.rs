//! What the tests of files that are sent share: a file with known bytes, and who reads them.

#![allow(dead_code, unreachable_pub)] // each test file uses a part of it

use asyncio_loop::{PartialWrite, create_task, to_thread};
use asyncio_testkit::{Folder, Rng};
use socket2::Socket;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::PathBuf;

/// A file that is open for reading, and gone with the test.
pub struct Source {
    pub path: PathBuf,
    pub file: File,
    pub bytes: Vec<u8>,
    _folder: Folder,
}

impl Source {
    /// With so many bytes that tell their places apart. None of them is `0xaa`, which the layer of
    /// the tests cannot send.
    pub fn new(size: usize) -> Self {
        let folder = Folder::new();
        let path = folder.join("file");
        // Fast to make: a page of noise, and at the beginning of each its number.
        let mut rng = Rng::new(size as u64);
        let page: Vec<u8> = (0..4096).map(|_| rng.below(128) as u8).collect();
        let mut bytes = page.repeat(size.div_ceil(page.len()));
        for (number, page) in bytes.chunks_mut(page.len()).enumerate() {
            page[..3].copy_from_slice(&[0, 7, 14].map(|shift| (number >> shift & 0x7f) as u8));
        }
        bytes.truncate(size);
        std::fs::write(&path, &bytes).unwrap();
        Self {
            file: File::open(&path).unwrap(),
            path,
            bytes,
            _folder: folder,
        }
    }

    /// The same file, open for writing.
    pub fn writable(&self) -> File {
        File::options().write(true).open(&self.path).unwrap()
    }

    pub fn position(&self) -> u64 {
        (&self.file).stream_position().unwrap()
    }
}

/// A file that has no positions, with these bytes to come.
pub fn pipe(bytes: &'static [u8]) -> File {
    let (reader, mut writer) = io::pipe().unwrap();
    writer.write_all(bytes).unwrap();
    File::from(std::os::fd::OwnedFd::from(reader))
}

/// Reads to the end, on another thread, from now on.
pub fn read_to_end(far: Socket) -> asyncio_executor::Task<Vec<u8>> {
    create_task(async move {
        let read = move || {
            let mut bytes = Vec::new();
            (&far).read_to_end(&mut bytes).unwrap();
            bytes
        };
        to_thread(read).await.unwrap()
    })
}

/// What was sent before it failed.
#[track_caller]
pub fn sent_before(error: &io::Error) -> u64 {
    let inner = error.get_ref().expect("an error with more inside");
    inner.downcast_ref::<PartialWrite>().unwrap().sent
}
