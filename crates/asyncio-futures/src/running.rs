//! The executor that this thread runs.

use asyncio_executor::Spawner;

/// The spawner of the executor that this thread runs. `otherwise` is what the caller can do
/// without one, if anything.
#[track_caller]
pub(crate) fn running_spawner(otherwise: Option<&str>) -> Spawner {
    let Some(spawner) = Spawner::current() else {
        let or = otherwise.map(|way| format!(", or use `{way}`"));
        panic!(
            "no running event loop: call this from a task or callback of one (`asyncio::run`, \
             `EventLoop::run_until_complete`){}",
            or.unwrap_or_default()
        );
    };
    spawner
}
