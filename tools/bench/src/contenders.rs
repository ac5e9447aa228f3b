//! Who takes part; one file a contender.

pub mod asyncio;
pub mod by_hand;
pub mod compio;
pub mod executor;
pub mod limit;
pub mod monoio;
pub mod smol;
pub mod tokio;

use crate::cases::{
    Measure, connecting, datagrams, echoing, gathering, idling, locking, parking, pool, queueing,
    relaying, scoping, sleeping, spawning, threadsafe, yielding,
};
use crate::runtime::{Connect, Echo, EchoDatagrams, Gather, Locks, Pool, Threadsafe, Timeout};

/// A runtime, or the hand-written limit, and the cases that it takes part in.
#[derive(Debug)]
pub struct Contender {
    /// Its name in tables and JSON.
    pub name: &'static str,
    /// What it is compared as.
    pub role: Role,
    /// The packages whose versions belong to the name.
    pub packages: &'static [&'static str],
    /// How it is configured.
    pub about: &'static str,
    /// Its cases: a case's name, or a family with its `/`, and the work.
    pub cases: &'static [(&'static str, Measure)],
}

/// What a contender is compared as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Ours: what the targets judge.
    Ours,
    /// A part of ours, alone.
    Part,
    /// What ours is judged against.
    Peer,
    /// The hand-written lower limit.
    Limit,
}

impl Contender {
    /// The work of the case of that name, if this contender takes part in it.
    pub fn measure(&self, case: &str) -> Option<Measure> {
        let by_name = self.cases.iter().find(|(key, _)| *key == case);
        by_name
            .or_else(|| self.cases.iter().find(|(key, _)| in_family(key, case)))
            .map(|(_, measure)| *measure)
    }

    /// The versions of its packages in this build, from the lock file.
    pub fn versions(&self) -> Vec<(&'static str, &'static str)> {
        let lock = include_str!("../../../Cargo.lock");
        let version = |package: &str| {
            // From the end: of several versions the newest, which is the one that the bench names.
            let entry = lock.rsplit("[[package]]").find(|entry| {
                entry
                    .lines()
                    .any(|line| line == format!("name = \"{package}\""))
            })?;
            entry
                .lines()
                .find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"'))
        };
        self.packages
            .iter()
            .filter_map(|package| Some((*package, version(package)?)))
            .collect()
    }
}

/// Whether `key` is this case's name, or that of a family, with its `/`, that it belongs to.
pub fn in_family(key: &str, case: &str) -> bool {
    key == case || (key.ends_with('/') && case.starts_with(key))
}

/// The cases of a runtime that has all there is to measure, by the same code for each; but `soon`,
/// because peers have no callbacks, and `group`, because only tokio has groups: the others spawn and
/// await.
const fn every_case<
    R: Timeout + Pool + Gather + Locks + Threadsafe + Echo + Connect + EchoDatagrams,
>(
    soon: Measure,
    group: Measure,
) -> [(&'static str, Measure); 30] {
    [
        ("yield/", yielding::measure::<R>),
        ("spawn/", spawning::measure::<R>),
        ("parked/bytes", parking::measure::<R>),
        ("soon/chain", soon),
        ("sleep/drop-10k", sleeping::measure_drop::<R>),
        ("sleep/drop-1m", sleeping::measure_drop::<R>),
        ("sleep/fire-1m", sleeping::measure_fire::<R>),
        ("sleep/late-50us", sleeping::measure_late::<R>),
        ("sleep/late-1ms", sleeping::measure_late::<R>),
        ("pool/", pool::measure::<R>),
        ("threadsafe/flood", threadsafe::measure_flood::<R>),
        ("threadsafe/pingpong", threadsafe::measure_pingpong::<R>),
        ("gather/", gathering::measure::<R>),
        ("group/", group),
        ("semaphore/free", locking::measure_semaphore::<R>),
        (
            "queue/unbounded",
            queueing::measure_bursts::<R, R::Unbounded>,
        ),
        ("queue/bounded", queueing::measure_bursts::<R, R::Bounded>),
        (
            "queue/pingpong",
            queueing::measure_pingpong::<R, R::Bounded>,
        ),
        ("timeout/ready", scoping::measure_ready::<R>),
        ("timeout/pending", scoping::measure_pending::<R>),
        // Who has one face shows it twice.
        ("tcp/protocol/", echoing::measure_protocol::<R>),
        ("tcp/stream/", echoing::measure::<R>),
        ("tcp/accept", connecting::measure_accept::<R>),
        ("tcp/connect", connecting::measure_connect::<R>),
        ("tcp/relay", relaying::measure::<R>),
        ("idle/protocol", idling::measure_protocol::<R>),
        ("idle/stream", idling::measure::<R>),
        ("udp/", datagrams::measure::<R>),
        // The last: see `but_locks`.
        ("lock/free", locking::measure_lock::<R>),
        ("lock/contended", locking::measure_contended::<R>),
    ]
}

/// [`every_case`] for one whose users have no lock.
const fn but_locks(
    cases: &'static [(&'static str, Measure)],
) -> &'static [(&'static str, Measure)] {
    cases.split_at(cases.len() - 2).0
}

/// `cases` and one more, which only some have. `M` is `N + 1`.
const fn and_one<const N: usize, const M: usize>(
    cases: [(&'static str, Measure); N],
    more: (&'static str, Measure),
) -> [(&'static str, Measure); M] {
    let mut all = [more; M];
    let mut at = 0;
    while at < N {
        all[at] = cases[at];
        at += 1;
    }
    all
}

/// Everybody, ours first.
pub fn all() -> [&'static Contender; 8] {
    [
        &asyncio::CONTENDER,
        &executor::CONTENDER,
        &by_hand::CONTENDER,
        &tokio::CONTENDER,
        &smol::CONTENDER,
        &monoio::CONTENDER,
        &compio::CONTENDER,
        &limit::CONTENDER,
    ]
}

/// The contender of that name.
pub fn find(name: &str) -> Option<&'static Contender> {
    all().into_iter().find(|contender| contender.name == name)
}
