//! One page by HTTP, with streams: asyncio's documentation has the same program.
//!
//! Type `cargo run -p asyncio-examples --bin http_get -- http://host:port/path` for a page of yours;
//! without an address it serves itself. It prints the head of the answer, and the page.

#![forbid(unsafe_code)]

use asyncio::{open_connection, timeout};
use asyncio_examples::http_client::{ANSWER_BYTES_MAX, Url};
use asyncio_examples::http_server::HttpServer;
use std::error::Error;
use std::io;
use std::time::Duration;

/// How long one page may take.
const PAGE_TIME_MAX: Duration = Duration::from_secs(30);

async fn print_page(url: &Url) -> Result<(), Box<dyn Error>> {
    let (mut reader, writer) = open_connection((url.host(), url.port())).await?;
    writer.write(&url.get());
    loop {
        let line = reader.readline().await?;
        let line = String::from_utf8_lossy(&line);
        match line.trim_end() {
            "" => break,
            line => println!("head> {line}"),
        }
    }
    let mut page = Vec::new();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        match reader.read(&mut buffer).await? {
            0 => break,
            _ if page.len() >= ANSWER_BYTES_MAX => return Err("the page is too long".into()),
            count => page.extend_from_slice(&buffer[..count]),
        }
    }
    println!("{}", String::from_utf8_lossy(&page).trim_end());
    writer.close();
    match writer.wait_closed().await {
        // The page is here; how its connection ended does not matter.
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(()),
        closed => Ok(closed?),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let server;
    let url = match std::env::args().nth(1) {
        Some(url) => url,
        None => {
            server = HttpServer::start(Duration::from_millis(20))?;
            server.url("/goods/1/")
        }
    };
    let url: Url = url.parse()?;
    asyncio::run(timeout(PAGE_TIME_MAX, print_page(&url)))???;
    Ok(())
}
