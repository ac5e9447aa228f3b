//! The load on an echo server.
//!
//! It keeps the same number of messages in flight on every connection and counts the echoes, over
//! epoll.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use rustix::event::epoll;

use super::{Load, Order, in_two_parts};

pub(super) fn run(order: Order) -> io::Result<()> {
    let mut generator = Generator::connect(order)?;
    in_two_parts(order, |messages| generator.exchange(messages))
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
