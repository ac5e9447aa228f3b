//! Callbacks on a task: in order of registration, after the task has ended, with what they capture.
//!
//! Type `cargo run -p asyncio-examples --bin done_callback`. You see that callbacks run through the
//! loop, never inside the task, and that one which was taken away is not called.

#![forbid(unsafe_code)]

use asyncio::{EventLoop, TaskRef, sleep};
use asyncio_examples::truth;
use std::time::Duration;

async fn get_html(_url: &str) -> &'static str {
    println!("start get url");
    sleep(Duration::from_millis(200)).await;
    println!("end get url");
    "bobby"
}

fn callback(url: &str, task: &TaskRef) {
    println!("{url}");
    println!("finish {} {}", truth(task.done()), truth(task.cancelled()));
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let event_loop = EventLoop::new()?;
    let mut task = event_loop.create_task(get_html("http://example.com"));
    let url = "http://example.com";
    task.add_done_callback(move |task| callback(url, task));
    let never = task.add_done_callback(|_| println!("never"));
    task.add_done_callback(|_| println!("second"));
    println!("removed {}", i32::from(task.remove_done_callback(never)));
    event_loop.run_until_complete(&mut task)?;
    println!("{}", task.result()??);
    event_loop.close();
    Ok(())
}
