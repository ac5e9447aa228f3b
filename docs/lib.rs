//! The book of asyncio for Rust. Its pages stand in `src`, and mdBook makes the book of them.
//!
//! `mdbook test` cannot see the crates of a workspace. So each page is the documentation of a
//! module here, and `cargo test -p asyncio-book` runs every snippet of it.
//!
//! | page | idea |
//! |---|---|
//! | `introduction` | what this is, for whom, and a first program |
//! | `architecture`, `cancellation`, `costs` | the layers, one turn of the loop, the scopes, what everything costs |
//! | `reactor` … `facade` | one page a crate |
//! | `transports`, `connecting`, `servers`, `udp`, `streams` | networking |
//! | `examples`, `examples-network` | the programs of `examples`, explained; their code is compiled there |
//! | `module-map`, `differences` | where Python's names are, and what is not as in Python |
//! | `testing`, `reliability` | how programs are tested, and what these crates were tested against |

#![forbid(unsafe_code)]

/// Compiles and runs the snippets of a page.
macro_rules! pages {
    ($($name:ident: $text:expr,)+) => {
        $(
            #[cfg(all(doctest, unix))]
            #[doc = $text]
            mod $name {}
        )+
    };
}

pages! {
    introduction: include_str!("src/introduction.md"),
    architecture: include_str!("src/architecture.md"),
    cancellation: include_str!("src/cancellation.md"),
    costs: include_str!("src/costs.md"),
    reactor: include_str!("src/reactor.md"),
    timers: include_str!("src/timers.md"),
    executor: include_str!("src/executor.md"),
    blocking: include_str!("src/blocking.md"),
    sync: include_str!("src/sync.md"),
    event_loop: include_str!("src/loop.md"),
    futures: include_str!("src/futures.md"),
    streams: include_str!("src/streams.md"),
    transports: include_str!("src/transports.md"),
    connecting: include_str!("src/connecting.md"),
    servers: include_str!("src/servers.md"),
    udp: include_str!("src/udp.md"),
    facade: include_str!("src/facade.md"),
    differences: include_str!("src/differences.md"),
    testing: include_str!("src/testing.md"),
    reliability: include_str!("src/reliability.md"),
}
