//! Bytes to transfer, and to compare what comes with: as many as are asked for, decided by a seed.

use crate::rng::Rng;

/// After so many bytes they begin anew: a prime, which no buffer has as its size, so that a piece
/// that is lost, repeated or exchanged shows.
const PERIOD: usize = 1_048_583;

/// An endless sequence of bytes: the same seed, the same bytes.
///
/// To compare every byte shows more than to compare hashes, and where the first wrong one is.
///
/// ```
/// use asyncio_testkit::Pattern;
///
/// let (mut sent, mut came) = (Pattern::new(7), Pattern::new(7));
/// let bytes = [sent.take(5), sent.take(2_000_000)].concat();
/// came.check(&bytes[..1_000_000]);
/// came.check(&bytes[1_000_000..]);
/// assert_eq!(came.position(), 2_000_005);
/// ```
#[derive(Debug, Clone)]
pub struct Pattern {
    block: Vec<u8>,
    position: u64,
}

impl Pattern {
    /// The bytes that `seed` decides, from the first on.
    pub fn new(seed: u64) -> Pattern {
        let mut rng = Rng::new(seed);
        let words = PERIOD.div_ceil(8);
        let mut block: Vec<u8> = (0..words)
            .flat_map(|_| rng.next_u64().to_le_bytes())
            .collect();
        block.truncate(PERIOD);
        Pattern { block, position: 0 }
    }

    /// How many bytes were taken and checked.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The next `count` bytes.
    pub fn take(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(count);
        while bytes.len() < count {
            let piece = self.piece(count - bytes.len());
            bytes.extend_from_slice(piece);
            self.position += piece.len() as u64;
        }
        bytes
    }

    /// Insists that these are the next bytes.
    ///
    /// # Panics
    ///
    /// When they are not, with the place of the first that is wrong.
    #[track_caller]
    pub fn check(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let piece = self.piece(rest.len());
            let (came, later) = rest.split_at(piece.len());
            if came != piece {
                let wrong = came.iter().zip(piece).take_while(|(a, b)| a == b).count();
                panic!("byte {} is wrong", self.position + wrong as u64);
            }
            self.position += piece.len() as u64;
            rest = later;
        }
    }

    /// The next bytes that lie together, `count` at most.
    fn piece(&self, count: usize) -> &[u8] {
        let start = (self.position % PERIOD as u64) as usize;
        let end = PERIOD.min(start + count);
        &self.block[start..end]
    }
}
