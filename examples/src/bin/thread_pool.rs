//! Blocking code in a thread pool: twenty blocking HTTP GETs over plain sockets, while the loop goes on.
//!
//! Type `cargo run --release -p asyncio-examples --bin thread_pool`, and URLs
//! (`http://host:port/path`) after `--` to fetch those; without any it serves itself. You see the
//! pages in the order asked for: with twenty threads, twenty requests of 0.2 s each take about
//! 0.2 s, and the loop stays free meanwhile.

#![forbid(unsafe_code)]

use asyncio::{ThreadPoolExecutor, create_task, get_running_loop, sleep, wait};
use asyncio_examples::http_client::{ANSWER_BYTES_MAX, Url, body};
use asyncio_examples::{http_server::HttpServer, truth};
use std::cell::Cell;
use std::error::Error;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// How long a server may be silent.
const SILENCE_MAX: Duration = Duration::from_secs(30);

fn get_url(url: &Url) -> io::Result<String> {
    let mut client = TcpStream::connect((url.host(), url.port()))?;
    client.set_read_timeout(Some(SILENCE_MAX))?;
    client.set_write_timeout(Some(SILENCE_MAX))?;
    client.write_all(&url.get())?;
    let mut answer = Vec::new();
    let mut limited = client.take(ANSWER_BYTES_MAX as u64);
    limited.read_to_end(&mut answer)?;
    Ok(body(&answer)?)
}

async fn heartbeat(beats: Rc<Cell<u32>>) {
    loop {
        beats.set(beats.get() + 1);
        sleep(Duration::from_millis(10)).await;
    }
}

async fn fetch_all(urls: Vec<Url>) -> Result<(), Box<dyn Error>> {
    let beats = Rc::new(Cell::new(0));
    let beating = create_task(heartbeat(Rc::clone(&beats)));
    let executor = ThreadPoolExecutor::builder().max_workers(20).build()?;
    let event_loop = get_running_loop();
    let mut jobs = Vec::new();
    for url in urls {
        jobs.push(event_loop.run_in_executor(Some(&executor), move || get_url(&url))?);
    }
    wait(&mut jobs).await?;
    beating.cancel();
    for job in jobs {
        println!("{}", job.await??);
    }
    println!("loop stayed free: {}", truth(beats.get() > 5));
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
