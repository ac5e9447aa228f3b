//! The programs that connect, served by programs that are not ours: Python's asyncio, its HTTP
//! server, and `nc`.

use asyncio_conformance::run;
use asyncio_testkit::Folder;
use std::fs;
use std::process::Command;
use std::thread;

use crate::service::TIME_MAX;
use crate::terminal::Terminal;
use crate::{needs_nc, python};

#[test]
fn the_echo_client_is_answered_by_pythons_asyncio() {
    let code = r"
import asyncio

async def echo(reader, writer):
    while data := await reader.read(100):
        writer.write(data)
        await writer.drain()
    writer.close()

async def main():
    server = await asyncio.start_server(echo, '127.0.0.1', 0)
    print('%s:%d' % server.sockets[0].getsockname())
    await server.serve_forever()

asyncio.run(main())
";
    let Some(mut python) = python(code) else {
        return;
    };
    let server = Terminal::start(&mut python);
    let message = "over and over ".repeat(1000);
    let mut client = Command::new(env!("CARGO_BIN_EXE_tcp_echo_client"));
    let printed = run(client.args([&server.line(), &message]), TIME_MAX).unwrap();
    let expected = format!("protocol: {message}\nstreams: {message}\n");
    assert!(printed == expected, "{printed}");
}

/// Python's `http.server`, which serves a folder; it closes after each answer.
const HTTP_SERVER: &str = r"
import functools, http.server, sys

handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)
print('127.0.0.1:%d' % server.server_port)
server.serve_forever()
";

#[test]
fn pythons_http_server_is_found_and_its_page_is_printed() {
    let Some(mut python) = python(HTTP_SERVER) else {
        return;
    };
    let folder = Folder::new();
    let page = "all the goods\n".repeat(100_000);
    fs::write(folder.join("goods.txt"), &page).unwrap();
    let server = Terminal::start(python.arg(folder.path()));
    let address = server.line();

    let get = |path: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_http_get"));
        run(command.arg(format!("http://{address}/{path}")), TIME_MAX)
    };
    let printed = get("goods.txt").unwrap();
    let missing = get("nothing").unwrap();
    assert!(printed.starts_with("head> HTTP/1.0 200 OK\n"), "{printed}");
    assert!(printed.ends_with(&page), "the page is another");
    assert!(missing.starts_with("head> HTTP/1.0 404 "), "{missing}");

    let port = address.rsplit(':').next().unwrap();
    let mut scan = Command::new(env!("CARGO_BIN_EXE_port_scan"));
    let printed = run(scan.args(["127.0.0.1", port]), TIME_MAX).unwrap();
    assert_eq!(printed, format!("127.0.0.1:{port} is open\n1 open\n"));
}

#[test]
fn http_get_prints_what_somebody_types_into_nc() {
    if !needs_nc() {
        return;
    }
    let listen = "exec nc -l -v -N 127.0.0.1 0 2>&1"; // where it listens, it says on stderr
    let mut nc = Terminal::start(Command::new("sh").args(["-c", listen]));
    let listening = nc.line();
    let port = listening.rsplit(' ').next().unwrap().to_owned();
    let client = thread::spawn(move || {
        let mut http_get = Command::new(env!("CARGO_BIN_EXE_http_get"));
        run(
            http_get.arg(format!("http://127.0.0.1:{port}/a?b")),
            TIME_MAX,
        )
    });
    let connected = nc.line();
    assert!(connected.starts_with("Connection received"), "{connected}");
    assert_eq!(nc.line(), "GET /a?b HTTP/1.1");
    while !nc.line().is_empty() {}
    for line in ["HTTP/1.0 200 OK", "", "typed", "by hand"] {
        nc.say(line);
    }
    nc.says_no_more();
    let printed = client.join().unwrap().unwrap();
    assert_eq!(printed, "head> HTTP/1.0 200 OK\ntyped\nby hand\n");
}
