//! A relay by hand: epoll, level-triggered, one buffer for all, a `read` and a `write` for each
//! buffer and a shared wait. What the kernel does not take is kept, and no more is read until it is
//! gone.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::fd::OwnedFd;

use crate::cases::echoing::BUFFER;

/// Serves for ever.
pub(super) fn serve(listener: TcpListener, target: SocketAddr) {
    run(&listener, target).expect("epoll failed");
}

const LISTENER: u64 = u64::MAX;

/// Two connections: the events of the one are numbered 2 n, those of the other 2 n + 1.
struct Pair {
    ends: [TcpStream; 2],
    /// What an end has said and the other one has not taken.
    unsent: [Vec<u8>; 2],
    /// An end has said all that it will.
    ended: [bool; 2],
}

fn run(listener: &TcpListener, target: SocketAddr) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let number = EventData::new_u64(LISTENER);
    epoll::add(&epoll, listener, number, EventFlags::IN)?;
    let mut pairs: Vec<Option<Pair>> = Vec::new();
    let mut buffer = vec![0; BUFFER];
    let mut events = Vec::with_capacity(1024);
    loop {
        events.clear();
        match epoll::wait(&epoll, rustix::buffer::spare_capacity(&mut events), None) {
            Err(rustix::io::Errno::INTR) => continue,
            waited => waited?,
        };
        for event in &events {
            let number = event.data.u64();
            if number == LISTENER {
                while let Ok((client, _)) = listener.accept() {
                    // Waits for it: that is over when the relay begins, and what is measured.
                    let server = TcpStream::connect(target)?;
                    let pair = Pair::new([client, server], &epoll, pairs.len() as u64)?;
                    pairs.push(Some(pair));
                }
                continue;
            }
            let place = &mut pairs[number as usize / 2];
            if let Some(pair) = place {
                let goes_on = pair.serve(&epoll, number, event.flags, &mut buffer);
                if !goes_on.unwrap_or(false) {
                    *place = None;
                }
            }
        }
    }
}

impl Pair {
    fn new(ends: [TcpStream; 2], epoll: &OwnedFd, number: u64) -> io::Result<Self> {
        for (side, end) in (0..).zip(&ends) {
            end.set_nodelay(true)?;
            end.set_nonblocking(true)?;
            let number = EventData::new_u64(2 * number + side);
            epoll::add(epoll, end, number, EventFlags::IN)?;
        }
        Ok(Self {
            ends,
            unsent: Default::default(),
            ended: [false; 2],
        })
    }

    /// Whether one of the two has more to say. An error ends both.
    fn serve(
        &mut self,
        epoll: &OwnedFd,
        number: u64,
        flags: EventFlags,
        buffer: &mut [u8],
    ) -> io::Result<bool> {
        let side = number as usize % 2;
        let other = 1 - side;
        if flags.contains(EventFlags::OUT) {
            let waiting = &mut self.unsent[other];
            let sent = self.ends[side].write(waiting)?;
            waiting.drain(..sent);
            if waiting.is_empty() {
                self.watch(epoll, number)?;
                self.watch(epoll, number ^ 1)?;
            }
            return Ok(true);
        }
        let count = self.ends[side].read(buffer)?;
        if count == 0 {
            self.ended[side] = true;
            self.watch(epoll, number)?;
            self.ends[other].shutdown(Shutdown::Write)?;
            return Ok(!self.ended[other]);
        }
        let sent = match self.ends[other].write(&buffer[..count]) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            sent => sent?,
        };
        if sent < count {
            self.unsent[side].extend_from_slice(&buffer[sent..count]);
            self.watch(epoll, number)?;
            self.watch(epoll, number ^ 1)?;
        }
        Ok(true)
    }

    /// An end is read while all that it has said was taken, and written while something was not.
    fn watch(&self, epoll: &OwnedFd, number: u64) -> io::Result<()> {
        let side = number as usize % 2;
        let mut flags = EventFlags::empty();
        flags.set(
            EventFlags::IN,
            self.unsent[side].is_empty() && !self.ended[side],
        );
        flags.set(EventFlags::OUT, !self.unsent[1 - side].is_empty());
        epoll::modify(epoll, &self.ends[side], EventData::new_u64(number), flags)?;
        Ok(())
    }
}
