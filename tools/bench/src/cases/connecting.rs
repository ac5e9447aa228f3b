//! `tcp/accept` and `tcp/connect`: what a short life of a connection costs, at either end.

use std::cell::Cell;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;

use super::echoing::{Serve, listener_under};
use super::under_load::{Loader, measured};
use super::{Case, Params};
use crate::cores;
use crate::load::{Kind, Load, Order};
use crate::meter::{Meter, Sample, Unit};
use crate::runtime::{Connect, Echo, SMALL_BUFFER};

/// The rows.
pub const CASES: &[Case] = &[
    Case {
        name: "tcp/accept",
        unit: Unit::NsCpu,
        what: "a connection that is accepted, ends and is closed (CPU of the server)",
        n: AT_ONCE,
        batch: AT_ONCE,
        quick: 3_200,
        full: 16_000,
    },
    Case {
        name: "tcp/connect",
        unit: Unit::NsCpu,
        what: "a connection that is made and closed, one at a time (CPU of the client)",
        n: 1,
        batch: 1,
        quick: 3_200,
        full: 16_000, // a port each: the kernel has 28 000
    },
];

/// How many connections come together.
const AT_ONCE: u64 = 16;

/// CPU time of a runtime's echo server for each connection on which nothing comes.
pub fn measure_accept<R: Echo>(params: Params) -> Sample {
    accept_under_load(params, |listener| {
        R::run(R::echo_by_protocol(listener, SMALL_BUFFER));
    })
}

/// The same for any server.
pub fn accept_under_load(params: Params, serve: Serve) -> Sample {
    let load = Load {
        connections: params.n as usize,
        bytes: 0,
        window: 0,
    };
    let take = move |loader: &mut Loader| loader.cpu_per_op(params.ops);
    measured(listener_under(Kind::Connections, load, params), take, serve)
}

/// CPU time of a runtime's client for each connection.
pub fn measure_connect<R: Connect>(params: Params) -> Sample {
    connect_measured(params, |address, params| {
        let taken = Rc::new(Cell::new(None));
        let place = Rc::clone(&taken);
        R::run(async move {
            R::connect(address, params.warm_up().ops).await;
            let meter = Meter::process_cpu();
            R::connect(address, params.ops).await;
            place.set(Some(Sample::new(meter.per_op(params.ops))));
        });
        taken.take().expect("the client has ended")
    })
}

/// The same for any client, which gets the address to connect to.
pub fn connect_measured(
    params: Params,
    client: impl FnOnce(SocketAddr, Params) -> Sample,
) -> Sample {
    let (loader, address) = listener().expect("a listener in another process");
    cores::pin_to_first();
    let sample = client(address, params);
    loader.end().expect("the listener ends");
    sample
}

fn listener() -> io::Result<(Loader, SocketAddr)> {
    let mut loader = Loader::start(&Order {
        kind: Kind::Listener,
        address: (Ipv4Addr::LOCALHOST, 0).into(), // it finds its own
        load: Load {
            connections: 1,
            bytes: 0,
            window: 0,
        },
        warm_up: 0,
        ops: 0,
    })?;
    let address = told(&mut loader)?;
    Ok((loader, address))
}

/// The address that a load tells when it starts.
pub(super) fn told(loader: &mut Loader) -> io::Result<SocketAddr> {
    let address = loader.word()?;
    address
        .parse()
        .map_err(|_| io::Error::other(format!("{address:?} is no address")))
}
