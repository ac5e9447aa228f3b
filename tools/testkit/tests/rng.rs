//! The generator gives the same numbers for the same seed, within the bounds asked for.

use std::panic::{AssertUnwindSafe, catch_unwind};

use asyncio_testkit::{Child, Rng, for_each_seed};

#[test]
fn it_is_splitmix64() {
    // The first outputs for this seed of the reference implementation by Sebastiano Vigna.
    let mut rng = Rng::new(1_234_567);
    let expected = [
        6_457_827_717_110_365_317_u64,
        3_203_168_211_198_807_973,
        9_817_491_932_198_370_423,
    ];
    assert_eq!([rng.next_u64(), rng.next_u64(), rng.next_u64()], expected);
}

#[test]
fn below_reaches_every_number_under_the_bound_and_no_other() {
    let mut rng = Rng::new(7);
    let mut seen = [0_u32; 6];
    for _ in 0..6000 {
        seen[rng.below(6) as usize] += 1;
    }
    assert!(
        seen.iter().all(|&count| (800..1200).contains(&count)),
        "{seen:?}"
    );
}

#[test]
#[should_panic(expected = "no number is below zero")]
fn below_zero_is_refused() {
    Rng::new(0).below(0);
}

#[test]
fn one_in_one_is_always() {
    let mut rng = Rng::new(3);
    assert!((0..100).all(|_| rng.one_in(1)));
}

#[test]
fn a_shuffle_keeps_every_item_and_moves_some() {
    let mut items: Vec<u32> = (0..100).collect();
    Rng::new(11).shuffle(&mut items);
    assert!(!items.is_sorted());
    items.sort_unstable();
    assert!(items.into_iter().eq(0..100));
}

#[test]
fn every_seed_is_run_and_each_has_its_own_numbers() {
    let outcome = Child::new("every_seed_is_run_and_each_has_its_own_numbers").run(|| {
        let mut first = Vec::new();
        for_each_seed(50, |rng| first.push(rng.next_u64()));
        first.sort_unstable();
        first.dedup();
        assert_eq!(first.len(), 50);
    });
    if let Some(outcome) = outcome {
        outcome.assert_success();
    }
}

#[test]
fn a_failing_seed_is_named_and_can_be_run_alone() {
    let name = "a_failing_seed_is_named_and_can_be_run_alone";
    let third = Rng::new(2).next_u64();
    let outcome = Child::new(name).env("ASYNCIO_SEED", "2").run(|| {
        let mut runs = 0;
        let failed = catch_unwind(AssertUnwindSafe(|| {
            for_each_seed(50, |rng| {
                runs += 1;
                assert_ne!(rng.next_u64(), third);
            });
        }));
        assert!(failed.is_err());
        assert_eq!(runs, 1);
    });
    let Some(outcome) = outcome else { return };
    outcome.assert_success();
    assert!(
        outcome.stderr.contains("ASYNCIO_SEED=2 runs it alone"),
        "{}",
        outcome.stderr
    );
}
