//! `add_reader` goes by the level: a callback that reads four bytes of ten is called three times.
//!
//! Type `cargo run -p asyncio-examples --bin watch_fd`, or with `-- stdin` to watch standard input,
//! which is to be a terminal or a pipe. You see each piece when it is read, and the end. There is no
//! task: the loop runs a callback until that stops it. A program for Unix.

#![forbid(unsafe_code)]

use asyncio::EventLoop;
use std::error::Error;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

/// What to watch: a pipe with ten bytes in it, or standard input.
fn source() -> io::Result<File> {
    if std::env::args().nth(1).as_deref() == Some("stdin") {
        return Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?));
    }
    let (reader, mut writer) = io::pipe()?;
    writer.write_all(b"ten bytes!")?;
    Ok(File::from(OwnedFd::from(reader)))
}

fn main() -> Result<(), Box<dyn Error>> {
    let event_loop = EventLoop::new()?;
    let source = Rc::new(source()?);
    let (watched, this) = (Rc::clone(&source), event_loop.clone());
    event_loop.add_reader(source, move || {
        let mut bytes = [0; 4];
        match (&*watched).read(&mut bytes) {
            Ok(0) => {
                println!("the end");
                this.remove_reader(&watched);
                this.stop();
            }
            Ok(n) => println!("read {:?}", String::from_utf8_lossy(&bytes[..n])),
            Err(error) => {
                println!("cannot read: {error}");
                this.stop();
            }
        }
    })?;
    event_loop.run_forever()?;
    Ok(())
}
