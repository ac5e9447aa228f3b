//! Two groups of ten coroutines: the second is cancelled as one, and the first goes on.
//!
//! Type `cargo run -p asyncio-examples --bin gather_groups`. You see ten starts: a coroutine that
//! was cancelled before its first step never runs. The outer `gather` ends with the cancellation at
//! once; the first group, awaited again, ends two seconds later.

#![forbid(unsafe_code)]

use asyncio::{TaskError, gather, sleep};
use asyncio_examples::truth;
use std::time::{Duration, Instant};

async fn get_html(_url: &str) {
    println!("start get url");
    sleep(Duration::from_secs(2)).await;
    println!("end get url");
}

async fn groups() -> Result<(), TaskError> {
    let mut group1 = gather((0..10).map(|_| get_html("http://example.com")));
    let mut group2 = gather((0..10).map(|_| get_html("http://example.com")));
    group2.cancel();
    if let Err(TaskError::Cancelled(_)) = gather((&mut group1, &mut group2)).await {
        let (done1, done2) = (truth(group1.done()), truth(group2.done()));
        println!("cancelled: group1 done {done1} group2 done {done2}");
    }
    (&mut group1).await?;
    println!("group1 done {}", truth(group1.done()));
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let start = Instant::now();
    asyncio::run(groups())??;
    println!("whole seconds: {}", start.elapsed().as_secs());
    Ok(())
}
