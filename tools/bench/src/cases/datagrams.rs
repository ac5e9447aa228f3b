//! `udp/*`: a UDP echo server's cost for a datagram, under the load of another process; measured as
//! `tcp/*` is.

use std::io;
use std::net::{Ipv4Addr, UdpSocket};

use super::under_load::{Loader, measured};
use super::{Case, Params};
use crate::load::{Kind, Load, Order};
use crate::meter::{Sample, Unit};
use crate::runtime::EchoDatagrams;

/// The family's rows.
pub const CASES: &[Case] = &[
    Case {
        name: "udp/1",
        unit: Unit::NsCpu,
        what: "an echo of 64 bytes by UDP, 1 in flight (CPU of the server)",
        n: 1,
        batch: 1,
        quick: 20_000,
        full: 200_000,
    },
    Case {
        name: "udp/16",
        unit: Unit::NsCpu,
        what: "an echo of 64 bytes by UDP, 16 in flight (CPU of the server)",
        n: 16,
        batch: 16,
        quick: 80_000,
        full: 800_000,
    },
    Case {
        name: "udp/batch-16",
        unit: Unit::NsCpu,
        what: "the same, ours with batches (CPU of the server)",
        n: 16,
        batch: 16,
        quick: 80_000,
        full: 800_000,
    },
];

/// What a server's contender does: answers what comes to the socket, for ever.
pub type Serve = fn(UdpSocket);

/// CPU time of a runtime's echo server for each datagram.
pub fn measure<R: EchoDatagrams>(params: Params) -> Sample {
    serve_under_load(params, |socket| R::run(R::echo_datagrams(socket)))
}

/// The same for any server.
pub fn serve_under_load(params: Params, serve: Serve) -> Sample {
    let take = move |loader: &mut Loader| loader.cpu_per_op(params.ops);
    measured(prepare(params), take, serve)
}

fn prepare(params: Params) -> io::Result<(UdpSocket, Loader)> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let loader = Loader::start(&Order {
        kind: Kind::Datagrams,
        address: socket.local_addr()?,
        load: Load {
            connections: 1,
            bytes: 64,
            window: params.n as usize,
        },
        warm_up: params.warm_up().ops,
        ops: params.ops,
    })?;
    Ok((socket, loader))
}
