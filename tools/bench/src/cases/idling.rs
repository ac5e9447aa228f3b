//! `idle/*`: what memory a server has in use for a connection that says nothing.
//!
//! Resident memory of the server's process, by what the kernel counts: before the connections come,
//! when some others are there already, and after each of them has had its echo.

use std::fs;
use std::io;
use std::net::TcpListener;

use rustix::process::{Resource, getrlimit};

use super::echoing::{Serve, listener_under};
use super::under_load::{Loader, measured};
use super::{Case, Params};
use crate::cores;
use crate::load::{Kind, Load};
use crate::meter::{Sample, Unit};
use crate::runtime::{Echo, SMALL_BUFFER};

/// The family's rows.
pub const CASES: &[Case] = &[
    Case {
        name: "idle/protocol",
        unit: Unit::Bytes,
        what: "resident bytes of an idle connection after one echo",
        n: CONNECTIONS_MAX,
        batch: 1,
        quick: CONNECTIONS_MAX,
        full: CONNECTIONS_MAX,
    },
    Case {
        name: "idle/stream",
        unit: Unit::Bytes,
        what: "resident bytes of an idle connection after one echo",
        n: CONNECTIONS_MAX,
        batch: 1,
        quick: CONNECTIONS_MAX,
        full: CONNECTIONS_MAX,
    },
];

/// How many connections, unless fewer are allowed.
const CONNECTIONS_MAX: u64 = 10_000;

/// The count on the side: how many connections there were.
pub const CONNECTIONS: &str = "connections";

/// Descriptors that are needed for something else.
const OTHER_DESCRIPTORS: u64 = 64;

/// Resident memory of a runtime's server for each connection.
pub fn measure<R: Echo>(params: Params) -> Sample {
    serve_idle(params, |listener| R::run(R::echo_rarely(listener)))
}

/// The same of its server by callbacks.
pub fn measure_protocol<R: Echo>(params: Params) -> Sample {
    serve_idle(params, |listener| {
        R::run(R::echo_by_protocol(listener, SMALL_BUFFER));
    })
}

/// The same for any server.
pub fn serve_idle(params: Params, serve: Serve) -> Sample {
    let connections = params.ops.min(allowed());
    let params = Params {
        ops: connections,
        ..params
    };
    let take = move |loader: &mut Loader| {
        loader.warm()?;
        let before = resident()?;
        loader.go()?;
        let bytes = resident()? as f64 - before as f64;
        let sample = Sample::new(bytes / connections as f64);
        Ok(sample.with(CONNECTIONS, connections as f64))
    };
    measured(prepare(params), take, serve)
}

fn prepare(params: Params) -> io::Result<(TcpListener, Loader)> {
    let load = Load {
        connections: params.ops as usize,
        bytes: 64,
        window: 1,
    };
    listener_under(Kind::Idle, load, params)
}

/// How many connections a process may have, with those of the warm-up: a tenth more.
fn allowed() -> u64 {
    cores::raise_descriptor_limit();
    let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    (descriptors.saturating_sub(OTHER_DESCRIPTORS) / 11).saturating_mul(10)
}

/// The memory of this process that is resident: the exact count, which takes the kernel a while.
fn resident() -> io::Result<u64> {
    let rollup = fs::read_to_string("/proc/self/smaps_rollup")?;
    let kibibytes = rollup.lines().find_map(|line| {
        let count = line.strip_prefix("Rss:")?.trim().strip_suffix(" kB")?;
        count.parse::<u64>().ok()
    });
    let kibibytes = kibibytes.ok_or_else(|| io::Error::other("no resident memory is told"))?;
    Ok(kibibytes * 1024)
}
