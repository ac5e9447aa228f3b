//! Which types of the facade's own cross threads (J2): the interrupter does, the rest stays.

use asyncio::runners::{Interrupter, RunError, Runner, RunnerBuilder, ShutdownReport};
use static_assertions::{assert_impl_all, assert_not_impl_any};

assert_impl_all!(Interrupter: Send, Sync, Clone);
assert_impl_all!(RunError: Send, Sync, std::error::Error);
assert_not_impl_any!(Runner: Send, Sync);
assert_not_impl_any!(RunnerBuilder: Send, Sync);
assert_not_impl_any!(ShutdownReport: Send, Sync);

#[test]
fn the_runner_stays_on_its_thread_j2() {
    // The assertions above are checked by the compiler; this names the scenario in the results.
}
