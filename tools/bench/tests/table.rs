//! The table of cases, contenders and targets is whole.

use std::collections::BTreeSet;

use asyncio_bench::contenders::{Role, in_family};
use asyncio_bench::targets::{Subject, TARGETS, Target};
use asyncio_bench::{cases, contenders};

/// What was promised to be measured.
const PROMISED: [&str; 35] = [
    "yield/1",
    "yield/10",
    "yield/1000",
    "spawn/one",
    "spawn/1000",
    "parked/bytes",
    "soon/chain",
    "sleep/drop-10k",
    "sleep/drop-1m",
    "sleep/fire-1m",
    "sleep/late-50us",
    "sleep/late-1ms",
    "pool/one",
    "pool/1000",
    "threadsafe/flood",
    "threadsafe/pingpong",
    "gather/100k",
    "group/1000",
    "lock/free",
    "lock/contended",
    "semaphore/free",
    "queue/unbounded",
    "queue/bounded",
    "queue/pingpong",
    "scope/nested-3",
    "timeout/ready",
    "timeout/pending",
    "tcp/accept",
    "tcp/connect",
    "tcp/relay",
    "idle/protocol",
    "idle/stream",
    "udp/1",
    "udp/16",
    "udp/batch-16",
];

/// The echo servers that were promised: each face, way, size and number of connections.
fn promised_echoes() -> Vec<String> {
    let mut names = Vec::new();
    for face in ["protocol", "stream"] {
        for way in ["pingpong", "pipelined"] {
            for bytes in ["64", "1k", "64k"] {
                for connections in [1, 100, 1000] {
                    names.push(format!("tcp/{face}/{way}-{bytes}-{connections}"));
                }
            }
        }
    }
    names
}

#[test]
fn every_promised_case_is_there_once() {
    let names: Vec<&str> = cases::all().map(|case| case.name).collect();
    let promised = PROMISED.map(str::to_owned);
    for promised in promised.into_iter().chain(promised_echoes()) {
        assert_eq!(
            names.iter().filter(|name| **name == promised).count(),
            1,
            "{promised}"
        );
    }
    assert_eq!(
        names.iter().collect::<BTreeSet<_>>().len(),
        names.len(),
        "a name is there twice"
    );
}

/// Who does not take part, for the reason that the README gives.
const ABSENT: [(&str, &str); 2] = [("monoio", "lock/free"), ("monoio", "lock/contended")];

#[test]
fn every_peer_takes_part_in_every_case() {
    let peers: Vec<_> = contenders::all()
        .into_iter()
        .filter(|c| c.role == Role::Peer)
        .collect();
    assert_eq!(peers.len(), 4);
    // Scopes are ours alone.
    for case in cases::all().filter(|case| !case.name.starts_with("scope/")) {
        for peer in &peers {
            assert_eq!(
                peer.measure(case.name).is_none(),
                ABSENT.contains(&(peer.name, case.name)),
                "{} in {}",
                peer.name,
                case.name
            );
        }
    }
}

#[test]
fn no_contender_has_work_for_a_case_that_is_not_there() {
    for contender in contenders::all() {
        for (key, _) in contender.cases {
            let used = cases::all().any(|case| in_family(key, case.name));
            assert!(used, "{} has work for {key}", contender.name);
        }
    }
}

#[test]
fn every_case_has_a_target_and_every_target_a_case_and_a_peer() {
    for case in cases::all() {
        assert!(
            Target::of_case(case.name).next().is_some(),
            "{} has no target",
            case.name
        );
    }
    for target in TARGETS {
        assert!(
            cases::all().any(|case| in_family(target.case, case.name)),
            "a target for {}",
            target.case
        );
        if let Subject::RatioTo(name) = target.subject {
            assert!(
                contenders::find(name).is_some_and(|c| c.role != Role::Ours),
                "a target against {name}"
            );
        }
    }
}

#[test]
fn versions_of_all_packages_are_known() {
    for contender in contenders::all() {
        let known: Vec<&str> = contender
            .versions()
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(known, contender.packages, "{}", contender.name);
    }
}

#[test]
fn batches_divide_the_sizes_of_samples() {
    for case in cases::all() {
        for ops in [case.quick, case.full] {
            assert_eq!(case.params(ops).ops, ops, "{}", case.name);
        }
        let least = case.params(1);
        assert_eq!(least.ops, case.batch);
        assert_eq!(least.rounds(), 1);
        assert_eq!(least.warm_up(), least);
    }
}

#[test]
fn ours_comes_first_and_is_called_asyncio() {
    let all = contenders::all();
    assert_eq!((all[0].name, all[0].role), ("asyncio", Role::Ours));
    assert_eq!(all.iter().filter(|c| c.role == Role::Ours).count(), 1);
}
