//! A small HTTP server of threads and blocking sockets, for the examples to fetch from.
//!
//! It answers `GET /path` with `goods /path`, as late as it is told to. It is small, but not
//! careless: as many connections as it has threads, a time for each, a longest head, and an answer
//! with the right status for whatever is no request.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use asyncio::concurrent::{ExecutorExt, ThreadPoolExecutor};

/// Connections that are served at a time.
const WORKERS_MAX: usize = 32;

/// Connections that may wait for that.
const QUEUE_MAX: usize = 256;

/// The longest head of a request: what most servers take.
const HEAD_BYTES_MAX: usize = 8 * 1024;

/// What a client may take to send its request, and to take the answer.
const CLIENT_TIME_MAX: Duration = Duration::from_secs(5);

/// A server that runs until it is dropped.
///
/// # Examples
///
/// ```
/// use asyncio_examples::http_client::{Url, body};
/// use asyncio_examples::http_server::HttpServer;
/// use std::io::{Read, Write};
/// use std::{net::TcpStream, time::Duration};
///
/// let server = HttpServer::start(Duration::ZERO)?;
/// let url: Url = server.url("/goods/1/").parse()?;
/// let mut client = TcpStream::connect((url.host(), url.port()))?;
/// client.write_all(&url.get())?;
/// let mut answer = Vec::new();
/// client.read_to_end(&mut answer)?;
/// assert_eq!(body(&answer)?, "goods /goods/1/");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct HttpServer {
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl HttpServer {
    /// Starts to serve on a free port of the loopback interface; each answer comes `delay` after
    /// its request.
    ///
    /// # Errors
    ///
    /// When there is no port or no thread.
    pub fn start(delay: Duration) -> io::Result<HttpServer> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let stopping = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopping);
        let workers = ThreadPoolExecutor::builder()
            .max_workers(WORKERS_MAX)
            .max_queue(QUEUE_MAX)
            .thread_name_prefix("http-worker")
            .build()
            .map_err(io::Error::other)?;
        let accepting = thread::Builder::new()
            .name("http-accept".to_owned())
            .spawn(move || accept(&listener, &workers, delay, &stop))?;
        Ok(HttpServer {
            address,
            stopping,
            accepting: Some(accepting),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Release);
        // Wakes the thread that waits for a connection. If that fails it is gone already.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

fn accept(
    listener: &TcpListener,
    workers: &ThreadPoolExecutor,
    delay: Duration,
    stopping: &AtomicBool,
) {
    for client in listener.incoming() {
        if stopping.load(Ordering::Acquire) {
            return;
        }
        match client {
            // A connection that finds no place is closed: the job is dropped, and it with that.
            Ok(client) => drop(workers.submit(move || serve(&client, delay))),
            // The client has gone before it was accepted, or there is no descriptor for it: then
            // those that are served give theirs back in a moment.
            Err(_) => thread::sleep(Duration::from_millis(10)),
        }
    }
}

/// Serves one connection. What goes wrong with it is its client's loss only.
fn serve(client: &TcpStream, delay: Duration) {
    let answer = match read_head(client).and_then(|head| path(&head).map(str::to_owned)) {
        Ok(path) => {
            thread::sleep(delay);
            answer("200 OK", "", &format!("goods {path}"))
        }
        Err(refusal) => answer(refusal.status(), refusal.headers(), refusal.status()),
    };
    let _ = client.set_write_timeout(Some(CLIENT_TIME_MAX));
    let mut writer = client;
    let _ = writer.write_all(answer.as_bytes());
    // Closing with something unread would reset the connection, and the answer might be lost.
    let _ = client.shutdown(Shutdown::Write);
    let _ = client.set_read_timeout(Some(Duration::from_secs(1)));
    let mut reader = client.take(HEAD_BYTES_MAX as u64);
    let _ = io::copy(&mut reader, &mut io::sink());
}

/// Reads up to the empty line that ends a head.
fn read_head(mut client: &TcpStream) -> Result<Vec<u8>, Refusal> {
    let deadline = Instant::now() + CLIENT_TIME_MAX;
    let mut head = Vec::new();
    let mut chunk = [0; 1024];
    loop {
        if let Some(end) = head.windows(4).position(|it| it == b"\r\n\r\n") {
            head.truncate(end);
            return Ok(head);
        }
        if head.len() > HEAD_BYTES_MAX {
            return Err(Refusal::TooLarge);
        }
        // The time is for the whole head: a byte now and then does not extend it.
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || client.set_read_timeout(Some(left)).is_err() {
            return Err(Refusal::TooSlow);
        }
        match client.read(&mut chunk) {
            Ok(0) => return Err(Refusal::Malformed),
            Ok(n) => head.extend_from_slice(&chunk[..n]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return Err(Refusal::TooSlow),
        }
    }
}

/// The path that a request's head asks for.
fn path(head: &[u8]) -> Result<&str, Refusal> {
    let head = str::from_utf8(head).map_err(|_| Refusal::Malformed)?;
    let line = head.split("\r\n").next().unwrap_or_default();
    let mut words = line.split(' ');
    let (Some(method), Some(path), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(Refusal::Malformed);
    };
    let is_token = !method.is_empty() && method.bytes().all(|it| it.is_ascii_uppercase());
    let is_path = path.starts_with('/') && path.bytes().all(|it| it.is_ascii_graphic());
    if !is_token || !is_path || !version.starts_with("HTTP/") {
        return Err(Refusal::Malformed);
    }
    if !version.starts_with("HTTP/1.") {
        return Err(Refusal::Version);
    }
    if method != "GET" {
        return Err(Refusal::Method);
    }
    Ok(path)
}

/// Why a request gets no goods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    Malformed,
    Method,
    TooSlow,
    TooLarge,
    Version,
}

impl Refusal {
    fn status(self) -> &'static str {
        match self {
            Refusal::Malformed => "400 Bad Request",
            Refusal::Method => "405 Method Not Allowed",
            Refusal::TooSlow => "408 Request Timeout",
            Refusal::TooLarge => "431 Request Header Fields Too Large",
            Refusal::Version => "505 HTTP Version Not Supported",
        }
    }

    /// RFC 9110, 15.5.6: who refuses a method names those that there are.
    fn headers(self) -> &'static str {
        match self {
            Refusal::Method => "Allow: GET\r\n",
            _ => "",
        }
    }
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Type: text/plain; charset=utf-8\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}
