//! A task's result, twice: through `ensure_future`, and through the loop's `create_task`.
//!
//! Type `cargo run -p asyncio-examples --bin task_result`. You see that `run_until_complete` takes a
//! task by `&mut`, and that the result can still be asked of the task afterwards.

#![forbid(unsafe_code)]

use asyncio::{EventLoop, ensure_future, sleep};
use std::time::Duration;

async fn get_html(_url: &str) -> &'static str {
    println!("start get url");
    sleep(Duration::from_millis(200)).await;
    "bobby"
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let event_loop = EventLoop::new()?;

    let ensure = async { ensure_future(get_html("http://example.com")) };
    let mut future = event_loop.run_until_complete(ensure)?;
    event_loop.run_until_complete(&mut future)?;
    println!("{}", future.result()??);

    let mut task = event_loop.create_task(get_html("http://example.com"));
    println!("{}", event_loop.run_until_complete(&mut task)?);
    println!("{}", task.result()??);
    event_loop.close();
    Ok(())
}
