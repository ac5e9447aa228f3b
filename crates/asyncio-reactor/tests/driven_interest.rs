//! What the handler of a driven source is handed out for, over every selector: an event of a
//! direction that is not wanted any more must not make the other one deaf, and errors are told to
//! one that wants nothing.

mod scene;

use asyncio_reactor::{Interest, Reactor, Readiness};
use scene::{MakeSelector, turn};
use std::io::Write;
use std::os::unix::net::UnixStream;

on_every_selector! {
    a_direction_that_is_not_wanted_any_more_leaves_the_other,
    an_error_is_told_once_to_one_that_wants_nothing,
    an_error_is_told_behind_data_that_is_not_wanted_any_more,
    a_hang_up_is_not_told_again_and_again_to_one_that_wants_nothing,
}

fn a_direction_that_is_not_wanted_any_more_leaves_the_other(make: MakeSelector) {
    let reactor = Reactor::with_selector(make());
    let (mut far, near) = UnixStream::pair().unwrap();
    let driven = reactor.drive(near, 'd').unwrap();
    driven.want(Interest::BOTH).unwrap();
    driven.want(Interest::READABLE).unwrap();
    // There is room to write, and nobody wants it.
    assert!(turn(&reactor).is_empty());
    assert!(turn(&reactor).is_empty());
    far.write_all(b"x").unwrap();
    assert_eq!(turn(&reactor), ['d']);
    assert!(driven.begin().readable);
}

/// The peer goes, and what was sent to it lies there unread: a reset.
fn reset(far: UnixStream, mut near: &UnixStream) {
    near.write_all(b"unread").unwrap();
    drop(far);
}

fn an_error_is_told_once_to_one_that_wants_nothing(make: MakeSelector) {
    let reactor = Reactor::with_selector(make());
    let (far, near) = UnixStream::pair().unwrap();
    let driven = reactor.drive(near, 'd').unwrap();
    driven.want(Interest::NONE).unwrap();
    let _ = (turn(&reactor), driven.take_readiness());
    reset(far, driven.get_ref());
    assert_eq!(turn(&reactor), ['d']);
    assert!(driven.begin().broken);
    driven.want(Interest::NONE).unwrap();
    assert!(turn(&reactor).is_empty());
    assert_eq!(driven.take_readiness(), Readiness::default());
}

fn an_error_is_told_behind_data_that_is_not_wanted_any_more(make: MakeSelector) {
    let reactor = Reactor::with_selector(make());
    let (mut far, near) = UnixStream::pair().unwrap();
    let driven = reactor.drive(near, 'd').unwrap();
    driven.want(Interest::READABLE).unwrap();
    driven.want(Interest::NONE).unwrap();
    far.write_all(b"not wanted").unwrap();
    assert!(turn(&reactor).is_empty());
    reset(far, driven.get_ref());
    assert_eq!(turn(&reactor), ['d']);
    assert!(driven.begin().broken);
}

fn a_hang_up_is_not_told_again_and_again_to_one_that_wants_nothing(make: MakeSelector) {
    let reactor = Reactor::with_selector(make());
    let (far, near) = UnixStream::pair().unwrap();
    let driven = reactor.drive(near, 'd').unwrap();
    driven.want(Interest::NONE).unwrap();
    drop(far);
    // No error: the end, which somebody has to ask for.
    assert!(turn(&reactor).is_empty());
    let _ = driven.take_readiness();
    driven.want(Interest::NONE).unwrap();
    assert!(turn(&reactor).is_empty());
    assert_eq!(driven.take_readiness(), Readiness::default());
    driven.want(Interest::READABLE).unwrap();
    if !turn(&reactor).is_empty() {
        assert!(driven.begin().readable);
    }
}
