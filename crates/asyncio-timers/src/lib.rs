//! Deadlines in order: an indexed heap with true removal, clocks, and a manual clock for tests.
