//! A TCP relay: what comes to it goes to another server, and back, with back-pressure both ways.
//!
//! Type `cargo run -p asyncio-examples --bin proxy -- 127.0.0.1:9000 127.0.0.1:8888` to have what
//! connects to the first address served by the second; these two are used if none are given. It says
//! what to type next. Half-closed connections stay half-closed, and one that is reset ends alone.

#![forbid(unsafe_code)]

use asyncio::streams::copy_bidirectional;
use asyncio::{StreamReader, StreamWriter, open_connection, start_server, timeout};
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// How long connecting to the server may take.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);

async fn relay(
    reader: StreamReader,
    writer: StreamWriter,
    target: SocketAddr,
) -> Result<(u64, u64), Box<dyn Error>> {
    let mut client = reader
        .join(writer)
        .map_err(|_| "two ends of one connection")?;
    let (reader, writer) = timeout(CONNECT_TIME_MAX, open_connection(target)).await??;
    let mut server = reader
        .join(writer)
        .map_err(|_| "two ends of one connection")?;
    Ok(copy_bidirectional(&mut client, &mut server).await?)
}

async fn serve(address: SocketAddr, target: SocketAddr) -> io::Result<()> {
    let client = move |reader, writer| async move {
        match relay(reader, writer, target).await {
            Ok((up, down)) => eprintln!("{up} bytes up, {down} bytes down"),
            Err(error) => eprintln!("a connection has broken: {error}"),
        }
    };
    let server = start_server(client, address).await?;
    for socket in server.sockets() {
        if let Some(bound) = socket.getsockname()?.as_socket() {
            let (ip, port) = (bound.ip(), bound.port());
            println!("listening on {bound}; now type: nc {ip} {port}");
        }
    }
    server.serve_forever().await // until Ctrl-C
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next();
    let target = arguments.next();
    let address = address.as_deref().unwrap_or("127.0.0.1:9000").parse()?;
    let target = target.as_deref().unwrap_or("127.0.0.1:8888").parse()?;
    asyncio::run(serve(address, target))??;
    Ok(())
}
