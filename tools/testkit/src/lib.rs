//! The assertion pack of the integration tests.
