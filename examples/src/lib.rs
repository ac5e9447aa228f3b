//! What the programs of `src/bin` share: a small HTTP server to fetch from, the client's half of
//! HTTP without any I/O, and how Python prints a truth.

#![forbid(unsafe_code)]

pub mod http_client;
pub mod http_server;
mod python;

pub use python::truth;
