//! An echo server by hand: epoll, level-triggered, one buffer for all, a `read` and a `write` for
//! each message and a shared wait.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::fd::OwnedFd;

/// Serves for ever.
pub(super) fn serve(listener: TcpListener) {
    Server::new(listener)
        .and_then(Server::run)
        .expect("epoll failed");
}

const LISTENER: u64 = u64::MAX;

struct Server {
    epoll: OwnedFd,
    listener: TcpListener,
    connections: HashMap<u64, Connection>,
    next: u64,
    buffer: Vec<u8>,
}

struct Connection {
    stream: TcpStream,
    /// What the kernel did not take.
    unsent: Vec<u8>,
}

impl Server {
    fn new(listener: TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(
            &epoll,
            &listener,
            EventData::new_u64(LISTENER),
            EventFlags::IN,
        )?;
        Ok(Self {
            epoll,
            listener,
            connections: HashMap::new(),
            next: 0,
            buffer: vec![0; 256 * 1024],
        })
    }

    fn run(mut self) -> io::Result<()> {
        let mut events = Vec::with_capacity(1024);
        loop {
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
                match event.data.u64() {
                    LISTENER => self.accept()?,
                    key => {
                        if self.serve_one(key, event.flags).is_err() {
                            self.connections.remove(&key);
                        }
                    }
                }
            }
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        while let Ok((stream, _)) = self.listener.accept() {
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            let key = self.next;
            self.next += 1;
            epoll::add(
                &self.epoll,
                &stream,
                EventData::new_u64(key),
                EventFlags::IN,
            )?;
            let unsent = Vec::new();
            self.connections.insert(key, Connection { stream, unsent });
        }
        Ok(())
    }

    /// An error ends the connection.
    fn serve_one(&mut self, key: u64, flags: EventFlags) -> io::Result<()> {
        let Some(connection) = self.connections.get_mut(&key) else {
            return Ok(());
        };
        if flags.contains(EventFlags::OUT) {
            let sent = connection.stream.write(&connection.unsent)?;
            connection.unsent.drain(..sent);
            if connection.unsent.is_empty() {
                self.watch(key, EventFlags::IN)?;
            }
            return Ok(());
        }
        let count = connection.stream.read(&mut self.buffer)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let sent = match connection.stream.write(&self.buffer[..count]) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            sent => sent?,
        };
        if sent < count {
            // Reads no more until that is gone.
            connection
                .unsent
                .extend_from_slice(&self.buffer[sent..count]);
            self.watch(key, EventFlags::OUT)?;
        }
        Ok(())
    }

    fn watch(&self, key: u64, flags: EventFlags) -> io::Result<()> {
        let stream = &self.connections[&key].stream;
        epoll::modify(&self.epoll, stream, EventData::new_u64(key), flags)?;
        Ok(())
    }
}
