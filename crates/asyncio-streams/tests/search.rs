//! The search for separators, by itself: what it finds, and how often it looks at a byte.

#[path = "../src/search.rs"]
mod search;

use asyncio_testkit::for_each_seed;
use search::{Search, Step};

/// asyncio's `readuntil` of CPython 3.13, in its words, on what is in its buffer.
fn of_python(data: &[u8], separators: &[&[u8]], limit: usize, offset: &mut usize) -> Step {
    let mut sorted = separators.to_vec();
    sorted.sort_by_key(|separator| separator.len());
    let (shortest, longest) = (sorted[0].len(), sorted[sorted.len() - 1].len());
    if data.len() - *offset < shortest {
        return Step::Unfinished;
    }
    let mut matched: Option<(usize, usize)> = None;
    for separator in sorted {
        let found = (*offset..data.len()).find(|at| data[*at..].starts_with(separator));
        if let Some(start) = found {
            let end = start + separator.len();
            if matched.is_none_or(|(_, best)| end < best) {
                matched = Some((start, end));
            }
        }
    }
    if let Some((start, end)) = matched {
        return if start > limit {
            Step::FoundTooLate { start }
        } else {
            Step::Found { end }
        };
    }
    *offset = (data.len() + 1).saturating_sub(longest);
    if *offset > limit {
        Step::NotFound { offset: *offset }
    } else {
        Step::Unfinished
    }
}

#[test]
fn it_finds_what_python_finds_s1() {
    for_each_seed(2000, |rng| {
        let letter = |n: u64| b"ab\n"[n as usize];
        let data: Vec<u8> = (0..rng.below(40)).map(|_| letter(rng.below(3))).collect();
        let separators: Vec<Vec<u8>> = (0..=rng.below(3))
            .map(|_| (0..=rng.below(4)).map(|_| letter(rng.below(3))).collect())
            .collect();
        let separators: Vec<&[u8]> = separators.iter().map(Vec::as_slice).collect();
        let limit = rng.below(30) as usize;
        let mut search = Search::new(&separators).unwrap();
        let (mut offset, mut come) = (0, 0);
        loop {
            let step = search.step(&data[..come], limit);
            let python = of_python(&data[..come], &separators, limit, &mut offset);
            assert_eq!(step, python, "{separators:?} in {:?}", &data[..come]);
            if step != Step::Unfinished || come == data.len() {
                break;
            }
            come = (come + 1 + rng.below(5) as usize).min(data.len());
        }
    });
}

#[test]
fn each_byte_is_looked_at_once_however_it_comes_s1() {
    // A byte at a time up to 64 KiB; and 64 MiB, in reads of 64 KiB.
    for (size, step) in [(64 << 10, 1), (64 << 20, 64 << 10)] {
        let data = vec![b'x'; size];
        let mut search = Search::new(&[b"\n"]).unwrap();
        for come in (step..=size).step_by(step) {
            assert_eq!(search.step(&data[..come], size), Step::Unfinished);
        }
        assert_eq!(search.looked_at, size);
    }
}

#[test]
fn a_long_separator_costs_its_length_again_at_each_step_s1() {
    let (size, step) = (1 << 20, 4096);
    let separator = [b"x".repeat(99), b"y".to_vec()].concat();
    let data = vec![b'x'; size];
    let separators = [&separator[..]];
    let mut search = Search::new(&separators).unwrap();
    for come in (step..=size).step_by(step) {
        assert_eq!(search.step(&data[..come], size), Step::Unfinished);
    }
    assert!(search.looked_at <= size + size / step * separator.len());
}

#[test]
fn a_search_that_begins_anew_begins_at_the_beginning() {
    let mut search = Search::new(&[b"\n"]).unwrap();
    assert_eq!(search.step(b"abc", 9), Step::Unfinished);
    search.restart();
    assert_eq!(search.step(b"\nb", 9), Step::Found { end: 1 });
}
