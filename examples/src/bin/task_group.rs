//! A service that is ready before others use it, requests that race, and an end without left-overs.
//!
//! Type `cargo run -p asyncio-examples --bin task_group`. You see that the slower replica cleans up
//! before the answer is used, and that the service closes before the group ends.

#![forbid(unsafe_code)]

use asyncio::{finally, race, sleep, task_group};
use std::future::pending;
use std::io;
use std::time::Duration;

/// Asks a replica that takes its time; one that is not needed any more says good-bye.
async fn ask(replica: &'static str, ms: u64) -> &'static str {
    let answer = async {
        sleep(Duration::from_millis(ms)).await;
        replica
    };
    let good_bye = move || async move {
        sleep(Duration::from_millis(1)).await;
        println!("{replica}: connection closed");
    };
    finally(answer, good_bye).await
}

async fn program() -> Result<(), asyncio::ErrorGroup<io::Error>> {
    task_group(async |group| {
        // Goes on in the background once it is ready, until the group is cancelled.
        let service = async |ready: asyncio::taskgroups::Ready<u16>| {
            println!("service: starts");
            sleep(Duration::from_millis(5)).await;
            ready.set(8080);
            let close = || async { println!("service: closes") };
            finally(pending::<io::Result<()>>(), close).await
        };
        let port = group.start(service).await.map_err(io::Error::other)?;
        println!("main: the service listens on port {port}");

        let first = race((ask("near", 2), ask("far", 60_000))).await;
        println!("main: {first} was first");
        group.cancel();
        Ok(())
    })
    .await
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    asyncio::run(program())??;
    println!("main: nothing is left");
    Ok(())
}
