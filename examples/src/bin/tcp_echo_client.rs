//! A TCP echo client, in both forms: as a protocol, and with streams. It sends a message, prints what
//! comes back, and closes.
//!
//! Type `cargo run -p asyncio-examples --bin tcp_echo_client`, and after `--` an address and a
//! message to talk to a server of yours; without any it talks to a server of its own. Start one with
//! `cargo run -p asyncio-examples --bin tcp_echo_server`.

#![forbid(unsafe_code)]

use asyncio::{Future, Protocol, Transport, timeout};
use asyncio::{create_connection, create_server, open_connection};
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

/// How long an answer may take.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);

type Answer = Result<Vec<u8>, &'static str>;

/// Sends its message when the connection is made, and is done when as much has come back.
struct Ask {
    message: Vec<u8>,
    answer: Vec<u8>,
    done: Future<Answer>,
    transport: Option<Rc<dyn Transport>>,
}

impl Protocol for Ask {
    fn connection_made(&mut self, transport: Rc<dyn Transport>) {
        let _ = transport.write(&self.message);
        self.transport = Some(transport);
    }

    fn data_received(&mut self, data: &[u8]) {
        self.answer.extend_from_slice(data);
        if self.answer.len() >= self.message.len()
            && let Some(transport) = &self.transport
        {
            transport.close();
        }
    }

    fn connection_lost(&mut self, _: Option<io::Error>) {
        let answer = std::mem::take(&mut self.answer);
        let whole = answer.len() >= self.message.len();
        // Nobody waits any more when the time was up.
        let _ = self.done.set_result(if whole {
            Ok(answer)
        } else {
            Err("the server has closed the connection before the whole answer")
        });
    }
}

async fn ask_as_protocol(address: SocketAddr, message: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let done = Future::new();
    let ask = Ask {
        message: message.as_bytes().to_vec(),
        answer: Vec::new(),
        done: done.clone(),
        transport: None,
    };
    create_connection(|| ask, address).await?;
    Ok(done.await??)
}

async fn ask_with_streams(address: SocketAddr, message: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let (mut reader, writer) = open_connection(address).await?;
    writer.write(message.as_bytes());
    writer.drain().await?;
    let answer = reader.readexactly(message.len()).await?;
    writer.close();
    writer.wait_closed().await?;
    Ok(answer)
}

async fn talk(address: SocketAddr, message: &str) -> Result<(), Box<dyn Error>> {
    let answer = timeout(ANSWER_TIME_MAX, ask_as_protocol(address, message)).await??;
    println!("protocol: {}", String::from_utf8_lossy(&answer));
    let answer = timeout(ANSWER_TIME_MAX, ask_with_streams(address, message)).await??;
    println!("streams: {}", String::from_utf8_lossy(&answer));
    Ok(())
}

/// The server that it talks to when none is named.
#[derive(Default)]
struct Echo(Option<Rc<dyn Transport>>);

impl Protocol for Echo {
    fn connection_made(&mut self, transport: Rc<dyn Transport>) {
        self.0 = Some(transport);
    }

    fn data_received(&mut self, data: &[u8]) {
        if let Some(transport) = &self.0 {
            let _ = transport.write(data);
        }
    }
}

async fn talk_to_itself() -> Result<(), Box<dyn Error>> {
    let server = create_server(Echo::default, ("127.0.0.1", 0)).await?;
    let bound = server.sockets()[0].getsockname()?.as_socket();
    let address = bound.ok_or("a server without an address")?;
    talk(address, "Hello World!").await?;
    server.close();
    server.wait_closed().await;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    match arguments.next() {
        None => asyncio::run(talk_to_itself())??,
        Some(address) => {
            let message = arguments
                .next()
                .unwrap_or_else(|| "Hello World!".to_owned());
            asyncio::run(talk(address.parse()?, &message))??;
        }
    }
    Ok(())
}
