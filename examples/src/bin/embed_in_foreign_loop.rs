//! The loop as a guest: another loop, here a bare `poll(2)`, does the waiting for both.
//!
//! Type `cargo run -p asyncio-examples --bin embed_in_foreign_loop`. You see a task and the foreign
//! loop talk: the task sends a byte through a pipe that only the foreign loop knows. This is how a
//! loop lives in a GUI. A program for Unix.

#![forbid(unsafe_code)]

use asyncio::{EventLoop, sleep};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::error::Error;
use std::io::{self, Read, Write};
use std::time::Duration;

async fn talk(mut pipe: io::PipeWriter) -> io::Result<()> {
    for number in 1..=3 {
        sleep(Duration::from_millis(50)).await;
        println!("task: I send {number}");
        pipe.write_all(&[number])?;
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let event_loop = EventLoop::new()?;
    let (mut pipe, writer) = io::pipe()?;
    event_loop.create_task(talk(writer)).detach();
    loop {
        let plan = event_loop.begin();
        let timeout = match event_loop.begin_foreign_wait() {
            true => plan.timeout(),
            false => Some(Duration::ZERO),
        };
        let timeout = timeout.map(Timespec::try_from).transpose()?;
        let mut sources = [
            PollFd::new(&pipe, PollFlags::IN),
            PollFd::new(&event_loop, PollFlags::IN),
        ];
        match poll(&mut sources, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let is_ours = !sources[0].revents().is_empty();

        event_loop.wait(plan.at_most(Some(Duration::ZERO)))?;
        event_loop.finish(plan)?;

        if is_ours {
            let mut byte = [0];
            if pipe.read(&mut byte)? == 0 {
                println!("foreign loop: the task has ended");
                return Ok(());
            }
            println!("foreign loop: I got {}", byte[0]);
        }
    }
}
