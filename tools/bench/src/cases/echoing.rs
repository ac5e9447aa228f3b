//! `tcp/*`: an echo server's cost for a message, under the load of another process.
//!
//! The server's thread is kept on one core and the process that makes the load on another. What is
//! counted is the CPU time of the server's process while the load runs: its system calls, its
//! runtime, its threads if it has some.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Command, Stdio, exit};
use std::thread;

use super::{Case, Params};
use crate::cores;
use crate::harness::write_sample;
use crate::load::{Load, Order};
use crate::meter::{Meter, Sample, Unit};
use crate::runtime::Echo;

/// The size of every buffer that a server reads into, but for one with a buffer of the loop.
pub const BUFFER: usize = 64 * 1024;

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
    serve_under_load(params, |listener| R::run(R::echo(listener)))
}

/// The same of its server by callbacks.
pub fn measure_protocol<R: Echo>(params: Params) -> Sample {
    serve_under_load(params, |listener| R::run(R::echo_by_protocol(listener)))
}

/// The same for any server. It does not return: the sample's process ends with what it has printed,
/// because a server that is asked to stop would be measured stopping.
pub fn serve_under_load(params: Params, serve: Serve) -> Sample {
    loaded(prepare(params), "--load", params.ops, serve)
}

/// Serves `prepared` while `load`, an argument of the bench, is made as ordered.
pub(super) fn loaded<S>(
    prepared: io::Result<(S, Order)>,
    load: &'static str,
    messages: u64,
    serve: impl FnOnce(S),
) -> Sample {
    let done = prepared.and_then(|(server, order)| {
        // Not kept on the server's core: it sleeps while the load runs.
        thread::Builder::new()
            .name("controller".to_owned())
            .spawn(move || match take(load, order, messages) {
                Ok(sample) => {
                    print!("{}", write_sample(&sample));
                    exit(0);
                }
                Err(error) => {
                    eprintln!("the load failed: {error}");
                    exit(1);
                }
            })?;
        cores::pin_to_first();
        serve(server);
        Err(io::Error::other("the server has ended"))
    });
    let Err(error): Result<Sample, io::Error> = done else {
        unreachable!("only the controller ends a sample")
    };
    panic!("{error}");
}

fn prepare(params: Params) -> io::Result<(TcpListener, Order)> {
    let load = LOADS
        .iter()
        .find(|(name, _)| *name == params.name)
        .map(|(_, load)| *load)
        .ok_or_else(|| io::Error::other("a case without a load"))?;
    cores::raise_descriptor_limit();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let order = Order {
        address: listener.local_addr()?,
        load,
        warm_up: params.warm_up().ops,
        messages: params.ops,
    };
    Ok((listener, order))
}

/// Has the load made, and looks at the clock before and after.
fn take(load: &str, order: Order, messages: u64) -> io::Result<Sample> {
    let mut child = Command::new(std::env::current_exe()?)
        .args([load, &order.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let (Some(mut orders), Some(words)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(io::Error::other("a child without pipes"));
    };
    let mut words = BufReader::new(words).lines();
    expect(&mut words, "warm")?;
    let meter = Meter::process_cpu();
    orders.write_all(b"go\n")?;
    expect(&mut words, "done")?;
    let sample = Sample::new(meter.per_op(messages));
    child.wait()?;
    Ok(sample)
}

fn expect(words: &mut impl Iterator<Item = io::Result<String>>, expected: &str) -> io::Result<()> {
    match words.next().transpose()? {
        Some(word) if word == expected => Ok(()),
        other => Err(io::Error::other(format!("{other:?} and not {expected}"))),
    }
}
