//! What is to be reached, as data.

use crate::cases::parking::ALLOCATIONS;
use crate::cases::sleeping::EARLY;
use crate::contenders::in_family;

/// One target of one case.
#[derive(Debug)]
pub struct Target {
    /// The case's name, or a family of cases with its `/`.
    pub case: &'static str,
    /// The target in words.
    pub sentence: &'static str,
    /// What is compared.
    pub subject: Subject,
    /// It is met at or under this.
    pub at_most: f64,
}

/// What a target compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The median of our paired ratios to this peer, to this part of ours, or to the limit.
    RatioTo(&'static str),
    /// The median of our paired ratios to the peer with the lowest median.
    RatioToBestPeer,
    /// Our median.
    Median,
    /// The largest of the counts on the side that have this name.
    Count(&'static str),
}

/// All targets.
pub const TARGETS: &[Target] = &[
    peer("yield/1", "≤ 0.7 × tokio", "tokio", 0.7),
    best("yield/1", "≤ the best peer", 1.0),
    peer("yield/10", "≤ 0.7 × tokio", "tokio", 0.7),
    best("yield/10", "≤ 1.25 × the best peer", 1.25),
    peer("yield/1000", "≤ 0.7 × tokio", "tokio", 0.7),
    best("yield/1000", "≤ 1.25 × the best peer", 1.25),
    best("spawn/one", "≤ the best peer", 1.0),
    peer("spawn/1000", "≤ 0.6 × tokio", "tokio", 0.6),
    value("parked/bytes", "≤ 112 bytes", Subject::Median, 112.0),
    value(
        "parked/bytes",
        "one allocation",
        Subject::Count(ALLOCATIONS),
        1.01,
    ), // and the queue's
    value("soon/chain", "≤ 30 ns", Subject::Median, 30.0),
    best("sleep/drop-10k", "≤ 1.1 × the best peer", 1.1),
    best("sleep/drop-1m", "≤ 1.1 × the best peer", 1.1),
    peer("sleep/fire-1m", "≤ 0.8 × tokio", "tokio", 0.8),
    best("sleep/late-50us", "≤ the best peer", 1.0),
    value("sleep/late-50us", "never early", Subject::Count(EARLY), 0.0),
    best("sleep/late-1ms", "≤ the best peer", 1.0),
    value("sleep/late-1ms", "never early", Subject::Count(EARLY), 0.0),
    best("pool/one", "≤ the best peer", 1.0),
    best("pool/1000", "≤ the best peer", 1.0),
    best("threadsafe/flood", "≤ the best peer", 1.0),
    best("threadsafe/pingpong", "≤ the best peer", 1.0),
    best("gather/100k", "≤ the best peer", 1.0),
    value("scope/nested-3", "≤ 15 ns more", Subject::Median, 15.0),
    value("timeout/ready", "≤ 10 ns", Subject::Median, 10.0),
    value(
        "timeout/pending",
        "≤ a timer and 10 ns",
        Subject::Median,
        10.0,
    ),
    peer("group/1000", "≤ 1.2 × by hand", "by-hand", 1.2),
    best("lock/free", "≤ 0.5 × the best peer", 0.5),
    best("lock/contended", "≤ 0.6 × the best peer", 0.6),
    best("semaphore/free", "≤ 0.5 × the best peer", 0.5),
    best("queue/unbounded", "≤ 1.1 × the best peer", 1.1),
    best("queue/bounded", "≤ 1.1 × the best peer", 1.1),
    best("queue/pingpong", "≤ 0.8 × the best peer", 0.8),
    peer("tcp/protocol/", "≤ 1.05 × the loop by hand", "limit", 1.05),
    peer("tcp/protocol/", "≤ tokio", "tokio", 1.0),
    peer("udp/1", "≤ 1.05 × the loop by hand", "limit", 1.05),
    peer("udp/16", "≤ 1.05 × the loop by hand", "limit", 1.05),
    peer("udp/batch-16", "below the loop by hand", "limit", 1.0),
    peer("tcp/stream/", "≤ 1.03 × tokio", "tokio", 1.03),
    peer("tcp/accept", "≥ the rate of tokio", "tokio", 1.0),
    peer("tcp/connect", "≥ the rate of tokio", "tokio", 1.0),
    best(
        "tcp/relay",
        "≥ 0.95 × the rate of the best peer",
        1.0 / 0.95,
    ),
    value("idle/protocol", "≤ 400 bytes", Subject::Median, 400.0),
    value("idle/stream", "≤ 800 bytes", Subject::Median, 800.0),
];

const fn peer(
    case: &'static str,
    sentence: &'static str,
    peer: &'static str,
    at_most: f64,
) -> Target {
    Target {
        case,
        sentence,
        subject: Subject::RatioTo(peer),
        at_most,
    }
}

const fn best(case: &'static str, sentence: &'static str, at_most: f64) -> Target {
    Target {
        case,
        sentence,
        subject: Subject::RatioToBestPeer,
        at_most,
    }
}

const fn value(
    case: &'static str,
    sentence: &'static str,
    subject: Subject,
    at_most: f64,
) -> Target {
    Target {
        case,
        sentence,
        subject,
        at_most,
    }
}

/// How a figure stands to its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// At or under it.
    Met,
    /// Above it by no more than the noise of 3 %.
    WithinNoise,
    /// Above it.
    Missed,
}

impl Target {
    /// The targets of a case.
    pub fn of_case(case: &str) -> impl Iterator<Item = &'static Self> {
        TARGETS
            .iter()
            .filter(move |target| in_family(target.case, case))
    }

    /// Judges `figure`. Only times have noise: counts and bytes are exact.
    pub fn judge(&self, figure: f64) -> Verdict {
        const NOISE: f64 = 1.03;
        let has_noise = !matches!(self.subject, Subject::Count(_)) && self.case != "parked/bytes";
        if figure <= self.at_most {
            Verdict::Met
        } else if has_noise && figure <= self.at_most * NOISE {
            Verdict::WithinNoise
        } else {
            Verdict::Missed
        }
    }
}
