//! `tcp/relay`: what it costs to pass bytes on from one connection to another.

use std::io;
use std::net::{SocketAddr, TcpListener};

use super::connecting::told;
use super::echoing::listener_under;
use super::under_load::{Loader, measured};
use super::{Case, Params};
use crate::load::{Kind, Load};
use crate::meter::{Sample, Unit};
use crate::runtime::Connect;

/// The row.
pub const CASES: &[Case] = &[Case {
    name: "tcp/relay",
    unit: Unit::NsCpu,
    what: "1 MiB from one connection to another (CPU of the relay; 1 GiB in all, 256 MiB in quick mode)",
    n: 1,
    batch: 1,
    quick: 256,
    full: 1024,
}];

/// Both listens and knows where to connect to.
pub type Serve = fn(TcpListener, SocketAddr);

/// CPU time of a runtime's relay for each MiB.
pub fn measure<R: Connect>(params: Params) -> Sample {
    relay_under_load(params, |listener, target| {
        R::run(R::relay(listener, target));
    })
}

/// The same for any relay.
pub fn relay_under_load(params: Params, serve: Serve) -> Sample {
    let take = move |loader: &mut Loader| loader.cpu_per_op(params.ops);
    measured(prepare(params), take, |(listener, target)| {
        serve(listener, target);
    })
}

fn prepare(params: Params) -> io::Result<((TcpListener, SocketAddr), Loader)> {
    let load = Load {
        connections: 1,
        bytes: 1024 * 1024,
        window: 1,
    };
    let (listener, mut loader) = listener_under(Kind::Relay, load, params)?;
    let target = told(&mut loader)?;
    Ok(((listener, target), loader))
}
