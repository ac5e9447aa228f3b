//! A server of files, by HTTP: what is below a folder, sent by the kernel.
//!
//! Type `cargo run -p asyncio-examples --bin file_server -- FOLDER 127.0.0.1:8000`; without arguments
//! it serves the folder that it is started in, at that address. It says what to type next. It knows
//! `GET` and `HEAD`, and one request for each connection. Nothing outside of the folder is served,
//! also not through a symbolic link, and nothing whose name begins with a dot, such as `.git`. A
//! client may be slow, but not for ever.

#![forbid(unsafe_code)]

use asyncio::streams::ReadError;
use asyncio::{StreamReader, StreamWriter, sendfile, start_server, timeout, to_thread};
use rustix::io::Errno;
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A line of a request that is longer is refused.
const LINE_BYTES_MAX: usize = 8 * 1024;

/// Lines that a request may have after its first.
const FIELDS_MAX: usize = 100;

/// How long a request may take to come.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(10);

/// A file goes in pieces of so many bytes, and each has to be taken in so much time.
const PIECE_BYTES: u64 = 1024 * 1024;
const PIECE_TIME_MAX: Duration = Duration::from_secs(30);

/// How long what the client still sends is waited for, so that it reads the answer before it learns
/// that nobody wanted that; and how much of it.
const FAREWELL_TIME_MAX: Duration = Duration::from_secs(1);
const FAREWELL_BYTES_MAX: usize = 64 * 1024;

/// Each has a socket and a file: together no more than the 1024 descriptors that a process may have on
/// most machines (`ulimit -n`), with some left for the loop. Others wait until one is over.
const CONNECTIONS_MAX: usize = 500;

/// Why there is no file: the first line of the answer.
type Refusal = &'static str;

struct Request {
    only_head: bool,
    /// Without the first slash; the escapes are resolved.
    path: String,
}

async fn read_request(reader: &mut StreamReader) -> Result<Request, Refusal> {
    let line = read_line(reader, "414 URI Too Long").await?;
    for _ in 0..FIELDS_MAX {
        let field = read_line(reader, "431 Request Header Fields Too Large").await?;
        if field.is_empty() {
            return parse(&line);
        }
    }
    Err("431 Request Header Fields Too Large")
}

async fn read_line(reader: &mut StreamReader, too_long: Refusal) -> Result<String, Refusal> {
    match reader.readline().await {
        Ok(line) if line.ends_with(b"\n") => {
            Ok(String::from_utf8_lossy(line.trim_ascii_end()).into_owned())
        }
        Err(ReadError::LimitOverrun(_)) => Err(too_long),
        // It was cut off: nobody may be there to read this.
        Ok(_) | Err(_) => Err("400 Bad Request"),
    }
}

fn parse(line: &str) -> Result<Request, Refusal> {
    let mut words = line.split(' ');
    let (method, target, version) = (words.next(), words.next(), words.next());
    let (Some(method), Some(target), Some("HTTP/1.0" | "HTTP/1.1"), None) =
        (method, target, version, words.next())
    else {
        return Err("400 Bad Request");
    };
    let only_head = match method {
        "GET" => false,
        "HEAD" => true,
        _ => return Err("405 Method Not Allowed"),
    };
    let (path, _query) = target.split_once('?').unwrap_or((target, ""));
    let path = path.strip_prefix('/').ok_or("400 Bad Request")?;
    let path = unescape(path).ok_or("400 Bad Request")?;
    Ok(Request { only_head, path })
}

/// Resolves `%20` and its like. `None`: an escape is none, or the whole is no text, or has a zero.
fn unescape(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes)
        .ok()
        .filter(|it| !it.contains('\0'))
}

struct Found {
    file: File,
    size: u64,
    kind: &'static str,
}

/// Opens a file below `root`, which is a canonical path. It blocks. (Who can write there can exchange
/// a folder for a link between two of these steps: a server for folders of strangers would ask the
/// kernel not to leave the root, `openat2(2)`.)
fn open(root: &Path, path: &str) -> Result<Found, Refusal> {
    let path = Path::new(path);
    let stays = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    if path.components().any(is_hidden) {
        return Err("404 Not Found");
    }
    if !path.components().all(stays) {
        return Err("403 Forbidden");
    }
    let mut path = resolve(root, path)?;
    if path.is_dir() {
        path = resolve(root, &path.join("index.html")).map_err(|_| "403 Forbidden")?;
    }
    // A pipe may not be opened: that waits for whoever writes to it.
    if !path.is_file() {
        return Err("403 Forbidden");
    }
    let file = File::open(&path).map_err(refusal)?;
    let size = file.metadata().map_err(refusal)?.len();
    let kind = content_type(&path);
    Ok(Found { file, size, kind })
}

/// Follows all links, which may not lead out of `root`, or to what is hidden.
fn resolve(root: &Path, path: &Path) -> Result<PathBuf, Refusal> {
    let path = fs::canonicalize(root.join(path)).map_err(refusal)?;
    let within = path.strip_prefix(root).map_err(|_| "403 Forbidden")?;
    match within.components().any(is_hidden) {
        true => Err("404 Not Found"),
        false => Ok(path),
    }
}

/// Whether this is the name of something like `.git`, which nobody has meant to publish.
fn is_hidden(part: Component<'_>) -> bool {
    matches!(part, Component::Normal(name) if name.as_encoded_bytes().starts_with(b"."))
}

fn refusal(error: io::Error) -> Refusal {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename => {
            "404 Not Found"
        }
        ErrorKind::PermissionDenied => "403 Forbidden",
        // Links that lead to each other; the kind of that has no stable name.
        _ if Errno::from_io_error(&error) == Some(Errno::LOOP) => "404 Not Found",
        _ => "500 Internal Server Error",
    }
}

fn content_type(path: &Path) -> &'static str {
    let extension = path.extension().and_then(|it| it.to_str());
    match extension.unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "md" | "rs" | "toml" | "txt" => "text/plain; charset=utf-8",
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

async fn answer(
    root: Arc<Path>,
    reader: &mut StreamReader,
    writer: &StreamWriter,
) -> Result<(), Box<dyn Error>> {
    let request = match timeout(REQUEST_TIME_MAX, read_request(reader)).await {
        Ok(request) => request,
        Err(_) => Err("408 Request Timeout"),
    };
    let request = match request {
        Ok(request) => request,
        Err(refusal) => {
            refuse(writer, refusal, false);
            return Ok(());
        }
    };
    let Request { only_head, path } = request;
    let Found { file, size, kind } = match to_thread(move || open(&root, &path)).await? {
        Ok(found) => found,
        Err(refusal) => {
            refuse(writer, refusal, only_head);
            return Ok(());
        }
    };
    let head = format!(
        "HTTP/1.0 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n\
         X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
    );
    writer.write(head.as_bytes());
    if !only_head {
        send(writer, &file, size).await?;
    }
    Ok(())
}

/// Sends the file, as long as it was when it was announced.
async fn send(writer: &StreamWriter, file: &File, size: u64) -> Result<(), Box<dyn Error>> {
    let mut offset = 0;
    while offset < size {
        let count = PIECE_BYTES.min(size - offset);
        let piece = sendfile(writer.transport(), file)
            .offset(offset)
            .count(count);
        let sent = timeout(PIECE_TIME_MAX, piece).await??;
        if sent < count {
            return Err("the file has shrunk".into());
        }
        offset += sent;
    }
    Ok(())
}

fn refuse(writer: &StreamWriter, refusal: Refusal, only_head: bool) {
    let allow = match refusal {
        "405 Method Not Allowed" => "Allow: GET, HEAD\r\n",
        _ => "",
    };
    let head = format!(
        "HTTP/1.0 {refusal}\r\n{allow}Content-Type: text/plain\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        refusal.len()
    );
    writer.write(head.as_bytes());
    if !only_head {
        writer.write(refusal.as_bytes());
    }
}

async fn serve_client(root: Arc<Path>, mut reader: StreamReader, writer: StreamWriter) {
    if let Err(error) = answer(root, &mut reader, &writer).await {
        eprintln!("a connection has broken: {error}");
        // The client must not take what it has for the whole.
        writer.transport().abort();
        return;
    }
    // Closing with something unread would reset the connection, and the answer might be lost.
    writer.write_eof();
    let farewell = async {
        let (mut left, mut chunk) = (FAREWELL_BYTES_MAX, [0; 1024]);
        while let Ok(count @ 1..) = reader.read(&mut chunk).await
            && count < left
        {
            left -= count;
        }
    };
    let _ = timeout(FAREWELL_TIME_MAX, farewell).await;
}

async fn serve(root: Arc<Path>, address: SocketAddr) -> io::Result<()> {
    let client = move |reader, writer| serve_client(Arc::clone(&root), reader, writer);
    let server = start_server(client, address)
        .limit(LINE_BYTES_MAX)
        .connections_max(CONNECTIONS_MAX)
        .await?;
    for socket in server.sockets() {
        if let Some(bound) = socket.getsockname()?.as_socket() {
            println!("listening on {bound}; now type: curl http://{bound}/README.md");
        }
    }
    server.serve_forever().await // until Ctrl-C
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let root = arguments.next().unwrap_or_else(|| ".".into());
    let root = fs::canonicalize(root)?;
    let address = match arguments.next() {
        Some(address) => address.to_string_lossy().parse()?,
        None => SocketAddr::from(([127, 0, 0, 1], 8000)),
    };
    asyncio::run(serve(root.into(), address))??;
    Ok(())
}
