//! A chat: what one says, all others read.
//!
//! Type `cargo run -p asyncio-examples --bin chat`, or with `-- 127.0.0.1:0` to have a free port
//! chosen; it says what to type next, in as many terminals as you like. The first line of each is
//! the name. One who does not read does not hold the others up: for each there is a queue of so many
//! lines, and who lets it fill up is dropped.

#![forbid(unsafe_code)]

use asyncio::queues::mpsc;
use asyncio::streams::ReadError;
use asyncio::{Server, StreamReader, StreamWriter, start_server, task_group};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

/// Lines that wait for one reader.
const BACKLOG_MAX: usize = 1000;

/// A line longer than this ends the connection.
const LINE_BYTES_MAX: usize = 4096;

type Line = Rc<[u8]>;

/// Who is there.
#[derive(Default)]
struct Room {
    members: RefCell<BTreeMap<u64, Seat>>,
    next: Cell<u64>,
}

/// How somebody is reached.
struct Seat {
    lines: mpsc::Sender<Line>,
    writer: Rc<StreamWriter>,
}

impl Room {
    /// Lets somebody in, who gets all lines of the others.
    fn enter(&self, writer: &Rc<StreamWriter>) -> (u64, mpsc::Receiver<Line>) {
        let number = self.next.get();
        self.next.set(number + 1);
        let (sender, lines) = mpsc::channel(BACKLOG_MAX);
        let seat = Seat {
            lines: sender,
            writer: Rc::clone(writer),
        };
        self.members.borrow_mut().insert(number, seat);
        (number, lines)
    }

    fn leave(&self, number: u64) {
        self.members.borrow_mut().remove(&number);
    }

    /// Gives a line to all but `from`. The connection of who has no room for it is aborted: it may
    /// be waiting for its client to read.
    fn say(&self, from: u64, line: &[u8]) {
        let line: Line = line.into();
        for (number, seat) in self.members.borrow().iter() {
            if *number != from && seat.lines.try_send(Rc::clone(&line)).is_err() {
                seat.writer.transport().abort();
            }
        }
    }
}

/// Leaves the room with the connection, however it ends.
struct Member<'a> {
    room: &'a Room,
    number: u64,
}

impl Drop for Member<'_> {
    fn drop(&mut self) {
        self.room.leave(self.number);
    }
}

async fn chat(room: Rc<Room>, mut reader: StreamReader, writer: StreamWriter) -> io::Result<()> {
    writer.write(b"your name?\n");
    let name = match line_of(&mut reader).await? {
        Some(name) => String::from_utf8_lossy(&name).trim().to_owned(),
        None => return Ok(()),
    };
    let writer = Rc::new(writer);
    let (number, mut lines) = room.enter(&writer);
    let member = Member {
        room: &room,
        number,
    };
    room.say(number, format!("* {name} is here\n").as_bytes());
    let ended = task_group(async |group| {
        let to = Rc::clone(&writer);
        let writes = async move {
            while let Some(line) = lines.recv().await {
                to.write(&line);
                to.drain().await?;
            }
            io::Result::Ok(())
        };
        group.start_soon(writes).map_err(io::Error::other)?;
        while let Some(line) = line_of(&mut reader).await? {
            let mut said = format!("{name}: ").into_bytes();
            said.extend(line);
            room.say(number, &said);
        }
        group.cancel();
        Ok(())
    })
    .await;
    drop(member);
    room.say(number, format!("* {name} has left\n").as_bytes());
    // However a connection breaks, it is the client's affair.
    drop(ended);
    Ok(())
}

/// The next line, with its end; `None` at the end of the stream, or of a line that is too long.
async fn line_of(reader: &mut StreamReader) -> io::Result<Option<Vec<u8>>> {
    match reader.readline().await {
        Ok(line) if line.is_empty() => Ok(None),
        Ok(line) => Ok(Some(line)),
        Err(ReadError::LimitOverrun(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn serve(address: SocketAddr) -> io::Result<()> {
    let room = Rc::new(Room::default());
    let client = move |reader, writer| chat(Rc::clone(&room), reader, writer);
    let server: Server = start_server(client, address).limit(LINE_BYTES_MAX).await?;
    for socket in server.sockets() {
        if let Some(bound) = socket.getsockname()?.as_socket() {
            let (ip, port) = (bound.ip(), bound.port());
            println!("listening on {bound}; now type: nc {ip} {port}");
        }
    }
    server.serve_forever().await // until Ctrl-C
}

fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:8889").parse()?;
    asyncio::run(serve(address))??;
    Ok(())
}
