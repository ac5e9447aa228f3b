//! Ours on the network: protocols and streams.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::rc::Rc;

use asyncio_loop::socket::SockAddr;
use asyncio_streams::{
    StreamReader, StreamWriter, copy_bidirectional, open_connection, start_server,
};
use asyncio_transports::{
    DatagramProtocol, DatagramTransport, Protocol, Transport, create_connection,
    create_datagram_endpoint, create_server,
};
use futures_lite::AsyncBufReadExt;

use super::Asyncio;
use crate::cases::echoing::BACKLOG;
use crate::cases::{Params, datagrams};
use crate::meter::Sample;
use crate::runtime::{Connect, Echo, EchoDatagrams, Runtime};

impl Echo for Asyncio {
    async fn echo(listener: TcpListener, buffer: usize) {
        let serve = move |mut reader: StreamReader, writer: StreamWriter| async move {
            let mut buffer = vec![0; buffer];
            loop {
                let count = reader.read(&mut buffer).await?;
                if count == 0 {
                    return io::Result::Ok(());
                }
                writer.write(&buffer[..count]);
                writer.drain().await?;
            }
        };
        let server = start_server(serve, listener).backlog(BACKLOG as u32);
        let server = server.await.expect("a server");
        server.serve_forever().await.expect("it serves");
    }

    async fn echo_by_protocol(listener: TcpListener, _: usize) {
        let server = create_server(EchoProtocol::default, listener).backlog(BACKLOG as u32);
        let server = server.await.expect("a server");
        server.serve_forever().await.expect("it serves");
    }

    /// Without a buffer while nothing comes: what has come is lent.
    async fn echo_rarely(listener: TcpListener) {
        let serve = |mut reader: StreamReader, writer: StreamWriter| async move {
            loop {
                let data = reader.fill_buf().await?;
                if data.is_empty() {
                    return io::Result::Ok(());
                }
                writer.write(data);
                let count = data.len();
                reader.consume(count);
                writer.drain().await?;
            }
        };
        let server = start_server(serve, listener).backlog(BACKLOG as u32);
        let server = server.await.expect("a server");
        server.serve_forever().await.expect("it serves");
    }
}

/// The server's side of one connection.
#[derive(Default)]
struct EchoProtocol(Option<Rc<dyn Transport>>);

impl Protocol for EchoProtocol {
    fn connection_made(&mut self, transport: Rc<dyn Transport>) {
        self.0 = Some(transport);
    }

    fn data_received(&mut self, data: &[u8]) {
        if let Some(transport) = &self.0 {
            let _ = transport.write(data);
        }
    }

    fn pause_writing(&mut self) {
        if let Some(transport) = &self.0 {
            transport.pause_reading();
        }
    }

    fn resume_writing(&mut self) {
        if let Some(transport) = &self.0 {
            transport.resume_reading();
        }
    }
}

/// One that does nothing.
struct Silent;

impl Protocol for Silent {}

impl Connect for Asyncio {
    async fn connect(address: SocketAddr, times: u64) {
        for _ in 0..times {
            let connection = create_connection(|| Silent, address).await;
            let (transport, _) = connection.expect("a connection");
            transport.close();
        }
    }

    async fn relay(listener: TcpListener, target: SocketAddr) {
        let serve = move |reader: StreamReader, writer: StreamWriter| async move {
            let apart = |_| io::Error::other("two ends of one connection");
            let mut client = reader.join(writer).map_err(apart)?;
            let (reader, writer) = open_connection(target).await?;
            let mut server = reader.join(writer).map_err(apart)?;
            copy_bidirectional(&mut client, &mut server).await.map(drop)
        };
        let server = start_server(serve, listener).backlog(BACKLOG as u32);
        let server = server.await.expect("a server");
        server.serve_forever().await.expect("it serves");
    }
}

impl EchoDatagrams for Asyncio {
    async fn echo_datagrams(socket: UdpSocket) {
        serve_datagrams(socket, false).await;
    }
}

/// In the form of a protocol.
#[derive(Default)]
struct DatagramEcho(Option<Rc<dyn DatagramTransport>>);

impl DatagramProtocol for DatagramEcho {
    fn connection_made(&mut self, transport: Rc<dyn DatagramTransport>) {
        self.0 = Some(transport);
    }

    fn datagram_received(&mut self, data: &[u8], from: &SockAddr) {
        if let Some(transport) = &self.0 {
            _ = transport.sendto(data, Some(from)).expect("room");
        }
    }
}

async fn serve_datagrams(socket: UdpSocket, batch: bool) {
    let endpoint = create_datagram_endpoint(DatagramEcho::default)
        .sock(socket)
        .batch(batch);
    let _endpoint = endpoint.await.expect("an endpoint");
    std::future::pending::<()>().await;
}

/// `udp/batch-16`: with batches.
pub(super) fn measure_batched(params: Params) -> Sample {
    datagrams::serve_under_load(params, |socket| {
        Asyncio::run(serve_datagrams(socket, true));
    })
}
