//! `udp_echo` answers clients that are not ours: Python's asyncio, and plain sockets.

mod service;

use asyncio_conformance::{CPython, RunError, run};
use service::{Service, TIME_MAX};
use std::net::UdpSocket;
use std::process::{Command, Stdio};

const UDP_ECHO: &str = env!("CARGO_BIN_EXE_udp_echo");

fn start() -> Service {
    let service = Service::start(UDP_ECHO, &["127.0.0.1:0"]);
    let address = service.address();
    assert_eq!(
        service.typed,
        format!("nc -u {} {}", address.ip(), address.port())
    );
    service
}

#[test]
fn pythons_asyncio_is_answered() {
    let python = match CPython::find() {
        Ok(python) => python,
        Err(missing) => {
            eprintln!("skipped: {missing}");
            return;
        }
    };
    let service = start();
    let code = format!(
        r#"
import asyncio

class Client(asyncio.DatagramProtocol):
    def __init__(self):
        self.answers = asyncio.Queue()
    def datagram_received(self, data, addr):
        self.answers.put_nowait((data, addr))

async def main():
    loop = asyncio.get_running_loop()
    remote = ('127.0.0.1', {port})
    transport, client = await loop.create_datagram_endpoint(Client, remote_addr=remote)
    for data in (b'hello', b'', b'x' * 65507):
        transport.sendto(data)
        answer = await asyncio.wait_for(client.answers.get(), 20)
        print(len(data), answer == (data, remote))
    transport.close()

asyncio.run(main())
"#,
        port = service.address().port()
    );
    let printed = python.evaluate(&code, TIME_MAX).unwrap();
    assert_eq!(printed, "5 True\n0 True\n65507 True\n");
}

#[test]
fn several_clients_get_their_own_answers() {
    let service = start();
    let clients: Vec<UdpSocket> = (0..10)
        .map(|_| {
            let client = UdpSocket::bind("127.0.0.1:0").unwrap();
            client.connect(service.address()).unwrap();
            client.set_read_timeout(Some(TIME_MAX)).unwrap();
            client
        })
        .collect();
    for round in 0..10_u8 {
        for (number, client) in clients.iter().enumerate() {
            client
                .send(&[round, u8::try_from(number).unwrap()])
                .unwrap();
        }
        for (number, client) in clients.iter().enumerate() {
            let mut answer = [0; 8];
            assert_eq!(client.recv(&mut answer).unwrap(), 2);
            assert_eq!(answer[..2], [round, u8::try_from(number).unwrap()]);
        }
    }
}

#[test]
fn what_is_no_address_is_refused() {
    for argument in ["nonsense", "127.0.0.1", "192.0.2.1:9"] {
        let mut command = Command::new(UDP_ECHO);
        let refused = run(command.arg(argument).stderr(Stdio::null()), TIME_MAX);
        assert!(
            matches!(refused, Err(RunError::Failed(..))),
            "{argument}: {refused:?}"
        );
    }
}
