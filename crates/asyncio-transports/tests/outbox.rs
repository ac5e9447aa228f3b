//! The queue of what is unwritten, as a pure type: no byte lost, none twice, and its size known.

#![allow(
    dead_code,
    reason = "the whole of the module is compiled, and not all of it is asked"
)]

#[path = "../src/outbox.rs"]
mod outbox;

use asyncio_testkit::for_each_seed;
use asyncio_transports::Chunk;
use outbox::{COPY_MAX, Outbox, SLICES_MAX};
use std::cell::Cell;
use std::io::IoSlice;
use std::rc::Rc;

fn chunk(bytes: Vec<u8>) -> Chunk {
    Box::new(bytes)
}

/// Takes the first `count` bytes out, as a system call would.
fn take(outbox: &mut Outbox, mut count: usize) -> Vec<u8> {
    let mut taken = Vec::new();
    for slice in outbox.slices().unwrap() {
        let here = count.min(slice.len());
        taken.extend_from_slice(&slice[..here]);
        count -= here;
    }
    outbox.advance(taken.len());
    taken
}

#[test]
fn bytes_come_out_as_they_went_in_however_they_are_cut_n6() {
    for_each_seed(10, |rng| {
        let (mut outbox, mut went_in, mut came_out) = (Outbox::default(), Vec::new(), Vec::new());
        for _ in 0..200 {
            let length = rng.index(3 * COPY_MAX);
            let bytes: Vec<u8> = (0..length).map(|_| rng.below(256) as u8).collect();
            match rng.below(5) {
                0 => {
                    went_in.extend_from_slice(&bytes);
                    outbox.keep(chunk(bytes), length);
                }
                1 | 2 => {
                    let middle = rng.index(length + 1);
                    let skip = rng.index(length + 1);
                    went_in.extend_from_slice(&bytes[skip..]);
                    let (first, second) = bytes.split_at(middle);
                    outbox.copy(&[IoSlice::new(first), IoSlice::new(second)], skip);
                }
                _ => came_out.extend(take(&mut outbox, length)),
            }
            assert_eq!(outbox.size(), went_in.len() - came_out.len());
            assert_eq!(outbox.is_empty(), outbox.size() == 0);
        }
        while !outbox.is_empty() {
            came_out.extend(take(&mut outbox, usize::MAX));
        }
        assert!(came_out == went_in);
    });
}

#[test]
fn many_small_writes_share_few_slices() {
    let mut outbox = Outbox::default();
    for _ in 0..100_000 {
        outbox.copy(&[IoSlice::new(b"x")], 0);
    }
    assert_eq!(outbox.size(), 100_000);
    assert!(outbox.slices().unwrap().len() <= 7);
}

#[test]
fn a_system_call_gets_no_more_slices_than_it_takes_n6() {
    let mut outbox = Outbox::default();
    for _ in 0..3 * SLICES_MAX {
        outbox.keep(chunk(vec![7; 2]), 2);
    }
    assert_eq!(outbox.slices().unwrap().len(), SLICES_MAX);
    assert_eq!(outbox.size(), 6 * SLICES_MAX, "and the rest is there still");
}

#[test]
fn a_kept_chunk_is_dropped_when_its_last_byte_is_written() {
    struct Dropped(Rc<Cell<bool>>);
    impl AsRef<[u8]> for Dropped {
        fn as_ref(&self) -> &[u8] {
            b"four"
        }
    }
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    let dropped = Rc::new(Cell::new(false));
    let mut outbox = Outbox::default();
    outbox.keep(Box::new(Dropped(Rc::clone(&dropped))), 4);
    drop(outbox.advance(3));
    assert!(!dropped.get());
    let done = outbox.advance(1);
    assert!(!dropped.get(), "the caller drops it");
    drop(done);
    assert!(dropped.get());
}

#[test]
fn a_chunk_that_changes_its_length_is_an_error() {
    struct Shrinks(Cell<usize>);
    impl AsRef<[u8]> for Shrinks {
        fn as_ref(&self) -> &[u8] {
            &[0; 8][..self.0.replace(2)]
        }
    }
    let mut outbox = Outbox::default();
    outbox.keep(Box::new(Shrinks(Cell::new(8))), 8);
    outbox.advance(5);
    assert!(outbox.slices().is_ok());
    assert!(outbox.slices().is_err());
}

#[test]
fn nothing_empty_is_kept() {
    let mut outbox = Outbox::default();
    outbox.keep(chunk(Vec::new()), 0);
    outbox.copy(&[IoSlice::new(b""), IoSlice::new(b"abc")], 3);
    assert!(outbox.is_empty());
    assert!(outbox.slices().unwrap().is_empty());
}
