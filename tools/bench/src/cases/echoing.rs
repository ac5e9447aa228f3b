//! `tcp/*`: an echo server's cost for a message, under the load of another process.
//!
//! What is counted is the CPU time of the server's process while the load runs: its system calls,
//! its runtime, its threads if it has some.

use std::io;
use std::net::{Ipv4Addr, TcpListener};

use super::under_load::{Loader, measured};
use super::{Case, Params};
use crate::cores;
use crate::load::{Kind, Load, Order};
use crate::meter::{Sample, Unit};
use crate::runtime::Echo;

/// The size of the buffer that a server has for a connection, but for one with a buffer of the loop.
pub const BUFFER: usize = 64 * 1024;

/// How many connections may wait to be accepted: one for which there is no room comes a second later,
/// and nobody's figure is about that.
pub const BACKLOG: i32 = 4096;

/// The rows, and the load that each stands for.
macro_rules! cases {
    ($($mode:ident $size:literal = $bytes:literal B, $connections:literal x $window:literal,
       $quick:literal;)*) => {
        cases! { @faces "protocol" "stream"; $(
            $mode $size $bytes $connections $window $quick;
        )* }
    };
    (@faces $protocol:literal $stream:literal; $(
        $mode:ident $size:literal $bytes:literal $connections:literal $window:literal $quick:literal;
    )*) => {
        /// The family's rows.
        pub const CASES: &[Case] = &[
            $(cases! { @case $protocol $mode $size $connections $window $quick },)*
            $(cases! { @case $stream $mode $size $connections $window $quick },)*
        ];

        const LOADS: &[(&str, Load)] = &[
            $((cases! { @name $protocol $mode $size $connections },
               cases! { @load $bytes $connections $window }),)*
            $((cases! { @name $stream $mode $size $connections },
               cases! { @load $bytes $connections $window }),)*
        ];
    };
    (@name $face:literal $mode:ident $size:literal $connections:literal) => {
        concat!("tcp/", $face, "/", stringify!($mode), "-", $size, "-", $connections)
    };
    (@case $face:literal $mode:ident $size:literal $connections:literal $window:literal
     $quick:literal) => {
        Case {
            name: cases! { @name $face $mode $size $connections },
            unit: Unit::NsCpu,
            what: concat!(
                "an echo of ", $size, " bytes, ", $window, " in flight on each of ", $connections,
                " connections (CPU of the server)"
            ),
            n: $connections,
            batch: $connections * $window,
            quick: $quick,
            full: $quick * 8,
        }
    };
    (@load $bytes:literal $connections:literal $window:literal) => {
        Load { connections: $connections, bytes: $bytes, window: $window }
    };
}

cases! {
    pingpong "64" = 64 B, 1 x 1, 10_000;
    pingpong "64" = 64 B, 100 x 1, 40_000;
    pingpong "64" = 64 B, 1000 x 1, 40_000;
    pingpong "1k" = 1024 B, 1 x 1, 10_000;
    pingpong "1k" = 1024 B, 100 x 1, 40_000;
    pingpong "1k" = 1024 B, 1000 x 1, 40_000;
    pingpong "64k" = 65_536 B, 1 x 1, 4_000;
    pingpong "64k" = 65_536 B, 100 x 1, 4_000;
    pingpong "64k" = 65_536 B, 1000 x 1, 4_000;
    pipelined "64" = 64 B, 1 x 16, 80_000;
    pipelined "64" = 64 B, 100 x 16, 160_000;
    pipelined "64" = 64 B, 1000 x 16, 160_000;
    pipelined "1k" = 1024 B, 1 x 16, 80_000;
    pipelined "1k" = 1024 B, 100 x 16, 80_000;
    pipelined "1k" = 1024 B, 1000 x 16, 80_000;
    pipelined "64k" = 65_536 B, 1 x 4, 4_000;
    pipelined "64k" = 65_536 B, 100 x 4, 4_000;
    pipelined "64k" = 65_536 B, 1000 x 4, 4_000;
}

/// What a server's contender does: serves the listener, for ever.
pub type Serve = fn(TcpListener);

/// CPU time of a runtime's echo server for each message.
pub fn measure<R: Echo>(params: Params) -> Sample {
    serve_under_load(params, |listener| R::run(R::echo(listener, BUFFER)))
}

/// The same of its server by callbacks.
pub fn measure_protocol<R: Echo>(params: Params) -> Sample {
    serve_under_load(params, |listener| {
        R::run(R::echo_by_protocol(listener, BUFFER));
    })
}

/// The same for any server.
pub fn serve_under_load(params: Params, serve: Serve) -> Sample {
    let take = move |loader: &mut Loader| loader.cpu_per_op(params.ops);
    measured(prepare(params), take, serve)
}

fn prepare(params: Params) -> io::Result<(TcpListener, Loader)> {
    let load = LOADS
        .iter()
        .find(|(name, _)| *name == params.name)
        .map(|(_, load)| *load)
        .ok_or_else(|| io::Error::other("a case without a load"))?;
    listener_under(Kind::Echo, load, params)
}

/// A listener, and what makes its load.
pub(super) fn listener_under(
    kind: Kind,
    load: Load,
    params: Params,
) -> io::Result<(TcpListener, Loader)> {
    cores::raise_descriptor_limit();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    rustix::net::listen(&listener, BACKLOG)?;
    let loader = Loader::start(&Order {
        kind,
        address: listener.local_addr()?,
        load,
        warm_up: params.warm_up().ops,
        ops: params.ops,
    })?;
    Ok((listener, loader))
}
