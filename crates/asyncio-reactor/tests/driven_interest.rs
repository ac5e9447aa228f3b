//! What the handler of a driven source is handed out for, over every selector: an event of a
//! direction that is not wanted any more must not make the other one deaf.

mod scene;

use asyncio_reactor::{Interest, Reactor};
use scene::{MakeSelector, turn};
use std::io::Write;
use std::os::unix::net::UnixStream;

on_every_selector! {
    a_direction_that_is_not_wanted_any_more_leaves_the_other,
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
