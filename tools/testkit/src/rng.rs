//! Random numbers that can be had again: a seeded generator, and a loop over seeds.

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// A small generator of random numbers (SplitMix64): the same seed, the same numbers, everywhere.
///
/// For choosing what a test does; not for secrets.
///
/// ```
/// use asyncio_testkit::Rng;
///
/// let mut rng = Rng::new(1);
/// let dice = rng.below(6) + 1;
/// assert!((1..=6).contains(&dice));
/// assert_eq!(Rng::new(1).next_u64(), Rng::new(1).next_u64());
/// ```
#[derive(Debug, Clone)]
pub struct Rng {
    state: u64,
}

impl Rng {
    /// A generator that starts at `seed`.
    pub fn new(seed: u64) -> Rng {
        Rng { state: seed }
    }

    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        // Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number from 0 to `bound - 1`, each as likely as the others (to within 2⁻⁶⁴ · `bound`).
    ///
    /// # Panics
    ///
    /// When `bound` is zero: there is no such number.
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "no number is below zero");
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// An index of a collection of `len` elements.
    ///
    /// # Panics
    ///
    /// When `len` is zero.
    pub fn index(&mut self, len: usize) -> usize {
        self.below(len as u64) as usize
    }

    /// `true` once in `n` times.
    ///
    /// # Panics
    ///
    /// When `n` is zero.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// Puts `items` in a random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.index(last + 1));
        }
    }
}

/// Runs `check` once for each seed from 0 to `count - 1`; for one given seed alone when the
/// environment names it in `ASYNCIO_SEED`.
///
/// # Panics
///
/// With `check`'s panic, after a line on stderr that tells how to run that seed alone.
pub fn for_each_seed(count: u64, mut check: impl FnMut(&mut Rng)) {
    let seeds = match env::var("ASYNCIO_SEED") {
        Ok(seed) => {
            let seed: u64 = seed.parse().expect("ASYNCIO_SEED is not a number");
            seed..seed.saturating_add(1)
        }
        Err(_) => 0..count,
    };
    for seed in seeds {
        let outcome = catch_unwind(AssertUnwindSafe(|| check(&mut Rng::new(seed))));
        if let Err(panic) = outcome {
            eprintln!("failed with seed {seed}; ASYNCIO_SEED={seed} runs it alone");
            resume_unwind(panic);
        }
    }
}
