//! `udp_echo` answers plain sockets, and refuses what is no address.

mod service;

use asyncio_conformance::{RunError, run};
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
fn datagrams_of_all_lengths_come_back() {
    let service = start();
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.connect(service.address()).unwrap();
    client.set_read_timeout(Some(TIME_MAX)).unwrap();
    let mut answer = vec![0; 65_536];
    for length in [0, 1, 1500, 65_507] {
        let question = vec![b'x'; length];
        client.send(&question).unwrap();
        assert_eq!(client.recv(&mut answer).unwrap(), length);
        assert!(answer[..length] == question, "{length}");
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
