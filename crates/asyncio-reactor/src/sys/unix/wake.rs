//! The descriptor that ends a sleep: an eventfd, or where there is none a pair of sockets.
//!
//! An eventfd is one descriptor and one counter, and writing to it is the cheapest wake-up Linux has
//! (`eventfd(2)`). Some sandboxes refuse it, and other systems do not have it.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

#[derive(Debug)]
pub(crate) enum Wake {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    Event(std::os::fd::OwnedFd),
    Pair {
        reader: UnixStream,
        writer: UnixStream,
    },
}

impl Wake {
    pub(crate) fn new() -> io::Result<Self> {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        {
            use rustix::event::{EventfdFlags, eventfd};
            if let Ok(event) = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK) {
                return Ok(Self::Event(event));
            }
        }
        let (reader, writer) = UnixStream::pair()?;
        reader.set_nonblocking(true)?;
        writer.set_nonblocking(true)?;
        Ok(Self::Pair { reader, writer })
    }

    /// Makes the descriptor readable, and tells whoever watches it edge-triggered.
    pub(crate) fn notify(&self) {
        // Full: the counter or the buffer holds wake-ups that an edge-triggered selector never
        // reads. Making room and writing again gives the edge. Should another thread fill it up
        // once more in between, then that thread's write has given the edge.
        for _ in 0..2 {
            match self.write() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.drain(),
                // Nothing else can happen to a descriptor that only we hold.
                _ => return,
            }
        }
    }

    /// Makes the descriptor unreadable again, which a level-triggered selector needs.
    pub(crate) fn drain(&self) {
        match self {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Self::Event(event) => {
                // One read takes the whole count; an error means that there was none.
                let _ = rustix::io::read(event, &mut [0; 8]);
            }
            // Bounded: the buffer holds no more than this many reads, and what writers add
            // meanwhile is a wake-up that may be reported.
            Self::Pair { reader, .. } => {
                for _ in 0..DRAIN_READS_MAX {
                    if !matches!((&mut &*reader).read(&mut [0; 4096]), Ok(4096)) {
                        break;
                    }
                }
            }
        }
    }

    fn write(&self) -> io::Result<()> {
        loop {
            let written = match self {
                #[cfg(any(target_os = "linux", target_os = "android"))]
                Self::Event(event) => {
                    rustix::io::write(event, &1_u64.to_ne_bytes()).map_err(io::Error::from)
                }
                Self::Pair { writer, .. } => (&mut &*writer).write(&[1]),
            };
            match written {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other.map(drop),
            }
        }
    }
}

impl AsFd for Wake {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Self::Event(event) => event.as_fd(),
            Self::Pair { reader, .. } => reader.as_fd(),
        }
    }
}

/// The key under which a selector registers its wake-up descriptor.
pub(crate) const KEY: usize = usize::MAX - 1;

/// 256 KiB, more than a pair of sockets holds by default anywhere.
const DRAIN_READS_MAX: usize = 64;
