//! Sources whose readiness tasks await, over every selector.

mod scene;

use asyncio_reactor::{Async, Reactor};
use scene::{Counter, MakeSelector, block_on, poll_once, turn};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::pin::pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

on_every_selector! {
    reading_waits_for_data,
    writing_waits_for_room,
    data_is_reported_once_until_there_is_more,
    all_who_wait_are_woken,
    the_last_waker_of_each_waiter_is_woken_w9,
    a_dropped_future_wakes_nobody,
    one_direction_does_not_consume_the_other,
    a_short_read_ends_the_drain,
    a_short_read_does_not_hide_the_end,
    a_short_write_waits_for_room,
    readiness_may_be_spurious_p13,
    a_hang_up_wakes_both_directions,
    sources_are_deregistered_before_they_close,
    a_source_given_back_can_be_registered_again,
    connect_and_accept_are_writes_and_reads,
    interrupted_operations_are_done_again,
    sources_may_outlive_the_reactor,
}

fn pair<H>(reactor: &Reactor<H>) -> (UnixStream, Async<UnixStream>) {
    let (far, near) = UnixStream::pair().unwrap();
    far.set_nonblocking(true).unwrap();
    (far, Async::new(reactor, near).unwrap())
}

fn read(mut source: &UnixStream) -> io::Result<Vec<u8>> {
    let mut buffer = [0; 64];
    let read = source.read(&mut buffer)?;
    Ok(buffer[..read].to_vec())
}

fn fill(source: &Async<UnixStream>) {
    while source
        .try_write_io(|mut source| source.write(&[0; 4096]))
        .is_ok()
    {}
}

fn reading_waits_for_data(make: MakeSelector) {
    let reactor: Reactor<()> = Reactor::with_selector(make());
    let (mut far, near) = pair(&reactor);
    let (woken, waker) = Counter::new();
    let mut reading = pin!(near.read_io(read));
    assert!(
        reading
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    turn(&reactor);
    assert_eq!(woken.count(), 0);
    far.write_all(b"hello").unwrap();
    turn(&reactor);
    assert_eq!(woken.count(), 1);
    let Poll::Ready(result) = reading.as_mut().poll(&mut Context::from_waker(&waker)) else {
        panic!("there is something to read");
    };
    assert_eq!(result.unwrap(), b"hello");
}

fn writing_waits_for_room(make: MakeSelector) {
    let reactor: Reactor<()> = Reactor::with_selector(make());
    let (mut far, near) = pair(&reactor);
    turn(&reactor);
    fill(&near);
    let (woken, waker) = Counter::new();
    let mut writing = pin!(near.write_io(|mut near| near.write(b"x")));
    assert!(
        writing
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    turn(&reactor);
    assert_eq!(woken.count(), 0);
    while far.read(&mut [0; 65536]).is_ok() {}
    turn(&reactor);
    assert_eq!(woken.count(), 1);
    let Poll::Ready(result) = writing.as_mut().poll(&mut Context::from_waker(&waker)) else {
        panic!("there is room");
    };
    assert_eq!(result.unwrap(), 1);
}

fn data_is_reported_once_until_there_is_more(make: MakeSelector) {
    let reactor: Reactor<()> = Reactor::with_selector(make());
    let (mut far, near) = pair(&reactor);
    let (woken, waker) = Counter::new();
    let cx = &mut Context::from_waker(&waker);
    assert!(near.poll_readable(cx).is_pending());
    far.write_all(b"ab").unwrap();
    turn(&reactor);
    assert_eq!(woken.count(), 1);

    // Nobody has asked again: nobody is woken, and nothing is reported.
    let waited = reactor.wait(Some(Duration::ZERO)).unwrap();
    assert_eq!(waited.events, 0);
    // It is remembered for whoever asks.
    assert!(near.poll_readable(cx).is_ready());
    assert!(near.poll_readable(cx).is_ready());
    assert_eq!(near.try_read_io(read).unwrap(), b"ab");
    assert!(
        near.poll_readable(cx).is_ready(),
        "nobody has seen that it is used up"
    );
    assert_eq!(
        near.try_read_io(read).unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
    assert!(near.poll_readable(cx).is_pending());
    assert_eq!(woken.count(), 1);

    far.write_all(b"c").unwrap();
    turn(&reactor);
    assert_eq!(woken.count(), 2);
    assert!(near.poll_readable(cx).is_ready());
}

fn all_who_wait_are_woken(make: MakeSelector) {
    let reactor: Reactor<()> = Reactor::with_selector(make());
    let (mut far, near) = pair(&reactor);
    let counters: Vec<_> = (0..5).map(|_| Counter::new()).collect();
    let mut futures: Vec<_> = (0..4).map(|_| Box::pin(near.readable())).collect();
    for (future, (_, waker)) in futures.iter_mut().zip(&counters) {
        assert!(
            future
                .as_mut()
                .poll(&mut Context::from_waker(waker))
                .is_pending()
        );
    }
    assert!(
        near.poll_readable(&mut Context::from_waker(&counters[4].1))
            .is_pending()
    );
    far.write_all(b"x").unwrap();
    turn(&reactor);
    assert!(counters.iter().all(|(counter, _)| counter.count() == 1));
    for (future, (_, waker)) in futures.iter_mut().zip(&counters) {
        assert!(
            future
                .as_mut()
                .poll(&mut Context::from_waker(waker))
                .is_ready()
        );
    }
}

/// Polled with waker A, then with B: B is woken.
fn the_last_waker_of_each_waiter_is_woken_w9(make: MakeSelector) {
    let reactor: Reactor<()> = Reactor::with_selector(make());
    let (mut far, near) = pair(&reactor);
    let [(first, a), (second, b), (third, c)] = [Counter::new(), Counter::new(), Counter::new()];
    let mut moved = pin!(near.readable());
    let mut other = pin!(near.readable());
    assert!(
        moved
            .as_mut()
            .poll(&mut Context::from_waker(&a))
            .is_pending()
    );
    assert!(
        other
            .as_mut()
            .poll(&mut Context::from_waker(&c))
            .is_pending()
    );
    assert!(
        moved
            .as_mut()
            .poll(&mut Context::from_waker(&b))
            .is_pending()
    );
    assert!(
        near.poll_readable(&mut Context::from_waker(&a))
            .is_pending()
    );
    assert!(
        near.poll_readable(&mut Context::from_waker(&b))
            .is_pending()
    );
    far.write_all(b"x").unwrap();
    turn(&reactor);
    assert_eq!((first.count(), second.count(), third.count()), (0, 2, 1));
}

fn a_dropped_future_wakes_nobody(make: MakeSelector) {
    let reactor: Reactor<()> = Reactor::with_selector(make());
    let (mut far, near) = pair(&reactor);
    let (dropped, a) = Counter::new();
    let (kept, b) = Counter::new();
    let mut keeps = pin!(near.readable());
    {
        let mut drops = pin!(near.readable());
        assert!(
            drops
                .as_mut()
                .poll(&mut Context::from_waker(&a))
                .is_pending()
        );
        assert!(
            keeps
                .as_mut()
                .poll(&mut Context::from_waker(&b))
                .is_pending()
        );
    }
    far.write_all(b"x").unwrap();
    turn(&reactor);
    assert_eq!((dropped.count(), kept.count()), (0, 1));
}

fn one_direction_does_not_consume_the_other(make: MakeSelector) {
    let reactor: Reactor<()> = Reactor::with_selector(make());
    let (mut far, near) = pair(&reactor);
    turn(&reactor);
    fill(&near);
    assert_eq!(
        near.try_read_io(read).unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
    let (reads, a) = Counter::new();
    let (writes, b) = Counter::new();
    assert!(
        near.poll_readable(&mut Context::from_waker(&a))
            .is_pending()
    );
    assert!(
        near.poll_writable(&mut Context::from_waker(&b))
            .is_pending()
    );
    far.write_all(b"x").unwrap();
    turn(&reactor);
    assert_eq!((reads.count(), writes.count()), (1, 0));
    while far.read(&mut [0; 65536]).is_ok() {}
    turn(&reactor);
    assert_eq!((reads.count(), writes.count()), (1, 1));
}

fn a_short_read_ends_the_drain(make: MakeSelector) {
    let reactor: Reactor<()> = Reactor::with_selector(make());
    let (mut far, near) = pair(&reactor);
    far.write_all(b"abc").unwrap();
    let calls = AtomicUsize::new(0);
    let counted = |source: &UnixStream| {
        calls.fetch_add(1, Ordering::Relaxed);
        read(source)
    };
    block_on(&reactor, near.readable()).unwrap();
    assert_eq!(block_on(&reactor, near.read_io(counted)).unwrap(), b"abc");
    near.clear_readable();
    let mut reading = pin!(near.read_io(counted));
    assert!(poll_once(reading.as_mut()).is_pending());
    assert_eq!(
        calls.load(Ordering::Relaxed),
        1,
        "the kernel is not asked again"
    );
    far.write_all(b"d").unwrap();
    assert_eq!(block_on(&reactor, reading).unwrap(), b"d");
    assert_eq!(calls.load(Ordering::Relaxed), 2);
}

/// The end of the stream came together with the last bytes: no event of its own announces it.
fn a_short_read_does_not_hide_the_end(make: MakeSelector) {
    let reactor: Reactor<()> = Reactor::with_selector(make());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    for close in [false, true] {
        let mut far = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (near, _) = listener.accept().unwrap();
        let near = Async::new(&reactor, near).unwrap();
        far.write_all(b"bye").unwrap();
        let far = if close {
            drop(far);
            None
        } else {
            far.shutdown(Shutdown::Write).unwrap();
            Some(far)
        };
        let read = |mut near: &TcpStream| near.read(&mut [0; 64]);
        block_on(&reactor, near.readable()).unwrap();
        assert_eq!(block_on(&reactor, near.read_io(read)).unwrap(), 3);
        near.clear_readable();
        assert_eq!(block_on(&reactor, near.read_io(read)).unwrap(), 0);
        drop(far);
    }
}

fn a_short_write_waits_for_room(make: MakeSelector) {
    let reactor: Reactor<()> = Reactor::with_selector(make());
    let (mut far, near) = pair(&reactor);
    let big = vec![0; 8 << 20];
    let written = near.try_write_io(|mut near| near.write(&big)).unwrap();
    assert!(written < big.len());
    near.clear_writable();
    turn(&reactor);
    near.clear_writable();
    let mut writing = pin!(near.write_io(|mut near| near.write(b"x")));
    assert!(poll_once(writing.as_mut()).is_pending());
    while far.read(&mut [0; 65536]).is_ok() {}
    assert_eq!(block_on(&reactor, writing).unwrap(), 1);
}

/// Somebody else was faster: the operation blocks although the source was reported.
fn readiness_may_be_spurious_p13(make: MakeSelector) {
    let reactor: Reactor<()> = Reactor::with_selector(make());
    let (mut far, near) = pair(&reactor);
    let mut thief = near.get_ref().try_clone().unwrap();
    let (woken, waker) = Counter::new();
    let mut reading = pin!(near.read_io(read));
    assert!(
        reading
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    for round in 1..=3 {
        far.write_all(b"x").unwrap();
        thief.read_exact(&mut [0]).unwrap();
        far.write_all(b"y").unwrap();
        turn(&reactor);
        thief.read_exact(&mut [0]).unwrap();
        assert_eq!(woken.count(), round);
        assert!(
            reading
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
    }
    far.write_all(b"z").unwrap();
    assert_eq!(block_on(&reactor, reading).unwrap(), b"z");
}

fn a_hang_up_wakes_both_directions(make: MakeSelector) {
    let reactor: Reactor<()> = Reactor::with_selector(make());
    let (far, near) = pair(&reactor);
    turn(&reactor);
    fill(&near);
    let (woken, waker) = Counter::new();
    let mut reading = pin!(near.read_io(read));
    let mut writing = pin!(near.write_io(|mut near| near.write(b"x")));
    assert!(
        reading
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    assert!(
        writing
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    drop(far);
    turn(&reactor);
    assert_eq!(woken.count(), 2);
    // What was sent was not read by the peer, so that this is a reset, or the end.
    let end = block_on(&reactor, reading);
    assert!(matches!(&end, Ok(read) if read.is_empty()) || end.is_err());
    assert!(block_on(&reactor, writing).is_err());
}

fn sources_are_deregistered_before_they_close(make: MakeSelector) {
    let reactor: Reactor<()> = Reactor::with_selector(make());
    let (woken, waker) = Counter::new();
    for _ in 0..100 {
        let (mut far, near) = pair(&reactor);
        assert_eq!(reactor.sources(), 1);
        assert!(
            near.poll_readable(&mut Context::from_waker(&waker))
                .is_pending()
        );
        far.write_all(b"x").unwrap();
        reactor.wait(Some(Duration::ZERO)).unwrap();
        drop(near);
        reactor.dispatch(drop);
        assert_eq!(reactor.sources(), 0);
    }
    assert_eq!(woken.count(), 0);
}

fn a_source_given_back_can_be_registered_again(make: MakeSelector) {
    let reactor: Reactor<()> = Reactor::with_selector(make());
    let (mut far, near) = pair(&reactor);
    far.write_all(b"x").unwrap();
    turn(&reactor);
    let near = near.into_inner();
    assert_eq!(reactor.sources(), 0);
    let near = Async::new_nonblocking(&reactor, near).unwrap();
    assert_eq!(block_on(&reactor, near.read_io(read)).unwrap(), b"x");
    let other: Reactor<()> = Reactor::with_selector(make());
    let near = Async::new_nonblocking(&other, near.into_inner()).unwrap();
    far.write_all(b"y").unwrap();
    assert_eq!(block_on(&other, near.read_io(read)).unwrap(), b"y");
}

fn connect_and_accept_are_writes_and_reads(make: MakeSelector) {
    let reactor: Reactor<()> = Reactor::with_selector(make());
    let listener = Async::new(&reactor, TcpListener::bind("127.0.0.1:0").unwrap()).unwrap();
    let mut accepting = pin!(listener.read_io(TcpListener::accept));
    assert!(poll_once(accepting.as_mut()).is_pending());
    let far = TcpStream::connect(listener.get_ref().local_addr().unwrap()).unwrap();
    let (near, peer) = block_on(&reactor, accepting).unwrap();
    assert_eq!(peer, far.local_addr().unwrap());
    let near = Async::new(&reactor, near).unwrap();
    block_on(&reactor, near.writable()).unwrap();
}

fn interrupted_operations_are_done_again(make: MakeSelector) {
    let reactor: Reactor<()> = Reactor::with_selector(make());
    let (_far, near) = pair(&reactor);
    let mut interruptions = 3;
    let result = poll_once(near.write_io(|mut near| {
        if interruptions > 0 {
            interruptions -= 1;
            return Err(ErrorKind::Interrupted.into());
        }
        near.write(b"x")
    }));
    assert!(matches!(result, Poll::Ready(Ok(1))));
    assert_eq!(interruptions, 0);
}

fn sources_may_outlive_the_reactor(make: MakeSelector) {
    let reactor: Reactor<()> = Reactor::with_selector(make());
    let (mut far, near) = pair(&reactor);
    let near = Rc::new(near);
    drop(reactor);
    assert!(poll_once(near.readable()).is_pending());
    far.write_all(b"x").unwrap();
    assert_eq!(near.try_read_io(read).unwrap(), b"x");
}
