//! A TCP echo server, in both forms: as a protocol, which the loop calls, and with streams.
//!
//! Type `cargo run -p asyncio-examples --bin tcp_echo_server`, `-- 127.0.0.1:0` to have a free port
//! chosen, `-- --streams` for the other form. It says what to type next. Neither form keeps more of
//! a client that does not read than the high-water mark of its write buffer: then it does not read
//! from it either.

#![forbid(unsafe_code)]

use asyncio::{Protocol, Server, StreamReader, StreamWriter, Transport};
use asyncio::{create_server, start_server};
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

#[derive(Default)]
struct Echo {
    transport: Option<Rc<dyn Transport>>,
}

impl Protocol for Echo {
    fn connection_made(&mut self, transport: Rc<dyn Transport>) {
        self.transport = Some(transport);
    }

    fn data_received(&mut self, data: &[u8]) {
        if let Some(transport) = &self.transport {
            // When the buffer is full, `pause_writing` is called next.
            let _ = transport.write(data);
        }
    }

    fn pause_writing(&mut self) {
        if let Some(transport) = &self.transport {
            transport.pause_reading();
        }
    }

    fn resume_writing(&mut self) {
        if let Some(transport) = &self.transport {
            transport.resume_reading();
        }
    }
}

async fn echo(mut reader: StreamReader, writer: StreamWriter) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = match reader.read(&mut buffer).await {
            Ok(0) => return Ok(()),
            // A client that resets its connection is nobody's error.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(()),
            read => read?,
        };
        writer.write(&buffer[..count]);
        if writer.drain().await.is_err() {
            return Ok(());
        }
    }
}

async fn serve(streams: bool, address: SocketAddr) -> io::Result<()> {
    let server: Server = if streams {
        start_server(echo, address).await?
    } else {
        create_server(Echo::default, address).await?
    };
    for socket in server.sockets() {
        if let Some(bound) = socket.getsockname()?.as_socket() {
            let (ip, port) = (bound.ip(), bound.port());
            println!("listening on {bound}; now type: nc {ip} {port}");
        }
    }
    server.serve_forever().await // until Ctrl-C
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let streams = arguments.first().is_some_and(|first| first == "--streams");
    if streams {
        arguments.remove(0);
    }
    let address = arguments.first().map_or("127.0.0.1:8888", String::as_str);
    asyncio::run(serve(streams, address.parse()?))??;
    Ok(())
}
