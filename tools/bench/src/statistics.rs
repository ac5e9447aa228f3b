//! The few statistics: best, median, and ratios taken pair by pair.

/// The smallest, the largest and the middle of some figures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// The smallest.
    pub min: f64,
    /// The middle one; of an even number, the mean of the two in the middle.
    pub median: f64,
    /// The largest.
    pub max: f64,
}

impl Summary {
    /// The summary of `figures`; nothing if there are none.
    pub fn of(figures: &[f64]) -> Option<Self> {
        let mut sorted = figures.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let upper = sorted.len() / 2;
        let lower = (sorted.len() - 1) / 2;
        Some(Self {
            min,
            median: f64::midpoint(sorted[lower], sorted[upper]),
            max,
        })
    }

    /// The summary of `ours[i] / theirs[i]`: the i-th samples were taken one after the other, so
    /// that what disturbs the machine for longer than a sample disturbs both.
    pub fn of_paired_ratios(ours: &[f64], theirs: &[f64]) -> Option<Self> {
        let ratios: Vec<f64> = ours
            .iter()
            .zip(theirs)
            .map(|(ours, theirs)| ours / theirs)
            .collect();
        Self::of(&ratios)
    }
}
