//! The programs that serve and those that connect, against plain sockets and each other.

mod service;

use asyncio_conformance::run;
use service::{Service, TIME_MAX};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::thread;

const TCP_ECHO_SERVER: &str = env!("CARGO_BIN_EXE_tcp_echo_server");
const TCP_ECHO_CLIENT: &str = env!("CARGO_BIN_EXE_tcp_echo_client");
const CHAT: &str = env!("CARGO_BIN_EXE_chat");
const PROXY: &str = env!("CARGO_BIN_EXE_proxy");
const HTTP_GET: &str = env!("CARGO_BIN_EXE_http_get");
const PORT_SCAN: &str = env!("CARGO_BIN_EXE_port_scan");
const UNIX_ECHO: &str = env!("CARGO_BIN_EXE_unix_echo");

/// Both forms of the echo server, on free ports.
fn echo_servers() -> [Service; 2] {
    [
        Service::start(TCP_ECHO_SERVER, &["127.0.0.1:0"]),
        Service::start(TCP_ECHO_SERVER, &["--streams", "127.0.0.1:0"]),
    ]
}

fn connect(address: SocketAddr) -> TcpStream {
    let client = TcpStream::connect(address).unwrap();
    client.set_read_timeout(Some(TIME_MAX)).unwrap();
    client.set_write_timeout(Some(TIME_MAX)).unwrap();
    client
}

/// Sends `bytes` and the end, and returns all that comes back.
fn echoed(address: SocketAddr, bytes: Vec<u8>) -> Vec<u8> {
    let mut client = connect(address);
    let mut sending = client.try_clone().unwrap();
    let sender = thread::spawn(move || {
        sending.write_all(&bytes).unwrap();
        sending.shutdown(Shutdown::Write).unwrap();
    });
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).unwrap();
    sender.join().unwrap();
    answer
}

/// Megabytes of no regular pattern.
fn bytes() -> Vec<u8> {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(8 << 20).collect()
}

#[test]
fn echo_servers_say_what_to_type_next() {
    for service in echo_servers() {
        let address = service.address();
        assert_eq!(
            service.typed,
            format!("nc {} {}", address.ip(), address.port())
        );
    }
}

#[test]
fn echo_servers_give_all_back_before_they_close() {
    let sent = bytes();
    for service in echo_servers() {
        assert!(echoed(service.address(), sent.clone()) == sent);
    }
}

#[test]
fn a_client_that_resets_its_connection_does_not_end_a_server() {
    for service in echo_servers() {
        let mut client = connect(service.address());
        client.write_all(b"unread").unwrap();
        client.read_exact(&mut [0; 1]).unwrap();
        drop(client); // with something unread: a reset
        assert_eq!(
            echoed(service.address(), b"still there".to_vec()),
            b"still there"
        );
    }
}

#[test]
fn the_echo_client_asks_in_both_forms() {
    for service in echo_servers() {
        let printed = run(
            Command::new(TCP_ECHO_CLIENT).args([&service.bound, "a message"]),
            TIME_MAX,
        );
        assert_eq!(
            printed.unwrap(),
            "protocol: a message\nstreams: a message\n"
        );
    }
    let alone = run(&mut Command::new(TCP_ECHO_CLIENT), TIME_MAX);
    assert_eq!(
        alone.unwrap(),
        "protocol: Hello World!\nstreams: Hello World!\n"
    );
}

#[test]
fn the_echo_client_fails_where_the_answer_is_cut() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        client.read_exact(&mut [0; 1]).unwrap();
        client.write_all(b"He").unwrap();
    });
    let printed = run(Command::new(TCP_ECHO_CLIENT).arg(address), TIME_MAX);
    assert!(printed.is_err(), "{printed:?}");
    server.join().unwrap();
}

/// Somebody in the chat.
struct Chatter {
    lines: BufReader<TcpStream>,
}

impl Chatter {
    fn new(address: SocketAddr, name: &str) -> Self {
        let mut chatter = Self {
            lines: BufReader::new(connect(address)),
        };
        assert_eq!(chatter.line(), "your name?");
        chatter.say(name);
        chatter
    }

    fn say(&mut self, line: &str) {
        let line = format!("{line}\n");
        self.lines.get_mut().write_all(line.as_bytes()).unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

#[test]
fn what_one_says_in_the_chat_all_others_read() {
    let service = Service::start(CHAT, &["127.0.0.1:0"]);
    let mut ann = Chatter::new(service.address(), "Ann");
    let mut bob = Chatter::new(service.address(), "Bob");
    assert_eq!(ann.line(), "* Bob is here");
    let mut cy = Chatter::new(service.address(), "Cy");
    assert_eq!(ann.line(), "* Cy is here");
    assert_eq!(bob.line(), "* Cy is here");
    ann.say("hello");
    assert_eq!(bob.line(), "Ann: hello");
    assert_eq!(cy.line(), "Ann: hello");
    drop(bob);
    assert_eq!(ann.line(), "* Bob has left");
    assert_eq!(cy.line(), "* Bob has left");
}

#[test]
fn who_does_not_read_is_dropped_and_holds_nobody_up() {
    let service = Service::start(CHAT, &["127.0.0.1:0"]);
    let mut ann = Chatter::new(service.address(), "Ann");
    let mut bob = Chatter::new(service.address(), "Bob");
    assert_eq!(ann.line(), "* Bob is here");
    let mut asleep = Chatter::new(service.address(), "Zoe");
    assert_eq!(ann.line(), "* Zoe is here");
    assert_eq!(bob.line(), "* Zoe is here");
    let long = "x".repeat(4000);
    // Bob reads everything; Zoe nothing, until her queue and the kernel's buffers are full.
    let mut said = 0;
    loop {
        for _ in 0..100 {
            ann.say(&long);
        }
        said += 100;
        assert!(said < 100_000, "she was never dropped");
        let mut heard = 0;
        let mut left = false;
        while heard < 100 {
            match bob.line() {
                line if line == format!("Ann: {long}") => heard += 1,
                line => {
                    assert_eq!(line, "* Zoe has left");
                    left = true;
                }
            }
        }
        if left {
            break;
        }
    }
    // What she had not read is gone with the connection.
    let mut rest = Vec::new();
    let ended = asleep.lines.read_to_end(&mut rest);
    assert!(ended.is_err() || rest.len() < said * 4007);
}

#[test]
fn a_relay_passes_all_on_both_ways() {
    let sent = bytes();
    for echo in echo_servers() {
        let proxy = Service::start(PROXY, &["127.0.0.1:0", &echo.bound]);
        assert!(echoed(proxy.address(), sent.clone()) == sent);
        // Somebody's broken connection is nobody else's affair.
        let mut reset = connect(proxy.address());
        reset.write_all(b"unread").unwrap();
        reset.read_exact(&mut [0; 1]).unwrap();
        drop(reset);
        assert_eq!(echoed(proxy.address(), b"on".to_vec()), b"on");
    }
}

#[test]
fn a_relay_without_its_server_closes_and_goes_on() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = nobody.local_addr().unwrap();
    drop(nobody);
    let proxy = Service::start(PROXY, &["127.0.0.1:0", &target.to_string()]);
    for _ in 0..3 {
        let mut client = connect(proxy.address());
        let mut answer = Vec::new();
        assert_eq!(client.read_to_end(&mut answer).unwrap(), 0);
    }
}

#[test]
fn http_get_prints_the_head_and_the_page() {
    let printed = run(&mut Command::new(HTTP_GET), TIME_MAX).unwrap();
    assert!(printed.starts_with("head> HTTP/1.1 200 OK\n"), "{printed}");
    assert!(printed.contains("/goods/1/"), "{printed}");
}

#[test]
fn port_scan_finds_who_listens() {
    let listeners: Vec<TcpListener> = (0..3)
        .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
        .collect();
    let mut ports: Vec<u16> = listeners
        .iter()
        .map(|listener| listener.local_addr().unwrap().port())
        .collect();
    ports.sort_unstable();
    let (first, last) = (ports[0], ports[ports.len() - 1]);
    let printed = run(
        Command::new(PORT_SCAN).args(["127.0.0.1", &format!("{first}-{last}")]),
        TIME_MAX,
    )
    .unwrap();
    for port in ports {
        assert!(
            printed.contains(&format!("127.0.0.1:{port} is open\n")),
            "{port}: {printed}"
        );
    }
    let backwards = run(Command::new(PORT_SCAN).args(["127.0.0.1", "9-1"]), TIME_MAX);
    assert!(backwards.is_err(), "{backwards:?}");
}

#[cfg(unix)]
#[test]
fn the_unix_server_echoes_and_takes_its_file_with_it() {
    use std::os::unix::net::UnixStream;
    let alone = run(&mut Command::new(UNIX_ECHO), TIME_MAX);
    assert_eq!(alone.unwrap(), "Hello World!\nthe file is gone: true\n");

    let path = std::env::temp_dir().join(format!("asyncio-unix-echo-{}", std::process::id()));
    let service = Service::start(UNIX_ECHO, &[path.to_str().unwrap()]);
    assert_eq!(service.typed, format!("nc -U {}", path.display()));
    let mut client = UnixStream::connect(&path).unwrap();
    client.set_read_timeout(Some(TIME_MAX)).unwrap();
    client.write_all(b"one\ntwo\n").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "one\ntwo\n");
    drop(service); // killed, so the file stays
    std::fs::remove_file(path).unwrap();
}
