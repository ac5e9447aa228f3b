//! The fallback: a file is read by the thread pool, block by block, and written.

use std::io;
use std::sync::Arc;

use asyncio_loop::to_thread;

use super::span::Progress;
use crate::sys;

/// Where the blocks go.
pub(super) trait Outlet {
    /// How long a block is: as asyncio's, of each kind.
    const BLOCK: usize;

    /// Writes all of `data` with back-pressure, and notes what is written as soon as it is.
    async fn write(&self, data: &[u8], progress: &mut Progress<'_>) -> io::Result<()>;
}

/// Reads and writes until all is sent, or the file has no more.
pub(super) async fn copy<O: Outlet>(progress: &mut Progress<'_>, outlet: &O) -> io::Result<()> {
    let has_positions = progress.seek()?;
    let file = Arc::new(progress.file.try_clone()?);
    let mut block = vec![0; progress.next(O::BLOCK).unwrap_or(0)];
    while let Some(size) = progress.next(O::BLOCK) {
        let position = has_positions.then(|| progress.position());
        let file = Arc::clone(&file);
        let read = move || {
            let count = sys::read_file(&file, position, &mut block[..size]);
            (block, count)
        };
        let (back, count) = to_thread(read).await?;
        block = back;
        match count? {
            0 => break,
            count => outlet.write(&block[..count], progress).await?,
        }
    }
    Ok(())
}
