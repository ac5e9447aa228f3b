//! The same twenty HTTP GETs as `thread_pool`, without a thread: on the loop's operations on sockets.
//!
//! Type `cargo run --release -p asyncio-examples --bin sock_fetch`, and URLs
//! (`http://host:port/path`) after `--` to fetch those; without any it serves itself. You see the
//! pages in the order asked for, after as long as the slowest takes.

#![forbid(unsafe_code)]

use asyncio::socket::Type;
use asyncio::{events::AddrInfoHints, get_running_loop, try_gather};
use asyncio::{getaddrinfo, sock_connect, sock_recv, sock_sendall, wait_for};
use asyncio_examples::http_client::{ANSWER_BYTES_MAX, Url, body};
use asyncio_examples::{http_server::HttpServer, truth};
use std::error::Error;
use std::io;
use std::time::{Duration, Instant};

/// How long one page may take.
const PAGE_TIME_MAX: Duration = Duration::from_secs(30);

async fn get_url(url: Url) -> io::Result<String> {
    let hints = AddrInfoHints::new().socktype(Type::STREAM);
    let found = getaddrinfo(url.host(), url.port(), hints).await?;
    let server = found.first().ok_or(io::ErrorKind::NotFound)?;
    let client = get_running_loop().socket(server.family, server.socktype)?;
    sock_connect(&client, server.address).await?;
    sock_sendall(&client, &url.get()).await?;
    let mut answer = Vec::new();
    while answer.len() < ANSWER_BYTES_MAX {
        let data = sock_recv(&client, 4096).await?;
        if data.is_empty() {
            break;
        }
        answer.extend(data);
    }
    Ok(body(&answer)?)
}

async fn fetch_all(urls: Vec<Url>) -> Result<(), Box<dyn Error>> {
    let pages = urls
        .into_iter()
        .map(|url| wait_for(get_url(url), PAGE_TIME_MAX));
    for page in try_gather(pages).await? {
        println!("{}", page?);
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut urls: Vec<String> = std::env::args().skip(1).collect();
    let server;
    if urls.is_empty() {
        server = HttpServer::start(Duration::from_millis(200))?;
        urls = (0..20)
            .map(|i| server.url(&format!("/goods/{i}/")))
            .collect();
    }
    let urls = urls.iter().map(|it| it.parse()).collect::<Result<_, _>>()?;
    let start = Instant::now();
    asyncio::run(fetch_all(urls))??;
    println!("under a second: {}", truth(start.elapsed().as_secs() < 1));
    Ok(())
}
