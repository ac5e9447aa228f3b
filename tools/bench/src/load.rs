//! The load on a server, in a process of its own: one generator of each kind for all contenders.
//!
//! A generator is written by hand and does nothing but its load, so that the contender is what is
//! measured. The process that measures talks to it by lines: it says `warm` when what is not
//! counted is done, waits for a line, says `done`, and stays until its input ends, so that nothing
//! is taken down while somebody still measures.

mod connections;
mod datagrams;
mod echo;
mod idle;
mod listener;
mod relay;

use std::fmt;
use std::io::{self, BufRead, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::str::FromStr;

use crate::cases::echoing::BACKLOG;
use crate::cores;

/// Which load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Messages to an echo server, which are counted when they come back.
    Echo,
    /// The same of datagrams.
    Datagrams,
    /// Connections that stay, with one echo each.
    Idle,
    /// Connections that end at once.
    Connections,
    /// A listener that accepts whoever comes, for a contender that connects.
    Listener,
    /// Both ends of a relay.
    Relay,
}

const KINDS: [(&str, Kind); 6] = [
    ("echo", Kind::Echo),
    ("datagrams", Kind::Datagrams),
    ("idle", Kind::Idle),
    ("connections", Kind::Connections),
    ("listener", Kind::Listener),
    ("relay", Kind::Relay),
];

/// What one connection sends before it waits for the first echo, and how many connections do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// How many connections there are at once.
    pub connections: usize,
    /// How long a message is.
    pub bytes: usize,
    /// How many messages of a connection are in flight.
    pub window: usize,
}

/// A load and where it goes: the argument of `--load`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Which load.
    pub kind: Kind,
    /// The server.
    pub address: SocketAddr,
    /// How large it is.
    pub load: Load,
    /// How many operations, of all connections together, come first and are not counted.
    pub warm_up: u64,
    /// How many are counted.
    pub ops: u64,
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = KINDS.iter().find(|(_, kind)| *kind == self.kind);
        let kind = kind.map_or("", |(name, _)| name);
        let Load {
            connections,
            bytes,
            window,
        } = self.load;
        let Self {
            address,
            warm_up,
            ops,
            ..
        } = self;
        write!(
            f,
            "{kind},{address},{connections},{bytes},{window},{warm_up},{ops}"
        )
    }
}

impl FromStr for Order {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "--load needs kind,address,connections,bytes,window,warm-up,operations";
        let mut words = text.split(',');
        let kind = words
            .next()
            .and_then(|word| KINDS.iter().find(|(name, _)| *name == word))
            .ok_or(WRONG)?;
        let address = words
            .next()
            .and_then(|word| word.parse().ok())
            .ok_or(WRONG)?;
        let mut next = || {
            words
                .next()
                .and_then(|word| word.parse::<u64>().ok())
                .ok_or(WRONG)
        };
        Ok(Self {
            kind: kind.1,
            address,
            load: Load {
                connections: next()? as usize,
                bytes: next()? as usize,
                window: next()? as usize,
            },
            warm_up: next()?,
            ops: next()?,
        })
    }
}

/// Does what is ordered, with standard input and output as the way to who measures.
///
/// # Errors
///
/// What the kernel reports; and that the server ended a connection, or did not answer.
pub fn run(order: Order) -> io::Result<()> {
    cores::pin_to_last();
    cores::raise_descriptor_limit();
    match order.kind {
        Kind::Echo => echo::run(order),
        Kind::Datagrams => datagrams::run(order),
        Kind::Idle => idle::run(order),
        Kind::Connections => connections::run(order),
        Kind::Listener => listener::run(),
        Kind::Relay => relay::run(order),
    }
}

/// The conversation with who measures, around `work`, which gets a number of operations to do.
fn in_two_parts(order: Order, mut work: impl FnMut(u64) -> io::Result<()>) -> io::Result<()> {
    work(order.warm_up)?;
    tell("warm")?;
    listen()?;
    work(order.ops)?;
    tell("done")?;
    listen()
}

/// Says something to who measures.
fn tell(words: impl fmt::Display) -> io::Result<()> {
    let mut stdout = io::stdout();
    writeln!(stdout, "{words}")?;
    stdout.flush()
}

/// Waits for a line, or for the end.
fn listen() -> io::Result<()> {
    io::stdin().lock().read_line(&mut String::new())?;
    Ok(())
}

/// A listener of the generator's own, whose address is told.
fn bind_and_tell() -> io::Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    rustix::net::listen(&listener, BACKLOG)?;
    tell(listener.local_addr()?)?;
    Ok(listener)
}
