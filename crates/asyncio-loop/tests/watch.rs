//! `add_reader` and `add_writer`: callbacks for as long as a descriptor is ready.

mod scene;

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Duration;

use asyncio_loop::{EventLoop, sleep};
use scene::{Log, NoteDrop, note_errors, one_turn};

on_every_selector! {
    ten_bytes_read_one_at_a_time_are_ten_calls,
    a_second_reader_replaces_the_first,
    an_event_that_was_found_for_a_replaced_reader_is_dropped,
    a_reader_may_remove_itself,
    a_reader_may_remove_another_that_is_due_in_the_same_turn_p2,
    a_removed_reader_drops_its_callback_and_its_source,
    a_reader_that_panics_is_reported_and_called_again,
    the_end_of_the_stream_is_readable,
    a_removed_writer_leaves_the_loop_asleep_p4,
    a_reused_number_belongs_to_its_new_owner_p5,
    a_descriptor_of_a_registered_source_is_refused,
    what_is_not_watched_cannot_be_removed,
    many_ready_descriptors_are_each_called_once_a_turn_p11,
}

fn pair() -> (UnixStream, Rc<UnixStream>) {
    let (far, near) = UnixStream::pair().unwrap();
    near.set_nonblocking(true).unwrap();
    (far, Rc::new(near))
}

fn ten_bytes_read_one_at_a_time_are_ten_calls(event_loop: &EventLoop) {
    let (mut far, near) = pair();
    far.write_all(b"0123456789").unwrap();
    let (log, here, source) = (Log::new(), event_loop.reference(), near.clone());
    let calls = log.clone();
    let reader = move || {
        let mut byte = [0];
        (&*source).read_exact(&mut byte).unwrap();
        calls.note(char::from(byte[0]).to_string());
        if byte[0] == b'9' {
            here.stop();
        }
    };
    event_loop.add_reader(near.clone(), reader).unwrap();
    event_loop.run_forever().unwrap();
    assert_eq!(log.take().concat(), "0123456789");
    // Nothing is left to be read: it is not called again.
    one_turn(event_loop);
    log.expect(&[]);
    assert!(event_loop.remove_reader(&near));
}

fn a_second_reader_replaces_the_first(event_loop: &EventLoop) {
    let (mut far, near) = pair();
    let log = Log::new();
    let held = NoteDrop(log.clone(), "first dropped");
    let first = move || {
        let _held = &held;
        panic!("replaced");
    };
    event_loop.add_reader(near.clone(), first).unwrap();
    event_loop
        .add_reader(near.clone(), log.entry("second"))
        .unwrap();
    log.expect(&["first dropped"]);
    far.write_all(b"x").unwrap();
    one_turn(event_loop);
    log.expect(&["second"]);
    assert_eq!(event_loop.metrics().sources, 1);
    assert!(event_loop.remove_reader(&near) && !event_loop.remove_reader(&near));
    assert_eq!(event_loop.metrics().sources, 0);
}

/// Two descriptors are ready in one turn. Whichever is called first gives up its own place and
/// replaces the other's reader, whose event was found for the one that is gone.
fn an_event_that_was_found_for_a_replaced_reader_is_dropped(event_loop: &EventLoop) {
    let log = Log::new();
    let pairs = [pair(), pair()];
    for n in 0..2 {
        let (log, here) = (log.clone(), event_loop.reference());
        let (own, other) = (pairs[n].1.clone(), pairs[1 - n].1.clone());
        let reader = move || {
            log.note("first");
            here.remove_reader(&own);
            here.add_reader(other.clone(), log.entry("new")).unwrap();
        };
        event_loop.add_reader(pairs[n].1.clone(), reader).unwrap();
        (&pairs[n].0).write_all(b"x").unwrap();
    }
    one_turn(event_loop);
    log.expect(&["first"]);
    one_turn(event_loop);
    log.expect(&["new"]);
    assert_eq!(event_loop.metrics().sources, 1);
}

fn a_reader_may_remove_itself(event_loop: &EventLoop) {
    let (mut far, near) = pair();
    far.write_all(b"x").unwrap();
    let (log, here, source) = (Log::new(), event_loop.reference(), near.clone());
    let calls = log.clone();
    let reader = move || {
        assert!(here.remove_reader(&source));
        calls.note("called");
    };
    event_loop.add_reader(near, reader).unwrap();
    one_turn(event_loop);
    one_turn(event_loop);
    log.expect(&["called"]);
    assert_eq!(event_loop.metrics().sources, 0);
}

fn a_reader_may_remove_another_that_is_due_in_the_same_turn_p2(event_loop: &EventLoop) {
    let log = Log::new();
    let pairs = [pair(), pair(), pair()];
    let all: Vec<_> = pairs.iter().map(|(_, near)| near.clone()).collect();
    for (far, near) in &pairs {
        (&*far).write_all(b"x").unwrap();
        let (log, here, all) = (log.clone(), event_loop.reference(), all.clone());
        let reader = move || {
            log.note("called");
            for near in &all {
                here.remove_reader(near);
            }
        };
        event_loop.add_reader(near.clone(), reader).unwrap();
    }
    one_turn(event_loop);
    log.expect(&["called"]);
}

fn a_removed_reader_drops_its_callback_and_its_source(event_loop: &EventLoop) {
    let (mut far, near) = pair();
    let log = Log::new();
    let held = NoteDrop(log.clone(), "dropped");
    let reader = move || _ = &held;
    event_loop.add_reader(near.clone(), reader).unwrap();
    event_loop.add_writer(near.clone(), || ()).unwrap();
    assert!(event_loop.remove_reader(&near));
    log.expect(&["dropped"]);
    assert!(event_loop.remove_writer(&near));
    assert_eq!(Rc::strong_count(&near), 1);
    drop(near);
    // The peer sees the end: nobody keeps it open.
    assert_eq!(far.read(&mut [0]).unwrap(), 0);
}

fn a_reader_that_panics_is_reported_and_called_again(event_loop: &EventLoop) {
    let (mut far, near) = pair();
    far.write_all(b"x").unwrap();
    let errors = note_errors(event_loop);
    event_loop
        .add_reader(near.clone(), || panic!("in a reader"))
        .unwrap();
    one_turn(event_loop);
    one_turn(event_loop);
    let errors = errors.take();
    assert_eq!(errors.len(), 2);
    assert!(
        errors[0].contains("in a reader") && errors[0].contains("callback of a descriptor"),
        "{}",
        errors[0]
    );
    assert!(event_loop.remove_reader(&near));
}

fn the_end_of_the_stream_is_readable(event_loop: &EventLoop) {
    let (far, near) = pair();
    let (log, here, source) = (Log::new(), event_loop.reference(), near.clone());
    let calls = log.clone();
    let reader = move || {
        calls.note(format!("read {}", (&*source).read(&mut [0; 8]).unwrap()));
        here.remove_reader(&source);
        here.stop();
    };
    event_loop.add_reader(near, reader).unwrap();
    drop(far);
    event_loop.run_forever().unwrap();
    log.expect(&["read 0"]);
}

/// In real time: a descriptor that is writable all the time, and whose writer is gone, keeps
/// nobody awake.
fn a_removed_writer_leaves_the_loop_asleep_p4(event_loop: &EventLoop) {
    let (_far, near) = pair();
    let (here, source) = (event_loop.reference(), near.clone());
    event_loop
        .add_reader(near.clone(), || panic!("nothing comes"))
        .unwrap();
    event_loop
        .add_writer(near.clone(), move || assert!(here.remove_writer(&source)))
        .unwrap();
    one_turn(event_loop);
    let before = event_loop.metrics().polls;
    event_loop
        .run_until_complete(sleep(Duration::from_millis(20)))
        .unwrap();
    let polls = event_loop.metrics().polls - before;
    assert!(polls < 10, "{polls} polls in one sleep");
    assert!(event_loop.remove_reader(&near));
}

fn a_reused_number_belongs_to_its_new_owner_p5(event_loop: &EventLoop) {
    let log = Log::new();
    let (far, near) = UnixStream::pair().unwrap();
    let number = near.as_raw_fd();
    let old = Rc::new(near);
    event_loop
        .add_reader(old.clone(), log.entry("old"))
        .unwrap();
    assert!(event_loop.remove_reader(&old));
    drop(old);
    // The lowest free number is the next one's: POSIX. Another thread of the test binary may be
    // faster, so ours is looked for.
    let mut others = Vec::new();
    let near = loop {
        let (far, near) = pair();
        if near.as_raw_fd() == number || others.len() > 100 {
            others.push((far, near.clone()));
            break near;
        }
        others.push((far, near));
    };
    event_loop
        .add_reader(near.clone(), log.entry("new"))
        .unwrap();
    let far_of_new = &others.last().unwrap().0;
    (&*far_of_new).write_all(b"x").unwrap();
    drop(far);
    one_turn(event_loop);
    log.expect(&["new"]);
    assert!(event_loop.remove_reader(&near));
}

fn a_descriptor_of_a_registered_source_is_refused(event_loop: &EventLoop) {
    let (_far, near) = pair();
    let registered = event_loop.register(near.clone()).unwrap();
    let refused = event_loop.add_reader(near.clone(), || ()).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(event_loop.metrics().sources, 1);
    drop(registered);
    event_loop.add_reader(near.clone(), || ()).unwrap();
    assert_eq!(
        event_loop.register(near.clone()).unwrap_err().kind(),
        io::ErrorKind::AlreadyExists
    );
    assert!(event_loop.remove_reader(&near));
}

fn what_is_not_watched_cannot_be_removed(event_loop: &EventLoop) {
    let (_far, near) = pair();
    assert!(!event_loop.remove_reader(&near) && !event_loop.remove_writer(&near));
    event_loop.add_reader(near.clone(), || ()).unwrap();
    assert!(!event_loop.remove_writer(&near));
    assert!(event_loop.remove_reader(&near));
}

/// P11: each is called once a turn, and none twice before another.
fn many_ready_descriptors_are_each_called_once_a_turn_p11(event_loop: &EventLoop) {
    let calls: Rc<RefCell<Vec<u32>>> = Rc::new(RefCell::new(vec![0; 300]));
    let pairs: Vec<_> = (0..300).map(|_| pair()).collect();
    for (n, (far, near)) in pairs.iter().enumerate() {
        (&*far).write_all(b"x").unwrap();
        let calls = calls.clone();
        event_loop
            .add_reader(near.clone(), move || calls.borrow_mut()[n] += 1)
            .unwrap();
    }
    one_turn(event_loop);
    assert!(calls.borrow().iter().all(|&calls| calls == 1));
    one_turn(event_loop);
    assert!(calls.borrow().iter().all(|&calls| calls == 2));
    for (_, near) in &pairs {
        assert!(event_loop.remove_reader(near));
    }
}

/// P10: epoll has no readiness for regular files, and says so; nothing is left behind. `poll(2)`
/// calls them ready at all times.
#[test]
fn a_regular_file_is_refused_by_epoll_and_always_ready_with_poll_p10() {
    asyncio_testkit::guarded(|| {
        let file = Rc::new(File::open("Cargo.toml").unwrap());
        let event_loop = scene::on(asyncio_reactor::SelectorKind::Default);
        if event_loop.selector_name() == "epoll" {
            let refused = event_loop.add_reader(file.clone(), || ()).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
            assert_eq!(
                (event_loop.metrics().sources, Rc::strong_count(&file)),
                (0, 1)
            );
        }
        let event_loop = scene::on(asyncio_reactor::SelectorKind::Poll);
        let calls = Rc::new(Cell::new(0));
        let count = calls.clone();
        event_loop
            .add_reader(file, move || count.set(count.get() + 1))
            .unwrap();
        one_turn(&event_loop);
        assert_eq!(calls.get(), 1);
    });
}
