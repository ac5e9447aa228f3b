//! Which core a thread runs on, and how many descriptors its process may have.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Keeps the calling thread on the first core that it may use.
pub fn pin_to_first() {
    pin(|cores| cores.first());
}

/// Keeps the calling thread on the last core that it may use.
pub fn pin_to_last() {
    pin(|cores| cores.last());
}

/// Where it is not allowed the thread stays where the kernel puts it, which only costs exactness.
fn pin(choose: fn(&[usize]) -> Option<&usize>) {
    let Ok(allowed) = sched_getaffinity(None) else {
        return;
    };
    let cores: Vec<usize> = (0..CpuSet::MAX_CPU)
        .filter(|core| allowed.is_set(*core))
        .collect();
    if let Some(core) = choose(&cores) {
        let mut one = CpuSet::new();
        one.set(*core);
        let _ = sched_setaffinity(None, &one);
    }
}

/// Allows the process as many descriptors as it may allow itself.
pub fn raise_descriptor_limit() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let _ = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: maximum,
            maximum,
        },
    );
}
