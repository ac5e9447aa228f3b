//! The client's half of HTTP/1.1: what to send and what the answer means. It does no I/O, so that
//! blocking and non-blocking programs share it.

use std::fmt;
use std::str::FromStr;

/// An answer longer than this is refused: 16 MiB.
pub const ANSWER_BYTES_MAX: usize = 16 << 20;

/// An address like `http://host:port/path`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    host: String,
    port: u16,
    target: String,
}

impl Url {
    /// The host: a name or an address, without the brackets of IPv6.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, 80 if none is given.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The bytes of a GET after whose answer the server closes the connection.
    #[must_use]
    pub fn get(&self) -> Vec<u8> {
        let Url { host, port, target } = self;
        let host = if host.contains(':') {
            format!("[{host}]")
        } else {
            host.clone()
        };
        format!("GET {target} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n")
            .into_bytes()
    }
}

impl FromStr for Url {
    type Err = HttpError;

    fn from_str(text: &str) -> Result<Url, HttpError> {
        let unusable = || HttpError::Url(text.to_owned());
        let rest = text.strip_prefix("http://").ok_or_else(unusable)?;
        let rest = rest.split('#').next().unwrap_or_default();
        let at = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(at);
        let (host, port) = match authority.strip_prefix('[') {
            Some(bracketed) => {
                let (host, port) = bracketed.split_once(']').ok_or_else(unusable)?;
                match port.strip_prefix(':') {
                    None if !port.is_empty() => return Err(unusable()),
                    port => (host, port),
                }
            }
            None => match authority.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            },
        };
        let port = port.map_or(Ok(80), str::parse).map_err(|_| unusable())?;
        // What would end the line early would be a second request.
        let is_clean = |it: &str| it.bytes().all(|byte| byte.is_ascii_graphic());
        if host.is_empty() || host.contains('@') || !is_clean(host) || !is_clean(target) {
            return Err(unusable());
        }
        let target = match target.as_bytes().first() {
            Some(b'/') => target.to_owned(),
            _ => format!("/{target}"),
        };
        Ok(Url {
            host: host.to_owned(),
            port,
            target,
        })
    }
}

/// The body of a whole answer, up to the end of the connection.
///
/// # Errors
///
/// When it is no answer, is cut short, is not text, or its status is not one of success.
///
/// # Examples
///
/// ```
/// use asyncio_examples::http_client::body;
///
/// let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
/// assert_eq!(body(answer).unwrap(), "hello");
/// assert!(body(&answer[..40]).is_err());
/// assert!(body(b"HTTP/1.1 404 Not Found\r\n\r\n").is_err());
/// ```
pub fn body(answer: &[u8]) -> Result<String, HttpError> {
    let end = answer
        .windows(4)
        .position(|it| it == b"\r\n\r\n")
        .ok_or(HttpError::Answer("has no end of its head"))?;
    let (head, body) = (&answer[..end], &answer[end + 4..]);
    let head = str::from_utf8(head).map_err(|_| HttpError::Answer("has a head that is no text"))?;
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .filter(|it| it.starts_with("HTTP/1."))
        .and_then(|it| it.split(' ').nth(1)?.parse::<u16>().ok())
        .ok_or(HttpError::Answer("has no status"))?;
    if !(200..300).contains(&status) {
        return Err(HttpError::Status(status));
    }
    for (name, value) in lines.filter_map(|it| it.split_once(':')) {
        if name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(HttpError::Answer("is encoded, which is not supported"));
        }
        if name.eq_ignore_ascii_case("content-length")
            && value.trim().parse::<usize>() != Ok(body.len())
        {
            return Err(HttpError::Answer("is not as long as it says"));
        }
    }
    String::from_utf8(body.to_vec()).map_err(|_| HttpError::Answer("is no text"))
}

/// Why there is no page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpError {
    /// This is no address of the form `http://host:port/path`.
    Url(String),
    /// The answer cannot be understood.
    Answer(&'static str),
    /// The server refused.
    Status(u16),
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HttpError::Url(url) => write!(f, "`{url}` is not of the form http://host:port/path"),
            HttpError::Answer(what) => write!(f, "the answer {what}"),
            HttpError::Status(status) => write!(f, "the server answered with status {status}"),
        }
    }
}

impl std::error::Error for HttpError {}

impl From<HttpError> for std::io::Error {
    fn from(error: HttpError) -> std::io::Error {
        std::io::Error::new(std::io::ErrorKind::InvalidData, error)
    }
}
