//! A clock that does not drift: ticks of an interval are multiples of its period, however late each is.
//!
//! Type `cargo run -p asyncio-examples --bin clock -- 10 500` for ten ticks, one each 500 ms; without
//! arguments it is three, one each second. You see each tick with the time that it stands for.

#![forbid(unsafe_code)]

use asyncio::interval;
use std::error::Error;
use std::time::Duration;

async fn tick(count: u32, period: Duration) {
    let mut ticks = interval(period);
    let start = ticks.tick().await; // the first one comes at once
    for number in 1..=count {
        let tick = ticks.tick().await;
        println!("tick {number} at {:?}", tick - start);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: u32| arguments.next().map_or(Ok(default), |it| it.parse());
    let (count, period_ms) = (number(3)?, number(1000)?);
    if period_ms == 0 {
        return Err("the period is at least 1 ms".into());
    }
    asyncio::run(tick(count, Duration::from_millis(period_ms.into())))?;
    Ok(())
}
