//! A UDP echo service in the form of a protocol: the loop calls it for each datagram.
//!
//! Type `cargo run -p asyncio-examples --bin udp_echo`, or with `-- 127.0.0.1:0` to have a free port
//! chosen. It says what to type next: `nc -u` sends each line that you type as a datagram, and shows
//! it when it comes back. While the kernel has no room for answers, it takes no questions: what comes
//! then waits in the socket, and what does not fit there is dropped, as datagrams are.

#![forbid(unsafe_code)]

use asyncio::create_datagram_endpoint;
use asyncio::protocols::DatagramProtocol;
use asyncio::socket::SockAddr;
use asyncio::transports::{DatagramTransport, SockName};
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

#[derive(Default)]
struct Echo {
    transport: Option<Rc<dyn DatagramTransport>>,
}

impl DatagramProtocol for Echo {
    fn connection_made(&mut self, transport: Rc<dyn DatagramTransport>) {
        self.transport = Some(transport);
    }

    fn datagram_received(&mut self, data: &[u8], from: &SockAddr) {
        if let Some(transport) = &self.transport
            && let Err(error) = transport.sendto(data, Some(from))
        {
            eprintln!("not answered: {error}");
        }
    }

    fn error_received(&mut self, error: io::Error) {
        eprintln!("an answer was lost: {error}");
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

async fn serve(address: SocketAddr) -> io::Result<()> {
    let (transport, _protocol) = create_datagram_endpoint(Echo::default)
        .local_addr(address)
        .await?;
    let bound = transport
        .get_extra_info()
        .and_then(|SockName(it)| it.as_socket());
    let address = bound.unwrap_or(address);
    println!(
        "listening on {address}; now type: nc -u {} {}",
        address.ip(),
        address.port()
    );
    std::future::pending().await // until Ctrl-C
}

fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:9999").parse()?;
    asyncio::run(serve(address))??;
    Ok(())
}
