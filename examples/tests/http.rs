//! The embedded server under clients that do not behave, and the client's reading of answers.

use asyncio_examples::http_client::{HttpError, Url, body};
use asyncio_examples::http_server::HttpServer;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

/// The first line of the answer to these bytes.
fn status_of(server: &HttpServer, request: &[u8]) -> String {
    let mut client = TcpStream::connect(server.address()).unwrap();
    client
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    client.write_all(request).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn bad_requests_get_their_status() {
    let server = HttpServer::start(Duration::ZERO).unwrap();
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(10_000));
    for (request, status) in [
        ("GET / HTTP/1.1\r\n\r\n", "200 OK"),
        ("GET / HTTP/1.0\r\nHost: x\r\n\r\n", "200 OK"),
        ("POST / HTTP/1.1\r\n\r\n", "405 Method Not Allowed"),
        ("GET / HTTP/2.0\r\n\r\n", "505 HTTP Version Not Supported"),
        ("GET nowhere HTTP/1.1\r\n\r\n", "400 Bad Request"),
        ("GET /a b HTTP/1.1\r\n\r\n", "400 Bad Request"),
        ("hello\r\n\r\n", "400 Bad Request"),
        ("\r\n\r\n", "400 Bad Request"),
        ("GET / HTTP/1.1\r\n", "400 Bad Request"),
        ("", "400 Bad Request"),
        (&long, "431 Request Header Fields Too Large"),
    ] {
        let expected = format!("HTTP/1.1 {status}");
        assert_eq!(
            status_of(&server, request.as_bytes()),
            expected,
            "{request:?}"
        );
    }
    let not_text = b"GET /\xff HTTP/1.1\r\n\r\n";
    assert_eq!(status_of(&server, not_text), "HTTP/1.1 400 Bad Request");
}

/// Real time: the five seconds that a client has.
#[test]
fn a_client_that_says_nothing_is_told_the_time_is_up() {
    let server = HttpServer::start(Duration::ZERO).unwrap();
    let mut client = TcpStream::connect(server.address()).unwrap();
    client
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"),
        "{answer}"
    );
}

#[test]
fn a_client_that_goes_away_harms_nobody() {
    let server = HttpServer::start(Duration::ZERO).unwrap();
    for _ in 0..50 {
        let mut client = TcpStream::connect(server.address()).unwrap();
        client.write_all(b"GET / HTT").unwrap();
    }
    assert_eq!(
        status_of(&server, b"GET / HTTP/1.1\r\n\r\n"),
        "HTTP/1.1 200 OK"
    );
}

#[test]
fn urls_have_a_host_a_port_and_a_target() {
    let parsed = |text: &str| {
        let url: Url = text.parse().unwrap();
        let request = String::from_utf8(url.get()).unwrap();
        let line = request.lines().next().unwrap_or_default().to_owned();
        (url.host().to_owned(), url.port(), line)
    };
    let expected = |host: &str, port, line: &str| (host.to_owned(), port, line.to_owned());
    assert_eq!(parsed("http://a"), expected("a", 80, "GET / HTTP/1.1"));
    assert_eq!(
        parsed("http://a:8080/b?c#d"),
        expected("a", 8080, "GET /b?c HTTP/1.1")
    );
    assert_eq!(
        parsed("http://[::1]:81?c"),
        expected("::1", 81, "GET /?c HTTP/1.1")
    );
    for url in [
        "",
        "a",
        "https://a/",
        "http://",
        "http://:80/",
        "http://a:/",
        "http://a:99999/",
        "http://[::1/",
        "http://[::1]80/",
        "http://user@a/",
        "http://a/ HTTP/1.1\r\nHost: b",
        "http://a\r\nb/",
    ] {
        let unusable = Err(HttpError::Url(url.to_owned()));
        assert_eq!(url.parse::<Url>(), unusable);
    }
}

#[test]
fn answers_are_whole_or_refused() {
    assert_eq!(
        body(b"HTTP/1.1 200 OK\r\n\r\nto the end").unwrap(),
        "to the end"
    );
    for (answer, error) in [
        (
            &b"HTTP/1.1 200 OK\r\n"[..],
            "the answer has no end of its head",
        ),
        (b"SSH-2.0\r\n\r\n", "the answer has no status"),
        (
            b"HTTP/1.1 503 Busy\r\n\r\n",
            "the server answered with status 503",
        ),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nab",
            "the answer is not as long as it says",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nab",
            "the answer is not as long as it says",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "the answer is encoded, which is not supported",
        ),
        (b"HTTP/1.1 200 OK\r\n\r\n\xff", "the answer is no text"),
        (
            b"HTTP/1.1 200 \xff\r\n\r\n",
            "the answer has a head that is no text",
        ),
    ] {
        assert_eq!(body(answer).unwrap_err().to_string(), error);
    }
}
