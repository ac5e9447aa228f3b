//! Which ports of a host somebody listens on: many connections at once, but not more than so many.
//!
//! Type `cargo run -p asyncio-examples --bin port_scan -- HOST FIRST-LAST`; without arguments it
//! looks at 127.0.0.1, ports 1 to 1024. Scan only hosts that are yours. How far it is shows on a
//! terminal.

#![forbid(unsafe_code)]

use asyncio::transports::{PeerName, SockName};
use asyncio::{TaskGroup, open_connection, timeout};
use std::cell::Cell;
use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::ops::RangeInclusive;
use std::rc::Rc;
use std::time::Duration;

/// Connections that are being tried at once.
const AT_ONCE: usize = 100;

/// How long one may take.
const PORT_TIME_MAX: Duration = Duration::from_secs(5);

/// How far it is, drawn on a terminal only.
struct Progress {
    done: Cell<usize>,
    all: usize,
    shown: bool,
}

impl Progress {
    fn step(&self) {
        const WIDTH: usize = 40;
        let done = self.done.get() + 1;
        self.done.set(done);
        if !self.shown {
            return;
        }
        let filled = done * WIDTH / self.all;
        let bar = "#".repeat(filled) + &".".repeat(WIDTH - filled);
        let end = if done == self.all { "\n" } else { "" };
        // A terminal that is gone needs no bar.
        let _ = write!(io::stderr(), "\r[{bar}] {done}/{}{end}", self.all);
    }
}

/// Whether somebody listens.
async fn is_open(host: &str, port: u16) -> bool {
    match timeout(PORT_TIME_MAX, open_connection((host, port))).await {
        // A socket that has connected to itself is nobody: the kernel does that where the port that
        // it chooses is the one that is asked for. Dropping the writer closes the connection.
        Ok(Ok((_, writer))) => {
            let peer = writer.get_extra_info().map(|PeerName(address)| address);
            let own = writer.get_extra_info().map(|SockName(address)| address);
            peer != own
        }
        Ok(Err(_)) | Err(_) => false,
    }
}

async fn scan(host: String, ports: RangeInclusive<u16>) -> Result<Vec<u16>, Box<dyn Error>> {
    let progress = Rc::new(Progress {
        done: Cell::new(0),
        all: ports.len(),
        shown: io::stderr().is_terminal(),
    });
    let group = TaskGroup::<io::Error>::new().limit(AT_ONCE);
    let mut tasks = Vec::new();
    group
        .run(async |group| {
            for port in ports {
                let (host, progress) = (host.clone(), Rc::clone(&progress));
                let look = async move {
                    let open = is_open(&host, port).await;
                    progress.step();
                    Ok(open.then_some(port))
                };
                tasks.push(group.create_task(look).map_err(io::Error::other)?);
            }
            Ok(())
        })
        .await?;
    let mut open = Vec::new();
    for task in tasks {
        open.extend(task.await??);
    }
    Ok(open)
}

fn range(text: &str) -> Result<RangeInclusive<u16>, Box<dyn Error>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let ports = first.parse()?..=last.parse()?;
    if ports.is_empty() || *ports.start() == 0 {
        return Err("the ports go from FIRST up to LAST, and begin with 1".into());
    }
    Ok(ports)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let host = arguments.next().unwrap_or_else(|| "127.0.0.1".to_owned());
    let ports = range(&arguments.next().unwrap_or_else(|| "1-1024".to_owned()))?;
    let open = asyncio::run(scan(host.clone(), ports))??;
    for port in &open {
        println!("{host}:{port} is open");
    }
    println!("{} open", open.len());
    Ok(())
}
