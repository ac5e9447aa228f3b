//! `udp_echo` answers clients that are not ours: Python's asyncio, and plain sockets.

use asyncio_conformance::{CPython, RunError, run};
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const UDP_ECHO: &str = env!("CARGO_BIN_EXE_udp_echo");

const TIME_MAX: Duration = Duration::from_secs(30);

/// The running service, which ends with the test.
struct Service {
    child: Child,
    address: SocketAddr,
}

impl Service {
    fn start() -> Self {
        let mut child = Command::new(UDP_ECHO)
            .arg("127.0.0.1:0")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let (address, typed) = line
            .strip_prefix("listening on ")
            .and_then(|rest| rest.split_once("; now type: "))
            .unwrap();
        let address: SocketAddr = address.parse().unwrap();
        assert_eq!(
            typed,
            format!("nc -u {} {}\n", address.ip(), address.port())
        );
        Self { child, address }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
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
    let service = Service::start();
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
        port = service.address.port()
    );
    let printed = python.evaluate(&code, TIME_MAX).unwrap();
    assert_eq!(printed, "5 True\n0 True\n65507 True\n");
}

#[test]
fn several_clients_get_their_own_answers() {
    let service = Service::start();
    let clients: Vec<UdpSocket> = (0..10)
        .map(|_| {
            let client = UdpSocket::bind("127.0.0.1:0").unwrap();
            client.connect(service.address).unwrap();
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
