//! The load on an echo server: one generator for all servers, in a process of its own.
//!
//! It keeps the same number of messages in flight on every connection and counts the echoes. It is
//! written by hand over epoll and does nothing but that, so that the server is what is measured. The
//! process that measures talks to it by lines: it says `warm` when a tenth of the work is done,
//! waits for a line, and says `done`.

use std::fmt;
use std::io::{self, BufRead, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::str::FromStr;

use rustix::event::epoll;

use crate::cores;

/// What one connection sends before it waits for the first echo, and how many connections do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// How many connections.
    pub connections: usize,
    /// How long a message is.
    pub bytes: usize,
    /// How many messages of a connection are in flight.
    pub window: usize,
}

/// A load and where it goes: the argument of `--load`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// The server.
    pub address: SocketAddr,
    /// The load.
    pub load: Load,
    /// How many messages, of all connections together, come first and are not counted.
    pub warm_up: u64,
    /// How many are counted.
    pub messages: u64,
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Load {
            connections,
            bytes,
            window,
        } = self.load;
        let Self {
            address,
            warm_up,
            messages,
            ..
        } = self;
        write!(
            f,
            "{address},{connections},{bytes},{window},{warm_up},{messages}"
        )
    }
}

impl FromStr for Order {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "--load needs address,connections,bytes,window,warm-up,messages";
        let mut words = text.split(',');
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
        let load = Load {
            connections: next()? as usize,
            bytes: next()? as usize,
            window: next()? as usize,
        };
        Ok(Self {
            address,
            load,
            warm_up: next()?,
            messages: next()?,
        })
    }
}

/// Does what is ordered, with standard input and output as the way to who measures.
///
/// # Errors
///
/// What the kernel reports; and that the server ended a connection.
pub fn run(order: Order) -> io::Result<()> {
    cores::pin_to_last();
    cores::raise_descriptor_limit();
    let mut generator = Generator::connect(order)?;
    generator.exchange(order.warm_up)?;
    tell("warm")?;
    io::stdin().lock().read_line(&mut String::new())?;
    generator.exchange(order.messages)?;
    tell("done")
}

/// Says a word to who measures.
pub(crate) fn tell(word: &str) -> io::Result<()> {
    let mut stdout = io::stdout();
    writeln!(stdout, "{word}")?;
    stdout.flush()
}

struct Generator {
    load: Load,
    epoll: rustix::fd::OwnedFd,
    connections: Vec<Connection>,
    /// As many bytes as a connection ever has to send.
    message: Vec<u8>,
    /// Where what comes is read to.
    scratch: Vec<u8>,
    /// Messages that may still be begun.
    to_begin: u64,
    /// Messages that have come back.
    echoed: u64,
}

struct Connection {
    stream: TcpStream,
    in_flight: usize,
    /// Bytes of begun messages that are not sent.
    unsent: usize,
    /// Bytes of the message that is coming back.
    partial: usize,
}

impl Generator {
    fn connect(order: Order) -> io::Result<Self> {
        let load = order.load;
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let mut connections = Vec::with_capacity(load.connections);
        for number in 0..load.connections {
            let stream = TcpStream::connect(order.address)?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            epoll::add(
                &epoll,
                &stream,
                epoll::EventData::new_u64(number as u64),
                epoll::EventFlags::IN | epoll::EventFlags::OUT | epoll::EventFlags::ET,
            )?;
            connections.push(Connection {
                stream,
                in_flight: 0,
                unsent: 0,
                partial: 0,
            });
        }
        Ok(Self {
            load,
            epoll,
            connections,
            message: vec![b'x'; load.bytes * load.window],
            scratch: vec![0; 256 * 1024],
            to_begin: 0,
            echoed: 0,
        })
    }

    /// Sends `messages`, and waits until all have come back.
    fn exchange(&mut self, messages: u64) -> io::Result<()> {
        self.to_begin = messages;
        self.echoed = 0;
        for number in 0..self.connections.len() {
            self.send(number)?;
        }
        let mut events = Vec::with_capacity(1024);
        while self.echoed < messages {
            events.clear();
            match epoll::wait(
                &self.epoll,
                rustix::buffer::spare_capacity(&mut events),
                None,
            ) {
                Err(rustix::io::Errno::INTR) => continue,
                waited => waited?,
            };
            for event in &events {
                let number = event.data.u64() as usize;
                self.receive(number)?;
                self.send(number)?;
            }
        }
        Ok(())
    }

    fn receive(&mut self, number: usize) -> io::Result<()> {
        let connection = &mut self.connections[number];
        loop {
            let count = match connection.stream.read(&mut self.scratch) {
                Ok(0) => return Err(io::Error::other("the server has closed a connection")),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                read => read?,
            };
            let came = connection.partial + count;
            let messages = came / self.load.bytes;
            connection.partial = came % self.load.bytes;
            connection.in_flight -= messages;
            self.echoed += messages as u64;
            if count < self.scratch.len() {
                return Ok(());
            }
        }
    }

    fn send(&mut self, number: usize) -> io::Result<()> {
        let connection = &mut self.connections[number];
        let room = self.load.window - connection.in_flight;
        let begun = (room as u64).min(self.to_begin);
        self.to_begin -= begun;
        connection.in_flight += begun as usize;
        connection.unsent += begun as usize * self.load.bytes;
        while connection.unsent > 0 {
            // All bytes are alike, so it does not matter which of a message's are left.
            match connection.stream.write(&self.message[..connection.unsent]) {
                Ok(count) => connection.unsent -= count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
