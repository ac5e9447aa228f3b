//! Ours.

use super::Contender;

/// Ours; takes part in a case as soon as the crate behind it exists.
pub const CONTENDER: Contender = Contender {
    name: super::OURS,
    packages: &[],
    about: "this workspace",
    cases: &[],
};
