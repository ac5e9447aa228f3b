//! The programs that serve, asked by clients that are not ours: `nc`, `curl`, `wrk`, and Python's
//! asyncio. What a program says is to be typed next is typed.

use asyncio_conformance::run;
use asyncio_examples::http_server::HttpServer;
use asyncio_testkit::{Folder, needs_program};
use std::fs::{self, File};
use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crate::service::{Service, TIME_MAX};
use crate::terminal::Terminal;
use crate::{needs_nc, python};

const TCP_ECHO_SERVER: &str = env!("CARGO_BIN_EXE_tcp_echo_server");
const UDP_ECHO: &str = env!("CARGO_BIN_EXE_udp_echo");
const CHAT: &str = env!("CARGO_BIN_EXE_chat");
const PROXY: &str = env!("CARGO_BIN_EXE_proxy");
const FILE_SERVER: &str = env!("CARGO_BIN_EXE_file_server");

/// Both forms of the echo server, on free ports.
fn echo_servers() -> [Service; 2] {
    [
        Service::start(TCP_ECHO_SERVER, &["127.0.0.1:0"]),
        Service::start(TCP_ECHO_SERVER, &["--streams", "127.0.0.1:0"]),
    ]
}

/// What is typed comes back, line by line.
fn assert_echoes(typed: &str) {
    let mut terminal = Terminal::command(typed);
    for line in ["hello", "a second line", "ünïcödé"] {
        terminal.say(line);
        assert_eq!(terminal.line(), line, "{typed}");
    }
}

/// Bytes to send, as a file too: eight megabytes that are no text.
struct Sent {
    folder: Folder,
    bytes: Vec<u8>,
}

impl Sent {
    fn new() -> Self {
        let folder = Folder::new();
        let bytes: Vec<u8> = (0..8_u32 << 20).map(|it| (it ^ (it >> 11)) as u8).collect();
        fs::write(folder.join("sent"), &bytes).unwrap();
        Self { folder, bytes }
    }

    fn file(&self) -> File {
        File::open(self.folder.join("sent")).unwrap()
    }
}

/// `nc` as a filter: it sends the file and the end, and ends when the server has closed.
fn through_nc(address: SocketAddr, sent: &Sent) -> Vec<u8> {
    let idle_max = TIME_MAX.as_secs().to_string();
    let output = Command::new("nc")
        .args(["-N", "-w", &idle_max, &address.ip().to_string()])
        .arg(address.port().to_string())
        .stdin(sent.file())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", output.status);
    output.stdout
}

#[test]
fn what_the_echo_servers_say_is_typed() {
    if !needs_nc() {
        return;
    }
    for service in echo_servers() {
        assert_echoes(&service.typed);
    }
}

#[test]
fn nc_gets_a_file_back_and_the_end_of_it() {
    if !needs_nc() {
        return;
    }
    let sent = Sent::new();
    for service in echo_servers() {
        assert!(through_nc(service.address(), &sent) == sent.bytes);
    }
}

#[test]
fn what_the_unix_server_says_is_typed() {
    if !needs_nc() {
        return;
    }
    let folder = Folder::new();
    let path = folder.join("socket");
    let service = Service::start(env!("CARGO_BIN_EXE_unix_echo"), &[path.to_str().unwrap()]);
    assert_echoes(&service.typed);
}

#[test]
fn what_the_udp_service_says_is_typed() {
    if !needs_nc() {
        return;
    }
    assert_echoes(&Service::start(UDP_ECHO, &["127.0.0.1:0"]).typed);
}

#[test]
fn three_terminals_chat() {
    if !needs_nc() {
        return;
    }
    let service = Service::start(CHAT, &["127.0.0.1:0"]);
    let enter = |name: &str| {
        let mut terminal = Terminal::command(&service.typed);
        assert_eq!(terminal.line(), "your name?");
        terminal.say(name);
        terminal
    };
    let mut ann = enter("Ann");
    let bob = enter("Bob");
    assert_eq!(ann.line(), "* Bob is here");
    let mut cy = enter("Cy");
    assert_eq!(ann.line(), "* Cy is here");
    assert_eq!(bob.line(), "* Cy is here");
    ann.say("hello");
    assert_eq!(bob.line(), "Ann: hello");
    assert_eq!(cy.line(), "Ann: hello");
    cy.say("and to you");
    assert_eq!(ann.line(), "Cy: and to you");
    drop(cy);
    assert_eq!(ann.line(), "* Cy has left");
}

#[test]
fn nc_does_not_see_the_relay() {
    if !needs_nc() {
        return;
    }
    let sent = Sent::new();
    for echo in echo_servers() {
        let proxy = Service::start(PROXY, &["127.0.0.1:0", &echo.bound]);
        assert_echoes(&proxy.typed);
        assert!(through_nc(proxy.address(), &sent) == sent.bytes);
    }
}

fn curl(arguments: &[&str]) -> Output {
    let time_max = TIME_MAX.as_secs().to_string();
    Command::new("curl")
        .args(["--silent", "--show-error", "--fail", "--noproxy", "*"])
        .args(["--max-time", &time_max])
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn curl_gets_pages_through_the_relay() {
    if !needs_program("curl") {
        return;
    }
    let server = HttpServer::start(Duration::ZERO).unwrap();
    let proxy = Service::start(PROXY, &["127.0.0.1:0", &server.address().to_string()]);
    let folder = Folder::new();
    let pages = format!("http://{}/goods/[1-50]", proxy.bound);
    let files = folder.join("page-#1");
    let arguments = ["--parallel", "--parallel-immediate", &pages, "--output"];
    let fetched = curl(&[&arguments[..], &[files.to_str().unwrap()]].concat());
    assert!(fetched.status.success(), "{fetched:?}");
    for number in 1..=50 {
        let page = fs::read_to_string(folder.join(&format!("page-{number}")));
        assert_eq!(page.unwrap(), format!("goods /goods/{number}"));
    }
    let refused = curl(&[&format!("http://{}/", proxy.bound), "--data", "unasked"]);
    assert_eq!(refused.status.code(), Some(22), "an answer of 4xx");
}

#[test]
fn curl_gets_files_from_the_server_of_files() {
    if !needs_program("curl") {
        return;
    }
    let folder = Folder::new();
    let root = folder.path().to_str().unwrap();
    fs::write(folder.join("README.md"), "# Read me\n").unwrap();
    let large: Vec<u8> = (0..64_u32 << 20)
        .map(|it| (it ^ (it >> 11)) as u8)
        .collect();
    fs::write(folder.join("large"), &large).unwrap();
    let server = Service::start(FILE_SERVER, &[root, "127.0.0.1:0"]);
    let typed: Vec<&str> = server.typed.split(' ').collect();
    assert_eq!(typed[0], "curl");
    assert_eq!(curl(&typed[1..]).stdout, b"# Read me\n");

    let sites = format!("http://{}", server.bound);
    let large_and_small = format!("{sites}/{{large,README.md}}");
    let files = folder.join("got-#1");
    let arguments = [
        "--parallel",
        "--parallel-immediate",
        &large_and_small,
        "--output",
    ];
    let fetched = curl(&[&arguments[..], &[files.to_str().unwrap()]].concat());
    assert!(fetched.status.success(), "{fetched:?}");
    assert!(fs::read(folder.join("got-large")).unwrap() == large);
    assert_eq!(
        fs::read(folder.join("got-README.md")).unwrap(),
        b"# Read me\n"
    );

    let head = curl(&["--head", &format!("{sites}/large")]);
    let head = String::from_utf8_lossy(&head.stdout).into_owned();
    assert!(head.contains("Content-Length: 67108864"), "{head}");
    for refused in ["/none", "/../etc/passwd"] {
        let refused = curl(&["--path-as-is", &format!("{sites}{refused}")]);
        assert_eq!(refused.status.code(), Some(22), "an answer of 4xx");
    }
}

/// What `wrk` makes of two seconds with twenty connections, without an error.
fn assert_loads(url: &str) {
    let mut command = Command::new("wrk");
    command.args(["--threads", "1", "--connections", "20", "--duration", "2s"]);
    command.args(["--timeout", "30s"]); // a busy machine is no error
    let report = run(command.arg(url), TIME_MAX).unwrap();
    assert!(report.contains(" requests in "), "{report}");
    assert!(!report.contains("\n  0 requests in "), "{report}");
    assert!(!report.contains("Socket errors"), "{report}");
    assert!(!report.contains("Non-2xx"), "{report}");
}

#[test]
fn wrk_loads_the_relay_without_an_error() {
    if !needs_program("wrk") {
        return;
    }
    let server = HttpServer::start(Duration::ZERO).unwrap();
    let proxy = Service::start(PROXY, &["127.0.0.1:0", &server.address().to_string()]);
    assert_loads(&format!("http://{}/", proxy.bound));
}

#[test]
fn wrk_loads_the_server_of_files_without_an_error() {
    if !needs_program("wrk") {
        return;
    }
    let folder = Folder::new();
    fs::write(folder.join("page"), "x".repeat(20_000)).unwrap();
    let root = folder.path().to_str().unwrap();
    let server = Service::start(FILE_SERVER, &[root, "127.0.0.1:0"]);
    assert_loads(&format!("http://{}/page", server.bound));
}

#[test]
fn pythons_asyncio_is_answered_by_both_forms() {
    for service in echo_servers() {
        let code = format!(
            r"
import asyncio

async def client(number):
    reader, writer = await asyncio.open_connection('127.0.0.1', {port})
    for i in range(20):
        writer.write(b'%d %d\n' % (number, i))
        await writer.drain()
        assert await reader.readline() == b'%d %d\n' % (number, i)
    writer.write_eof()
    assert await reader.read() == b''
    writer.close()
    await writer.wait_closed()

async def main():
    await asyncio.gather(*(client(number) for number in range(50)))
    print('all echoed')

asyncio.run(main())
",
            port = service.address().port()
        );
        let Some(mut python) = python(&code) else {
            return;
        };
        assert_eq!(run(&mut python, TIME_MAX).unwrap(), "all echoed\n");
    }
}

#[test]
fn pythons_asyncio_gets_its_datagrams_back() {
    let service = Service::start(UDP_ECHO, &["127.0.0.1:0"]);
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
    for data in (b'hello', b'x' * 65507):  # nothing at all it sends since 3.13
        transport.sendto(data)
        answer = await asyncio.wait_for(client.answers.get(), 20)
        print(len(data), answer == (data, remote))
    transport.close()

asyncio.run(main())
"#,
        port = service.address().port()
    );
    let Some(mut python) = python(&code) else {
        return;
    };
    let printed = run(&mut python, TIME_MAX).unwrap();
    assert_eq!(printed, "5 True\n65507 True\n");
}
