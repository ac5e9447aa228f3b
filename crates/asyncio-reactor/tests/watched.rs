//! Handlers set with `set_reader` and `set_writer`, over every selector.

mod scene;

use asyncio_reactor::{Async, Reactor};
use scene::{MakeSelector, is_poll, turn, turn_until};
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Duration;

on_every_selector! {
    a_reader_is_called_until_the_data_is_read,
    a_writer_is_called_while_there_is_room,
    the_reader_comes_before_the_writer,
    a_replaced_handler_is_returned,
    removing_one_direction_leaves_the_other,
    removing_what_is_not_there_gives_nothing,
    a_removed_handler_is_not_called_by_the_same_dispatch,
    the_source_is_kept_open_and_then_dropped,
    a_hang_up_calls_both_directions,
    a_duplicate_is_a_source_of_its_own_p5,
    a_descriptor_has_one_owner,
    regular_files_are_an_error_and_change_nothing_p10,
    handlers_of_one_wait_keep_the_order_of_the_selector,
    urgent_data_does_not_keep_a_reader_busy_n12,
}

fn pair() -> (UnixStream, Rc<UnixStream>) {
    let (far, near) = UnixStream::pair().unwrap();
    far.set_nonblocking(true).unwrap();
    near.set_nonblocking(true).unwrap();
    (far, Rc::new(near))
}

fn a_reader_is_called_until_the_data_is_read(make: MakeSelector) {
    let reactor = Reactor::with_selector(make());
    let (mut far, near) = pair();
    reactor.set_reader(near.clone(), 'r').unwrap();
    assert!(turn(&reactor).is_empty());

    far.write_all(b"ab").unwrap();
    assert_eq!(turn(&reactor), ['r']);
    assert_eq!(turn(&reactor), ['r'], "nothing was read");
    (&*near).read_exact(&mut [0]).unwrap();
    assert_eq!(turn(&reactor), ['r'], "one of two was read");
    (&*near).read_exact(&mut [0]).unwrap();
    assert!(turn(&reactor).is_empty(), "all was read");
}

fn a_writer_is_called_while_there_is_room(make: MakeSelector) {
    let reactor = Reactor::with_selector(make());
    let (mut far, near) = pair();
    reactor.set_writer(near.clone(), 'w').unwrap();
    assert_eq!(turn(&reactor), ['w']);
    assert_eq!(turn(&reactor), ['w']);

    while (&*near).write(&[0; 4096]).is_ok() {}
    assert!(turn(&reactor).is_empty());
    while far.read(&mut [0; 65536]).is_ok() {}
    assert_eq!(turn(&reactor), ['w']);
}

fn the_reader_comes_before_the_writer(make: MakeSelector) {
    let reactor = Reactor::with_selector(make());
    let (mut far, near) = pair();
    reactor.set_writer(near.clone(), 'w').unwrap();
    reactor.set_reader(near, 'r').unwrap();
    assert_eq!(reactor.sources(), 1);
    far.write_all(b"x").unwrap();
    assert_eq!(turn(&reactor), ['r', 'w']);
}

fn a_replaced_handler_is_returned(make: MakeSelector) {
    let reactor = Reactor::with_selector(make());
    let (mut far, near) = pair();
    assert_eq!(reactor.set_reader(near.clone(), 1).unwrap(), None);
    assert_eq!(reactor.set_writer(near.clone(), 2).unwrap(), None);
    assert_eq!(reactor.set_reader(near.clone(), 3).unwrap(), Some(1));
    assert_eq!(reactor.set_writer(near, 4).unwrap(), Some(2));
    far.write_all(b"x").unwrap();
    assert_eq!(turn(&reactor), [3, 4]);
}

fn removing_one_direction_leaves_the_other(make: MakeSelector) {
    let reactor = Reactor::with_selector(make());
    let (mut far, near) = pair();
    let number = near.as_raw_fd();
    far.write_all(b"x").unwrap();
    reactor.set_reader(near.clone(), 'r').unwrap();
    reactor.set_writer(near, 'w').unwrap();

    assert_eq!(reactor.remove_reader(number), Some('r'));
    assert_eq!(turn(&reactor), ['w']);
    assert_eq!(reactor.remove_reader(number), None);
    assert_eq!(reactor.sources(), 1);
    assert_eq!(reactor.remove_writer(number), Some('w'));
    assert_eq!(reactor.sources(), 0);
    assert!(turn(&reactor).is_empty());
}

fn removing_what_is_not_there_gives_nothing(make: MakeSelector) {
    let reactor: Reactor<()> = Reactor::with_selector(make());
    let (_far, near) = pair();
    assert_eq!(reactor.remove_reader(near.as_raw_fd()), None);
    assert_eq!(reactor.remove_writer(-1), None);
    let awaited = Async::new(&reactor, near).unwrap();
    assert_eq!(reactor.remove_reader(awaited.get_ref().as_raw_fd()), None);
    assert_eq!(reactor.sources(), 1);
}

fn a_removed_handler_is_not_called_by_the_same_dispatch(make: MakeSelector) {
    let reactor = Reactor::with_selector(make());
    let (mut far, near) = pair();
    let number = near.as_raw_fd();
    far.write_all(b"x").unwrap();
    reactor.set_reader(near.clone(), 'r').unwrap();
    reactor.set_writer(near, 'w').unwrap();

    reactor.wait(None).unwrap();
    let mut called = Vec::new();
    reactor.dispatch(|handler| {
        called.push(handler);
        reactor.remove_writer(number);
    });
    assert_eq!(called, ['r']);
}

fn the_source_is_kept_open_and_then_dropped(make: MakeSelector) {
    let reactor = Reactor::with_selector(make());
    let (mut far, near) = pair();
    let number = near.as_raw_fd();
    reactor.set_reader(Rc::clone(&near), ()).unwrap();
    reactor.set_writer(Rc::clone(&near), ()).unwrap();
    reactor.remove_reader(number);
    assert_eq!(Rc::strong_count(&near), 2);
    reactor.remove_writer(number);
    assert_eq!(Rc::strong_count(&near), 1);

    reactor.set_reader(Rc::clone(&near), ()).unwrap();
    drop(near);
    far.write_all(b"x").unwrap();
    assert_eq!(turn(&reactor).len(), 1);
    drop(reactor);
    assert_eq!(far.write(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
}

fn a_hang_up_calls_both_directions(make: MakeSelector) {
    let reactor = Reactor::with_selector(make());
    let (far, near) = pair();
    while (&*near).write(&[0; 4096]).is_ok() {}
    reactor.set_reader(near.clone(), 'r').unwrap();
    reactor.set_writer(near, 'w').unwrap();
    assert!(turn(&reactor).is_empty());
    drop(far);
    assert_eq!(turn(&reactor), ['r', 'w']);
}

/// What is registered is the number, not only what is open under it.
fn a_duplicate_is_a_source_of_its_own_p5(make: MakeSelector) {
    let reactor = Reactor::with_selector(make());
    let (mut far, near) = pair();
    let duplicate = near.try_clone().unwrap();
    let number = near.as_raw_fd();
    reactor.set_reader(near, 'n').unwrap();
    reactor.set_reader(duplicate, 'd').unwrap();
    far.write_all(b"x").unwrap();
    let mut called = turn(&reactor);
    called.sort_unstable();
    assert_eq!(called, ['d', 'n']);

    // Closes the descriptor, while the connection stays open.
    reactor.remove_reader(number);
    assert_eq!(turn(&reactor), ['d']);
}

fn a_descriptor_has_one_owner(make: MakeSelector) {
    let reactor = Reactor::with_selector(make());
    let (mut far, near) = pair();
    let awaited = Async::new(&reactor, near.clone()).unwrap();
    let error = reactor.set_reader(near.clone(), 'r').unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert!(
        error.to_string().contains(&near.as_raw_fd().to_string()),
        "{error}"
    );
    let error = Async::new(&reactor, near.clone()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert_eq!(reactor.sources(), 1);

    // The refused ones have taken nothing from the first.
    far.write_all(b"x").unwrap();
    scene::block_on(&reactor, awaited.readable()).unwrap();
    drop(awaited);
    reactor.set_reader(near.clone(), 'r').unwrap();
    let error = Async::new(&reactor, near).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert_eq!(turn(&reactor), ['r']);
}

fn regular_files_are_an_error_and_change_nothing_p10(make: MakeSelector) {
    let reactor = Reactor::with_selector(make());
    for path in ["Cargo.toml", "/dev/null"] {
        let file = Rc::new(File::open(path).unwrap());
        let number = file.as_raw_fd();
        if is_poll(&reactor) {
            // `poll(2)` watches them: they are always ready.
            reactor.set_reader(file, path).unwrap();
            assert_eq!(turn(&reactor), [path]);
            assert_eq!(reactor.remove_reader(number), Some(path));
            continue;
        }
        let error = reactor.set_reader(file.clone(), path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        let error = reactor.set_writer(file.clone(), path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        let error = Async::new(&reactor, file.clone()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert_eq!(reactor.sources(), 0);
        assert_eq!(reactor.remove_reader(number), None);
        assert_eq!(Rc::strong_count(&file), 1);
    }
    assert!(turn(&reactor).is_empty());
}

fn handlers_of_one_wait_keep_the_order_of_the_selector(make: MakeSelector) {
    let reactor = Reactor::with_selector(make());
    let mut pairs: Vec<_> = (0..16).map(|_| pair()).collect();
    for (index, (_, near)) in pairs.iter().enumerate() {
        reactor.set_reader(near.clone(), index).unwrap();
    }
    // Both epoll, which lists what became ready in that order, and `poll(2)`, which goes through
    // the table, report these in the order of registration.
    for (far, _) in &mut pairs {
        far.write_all(b"x").unwrap();
    }
    assert_eq!(turn(&reactor), (0..16).collect::<Vec<_>>());
}

/// Urgent data is read by nobody here, so it must not count as something to read.
fn urgent_data_does_not_keep_a_reader_busy_n12(make: MakeSelector) {
    let reactor = Reactor::with_selector(make());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut far = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (near, _) = listener.accept().unwrap();
    let near = Rc::new(near);
    reactor.set_reader(near.clone(), ()).unwrap();

    far.write_all(b"a").unwrap();
    turn_until(&reactor, |called| !called.is_empty());
    (&*near).read_exact(&mut [0]).unwrap();
    rustix::net::send(&far, b"!", rustix::net::SendFlags::OOB).unwrap();
    for _ in 0..20 {
        let waited = reactor.wait(Some(Duration::from_millis(1))).unwrap();
        assert_eq!(
            waited.events, 0,
            "this is how a loop gets busy with nothing"
        );
    }
    far.write_all(b"b").unwrap();
    turn_until(&reactor, |called| !called.is_empty());
}
