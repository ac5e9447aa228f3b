//! Looking for separators in what has come so far, and in each byte of it once. Pure.

use memchr::memmem;

/// The search for the first of several separators in bytes that become more.
pub(crate) struct Search<'a> {
    separators: &'a [&'a [u8]],
    shortest: usize,
    longest: usize,
    /// No separator begins before this.
    offset: usize,
    /// How many bytes were looked at for one separator, all calls together: what tests hold down.
    pub(crate) looked_at: usize,
}

/// What is known after a look at the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The bytes up to here are wanted, with the separator.
    Found { end: usize },
    /// More bytes are needed.
    Unfinished,
    /// There is a separator after this many bytes, which are more than the limit.
    FoundTooLate { start: usize },
    /// There is none in this many bytes, which are more than the limit.
    NotFound { offset: usize },
}

impl<'a> Search<'a> {
    /// `None` without a separator, or with an empty one.
    pub(crate) fn new(separators: &'a [&'a [u8]]) -> Option<Self> {
        let sizes = || separators.iter().map(|separator| separator.len());
        let (shortest, longest) = (sizes().min()?, sizes().max()?);
        (shortest > 0).then_some(Self {
            separators,
            shortest,
            longest,
            offset: 0,
            looked_at: 0,
        })
    }

    /// Looks at `data`, which is what it was at the last call, and more. asyncio's `readuntil`: the
    /// match that ends first wins, and of those that end there the shortest; separators do not
    /// count for the limit.
    pub(crate) fn step(&mut self, data: &[u8], limit: usize) -> Step {
        if data.len() - self.offset < self.shortest {
            return Step::Unfinished;
        }
        if let Some((start, end)) = self.find(data) {
            return if start > limit {
                Step::FoundTooLate { start }
            } else {
                Step::Found { end }
            };
        }
        // The first bytes of a separator may have come.
        self.offset = (data.len() + 1).saturating_sub(self.longest);
        if self.offset > limit {
            Step::NotFound {
                offset: self.offset,
            }
        } else {
            Step::Unfinished
        }
    }

    fn find(&mut self, data: &[u8]) -> Option<(usize, usize)> {
        let mut best: Option<(usize, usize)> = None;
        for separator in self.separators {
            // One that ends later does not matter.
            let end_max = best.map_or(data.len(), |(_, end)| end);
            let place = &data[self.offset..end_max];
            let found = match separator {
                [byte] => memchr::memchr(*byte, place),
                _ => memmem::find(place, separator),
            };
            self.looked_at += found.unwrap_or(place.len());
            if let Some(start) = found.map(|at| self.offset + at) {
                let end = start + separator.len();
                if best.is_none_or(|(best_start, best_end)| (end, best_start) < (best_end, start)) {
                    best = Some((start, end));
                }
            }
        }
        best
    }

    /// The next search begins at the beginning.
    pub(crate) fn restart(&mut self) {
        self.offset = 0;
    }
}
