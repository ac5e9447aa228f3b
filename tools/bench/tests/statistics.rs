//! Figures are summed up, compared and judged as the README says.

use std::time::Duration;

use asyncio_bench::cases::Params;
use asyncio_bench::cases::sleeping::{EARLY, Random, lateness};
use asyncio_bench::contenders;
use asyncio_bench::harness::{Series, affordable, read_sample, write_sample};
use asyncio_bench::meter::{Sample, Unit};
use asyncio_bench::report::{figure, json, table};
use asyncio_bench::statistics::Summary;
use asyncio_bench::targets::{Subject, Target, Verdict};

#[test]
fn the_median_of_an_even_number_is_the_mean_of_the_middle_two() {
    let summary = Summary::of(&[4.0, 1.0, 3.0, 2.0]);
    assert_eq!(
        summary,
        Some(Summary {
            min: 1.0,
            median: 2.5,
            max: 4.0
        })
    );
    assert_eq!(
        Summary::of(&[5.0]),
        Some(Summary {
            min: 5.0,
            median: 5.0,
            max: 5.0
        })
    );
    assert_eq!(Summary::of(&[]), None);
}

/// A machine that becomes twice as slow half-way changes both figures of a pair, and not the ratio.
#[test]
fn ratios_are_taken_pair_by_pair() {
    let ratios = Summary::of_paired_ratios(&[1.0, 1.0, 2.0, 2.0], &[2.0, 2.0, 4.0, 4.0]);
    assert_eq!(
        ratios,
        Some(Summary {
            min: 0.5,
            median: 0.5,
            max: 0.5
        })
    );
}

#[test]
fn noise_of_three_percent_is_told_from_missing() {
    let target = |subject| Target {
        case: "spawn/one",
        sentence: "",
        subject,
        at_most: 1.0,
    };
    let ratio = target(Subject::RatioToBestPeer);
    assert_eq!(ratio.judge(1.0), Verdict::Met);
    assert_eq!(ratio.judge(1.02), Verdict::WithinNoise);
    assert_eq!(ratio.judge(1.04), Verdict::Missed);
    let count = target(Subject::Count(EARLY));
    assert_eq!(count.judge(1.02), Verdict::Missed, "a count has no noise");
}

#[test]
fn a_sleep_that_ends_early_is_counted() {
    let millis = Duration::from_millis;
    let sample = lateness(millis(10), vec![millis(9), millis(12), millis(15)]);
    assert_eq!(sample, Sample::new(2e6).with(EARLY, 1.0));
}

#[test]
fn deadlines_are_the_same_for_everybody_and_below_the_limit() {
    let limit = Duration::from_secs(60);
    let (mut one, mut other) = (Random::new(), Random::new());
    let mut largest = Duration::ZERO;
    for _ in 0..1000 {
        let duration = one.below(limit);
        assert_eq!(duration, other.below(limit));
        assert!(duration < limit);
        largest = largest.max(duration);
    }
    assert!(
        largest > limit * 9 / 10,
        "deadlines are not spread: {largest:?}"
    );
}

#[test]
fn a_sample_survives_the_way_between_processes() {
    let sample = Sample::new(31.25).with(EARLY, 3.0);
    assert_eq!(read_sample(&write_sample(&sample)), Some(sample));
    let difference = Sample::difference(40.0, 39.5);
    assert_eq!(read_sample(&write_sample(&difference)), Some(difference));
    for broken in [
        "",
        "value\n",
        "value x\n",
        "other 1\n",
        "value 1\nwhat 2\n",
        "value 1\nwhole x\n",
    ] {
        assert_eq!(read_sample(broken), None, "{broken:?}");
    }
}

/// It may be nothing, or less; what a sample takes is both its parts.
#[test]
fn a_difference_affords_no_more_operations_than_it_takes() {
    let params = Params {
        name: "test/case",
        n: 1,
        batch: 1,
        ops: 1_000_000,
    };
    let budget = Duration::from_millis(10);
    for difference in [1.0, 0.0, -1.0] {
        let first = Sample::difference(50.0 + difference, 50.0);
        let affordable = affordable(&first, params, budget);
        assert!((99_000..=101_100).contains(&affordable), "{affordable}");
    }
    assert_eq!(affordable(&Sample::new(1.0), params, budget), 1_000_000);
}

fn series(contender: &str, values: &[f64]) -> Series {
    Series {
        contender: contenders::find(contender).expect("a contender"),
        samples: values.iter().copied().map(Sample::new).collect(),
        failure: None,
    }
}

/// The limit is no peer, however low it is.
#[test]
fn the_best_peer_is_the_one_with_the_lowest_median() {
    let all = [
        series("asyncio", &[10.0, 10.0, 10.0]),
        series("tokio", &[1.0, 40.0, 40.0]),
        series("monoio", &[20.0, 20.0, 20.0]),
        series("limit", &[2.0, 2.0, 2.0]),
    ];
    let target = Target {
        case: "spawn/one",
        sentence: "",
        subject: Subject::RatioToBestPeer,
        at_most: 1.0,
    };
    assert_eq!(figure(&target, &all[0], &all), Some(0.5));
}

#[test]
fn the_json_has_the_promised_keys() {
    let case = asyncio_bench::cases::find("spawn/one").expect("a case");
    let entries = json(
        case,
        &[series("tokio", &[3.0, 1.0, 2.0]), series("smol", &[])],
    );
    let expected = serde_json::json!([{
        "case": "spawn/one", "contender": "tokio", "unit": "ns-cpu",
        "best": 1.0, "median": 2.0, "runs": 3,
    }]);
    assert_eq!(serde_json::Value::Array(entries), expected);
    assert_eq!(Unit::NsWall.to_string(), "ns-wall");
}

#[test]
fn a_table_judges_only_when_ours_was_measured() {
    let case = asyncio_bench::cases::find("spawn/one").expect("a case");
    let peer = || series("tokio", &[100.0, 100.0]);
    let with = table(case, &[series("asyncio", &[120.0, 120.0]), peer()]);
    assert!(with.contains("≤ the best peer: 1.20, MISSED"), "{with}");
    let without = table(case, &[peer()]);
    assert!(without.ends_with("target: ≤ the best peer\n"), "{without}");
}
