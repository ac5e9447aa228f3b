//! The queue of datagrams, as a pure type: none lost, none changed, in order, and with a bound.

#![allow(
    dead_code,
    reason = "the whole of the module is compiled, and not all of it is asked"
)]

#[path = "../src/datagram/queue.rs"]
mod queue;

use asyncio_testkit::for_each_seed;
use asyncio_testkit::heap::{self, CountingAllocator};
use queue::{DatagramQueue, Full, QueueLimits, segments_together};
use socket2::SockAddr;
use std::collections::VecDeque;
use std::net::SocketAddr;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

fn address(port: u16) -> SockAddr {
    SocketAddr::from(([127, 0, 0, 1], port)).into()
}

#[test]
fn what_goes_in_comes_out_in_order() {
    for_each_seed(50, |rng| {
        let mut queue = DatagramQueue::new(QueueLimits::NONE);
        let mut model: VecDeque<(Vec<u8>, Option<SockAddr>)> = VecDeque::new();
        for step in 0..3000_u32 {
            if rng.below(100) < 52 {
                let len = [0, 1, 64, 1400, 20_000][rng.index(5)];
                let data = vec![step.to_le_bytes()[0]; len];
                let to = (!rng.one_in(3)).then(|| address(step.to_le_bytes()[1].into()));
                queue.push(&data, to.clone()).unwrap();
                model.push_back((data, to));
            } else {
                let front = model.pop_front();
                let expected = front.as_ref().map(|(data, to)| (&data[..], to.as_ref()));
                assert_eq!(queue.front(), expected);
                queue.pop_front();
            }
            let size: usize = model.iter().map(|(data, _)| data.len() + 8).sum();
            assert_eq!((queue.size(), queue.is_empty()), (size, model.is_empty()));
        }
    });
}

#[test]
fn it_is_full_at_the_exact_item_and_byte_d2() {
    let limits = QueueLimits {
        datagrams_max: 3,
        bytes_max: 10,
    };
    let mut queue = DatagramQueue::new(limits);
    assert_eq!(queue.push(&[0; 11], None), Err(Full));
    queue.push(&[0; 10], None).unwrap();
    assert_eq!(queue.push(&[0; 1], None), Err(Full));
    queue.push(&[], None).unwrap();
    queue.push(&[], None).unwrap();
    assert_eq!(queue.push(&[], None), Err(Full));
    queue.pop_front();
    queue.push(&[0; 10], None).unwrap();
    assert_eq!(queue.push(&[], None), Err(Full));
    queue.clear();
    assert_eq!(queue.size(), 0);
    queue.push(&[0; 10], None).unwrap();
}

#[test]
fn one_that_is_never_empty_takes_no_more_memory_d2() {
    let mut queue = DatagramQueue::new(QueueLimits::NONE);
    queue.push(&[0; 1000], None).unwrap();
    let ((), used) = heap::on_this_thread(|| {
        for _ in 0..10_000 {
            queue.push(&[0; 1000], None).unwrap();
            queue.pop_front();
        }
    });
    assert!(used.live_bytes < 200_000, "{}", used.live_bytes);
}

#[test]
fn an_empty_one_gives_most_of_its_memory_back() {
    let (_queue, used) = heap::on_this_thread(|| {
        let mut queue = DatagramQueue::new(QueueLimits::NONE);
        for _ in 0..1000 {
            queue.push(&[0; 1000], None).unwrap();
        }
        (0..1000).for_each(|_| queue.pop_front());
        queue
    });
    assert!(used.live_bytes < 100_000, "{}", used.live_bytes);
}

#[test]
fn a_run_ends_at_another_length_or_address() {
    /// Lengths and ports, and how many of them are sent together.
    type Case = (&'static [(usize, u16)], Option<usize>);
    let cases: [Case; 9] = [
        (&[(4, 1)], None),
        (&[(4, 1), (4, 1), (4, 1)], Some(3)),
        (&[(4, 1), (4, 1), (4, 2)], Some(2)),
        (&[(4, 1), (4, 2)], None),
        (&[(4, 1), (2, 1), (4, 1)], Some(2)),
        (&[(4, 1), (5, 1)], None),
        (&[(4, 1), (0, 1), (4, 1)], None),
        (&[(0, 1), (0, 1)], None),
        (&[(1453, 1), (1453, 1)], None),
    ];
    for (datagrams, expected) in cases {
        let mut queue = DatagramQueue::new(QueueLimits::NONE);
        for (number, (len, port)) in datagrams.iter().enumerate() {
            let data = vec![u8::try_from(number).unwrap(); *len];
            queue.push(&data, Some(address(*port))).unwrap();
        }
        let run = queue.run(64);
        assert_eq!(run.as_ref().map(|run| run.count), expected, "{datagrams:?}");
        if let Some(run) = run {
            let lengths = datagrams[..run.count].iter().map(|(len, _)| *len);
            assert_eq!(run.data.len(), lengths.sum::<usize>());
            assert_eq!((run.segment, run.to), (datagrams[0].0, Some(&address(1))));
        }
    }
}

#[test]
fn a_run_has_the_length_that_the_system_can_do() {
    let mut queue = DatagramQueue::new(QueueLimits::NONE);
    for _ in 0..100 {
        queue.push(&[0; 1452], None).unwrap();
    }
    assert!(queue.run(1).is_none());
    assert_eq!(queue.run(7).unwrap().count, 7);
    // No packet is longer than 65,507 bytes.
    assert_eq!(queue.run(64).unwrap().count, 45);
    assert_eq!(segments_together(1, usize::MAX), 65_507);
    assert_eq!(segments_together(2000, 64), 1);
    assert_eq!(segments_together(10, 0), 1);
}
