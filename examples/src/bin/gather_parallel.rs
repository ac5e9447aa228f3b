//! Twenty coroutines that each sleep two seconds: together they take two seconds, not forty.
//!
//! Type `cargo run -p asyncio-examples --bin gather_parallel`. You see `start get url` twenty times
//! at once, `end get url` twenty times two seconds later, and how long it took.

#![forbid(unsafe_code)]

use asyncio::{gather, sleep};
use std::time::{Duration, Instant};

async fn get_html(_url: String) {
    println!("start get url");
    sleep(Duration::from_secs(2)).await;
    println!("end get url");
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let start = Instant::now();
    let pages = (0..20).map(|i| get_html(format!("http://example.com/{i}")));
    asyncio::run(async { gather(pages).await })??;
    println!("whole seconds: {}", start.elapsed().as_secs());
    Ok(())
}
