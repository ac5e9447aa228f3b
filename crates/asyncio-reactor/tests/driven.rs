//! Sources that one handler drives, over every selector.

mod scene;

use asyncio_reactor::{Driven, Interest, Reactor};
use scene::{MakeSelector, turn};
use std::cell::Cell;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Duration;

on_every_selector! {
    a_handler_is_handed_out_once_until_it_has_begun,
    what_was_reported_is_kept_until_it_is_asked_for,
    nothing_is_handed_out_that_is_not_wanted,
    a_handler_can_be_had_without_an_event_but_not_twice,
    the_end_of_the_stream_is_readiness_to_read,
    a_reset_is_told_as_such,
    who_only_reads_begins_for_data_and_for_the_end,
    dropping_it_drops_handler_and_source_and_events_under_way,
    a_descriptor_is_driven_or_watched_not_both,
    a_reactor_that_closes_gets_the_handlers_back,
    the_handler_may_own_what_drives_it,
}

fn pair<H>(reactor: &Reactor<H>, handler: H) -> (UnixStream, Driven<UnixStream, H>) {
    let (far, near) = UnixStream::pair().unwrap();
    (far, reactor.drive(near, handler).unwrap())
}

fn read<H>(driven: &Driven<UnixStream, H>) -> Result<usize, ErrorKind> {
    let read = driven.get_ref().read(&mut [0; 64]);
    read.map_err(|error| error.kind())
}

fn a_handler_is_handed_out_once_until_it_has_begun(make: MakeSelector) {
    let reactor = Reactor::with_selector(make());
    let (mut far, driven) = pair(&reactor, 'd');
    driven.want(Interest::READABLE).unwrap();
    far.write_all(b"one").unwrap();
    assert_eq!(turn(&reactor), ['d']);
    far.write_all(b"two").unwrap();
    assert!(turn(&reactor).is_empty());
    assert!(driven.begin().readable);
    assert_eq!(read(&driven), Ok(6));
    assert_eq!(read(&driven), Err(ErrorKind::WouldBlock));
    driven.want(Interest::READABLE).unwrap();
    assert!(turn(&reactor).is_empty());
    far.write_all(b"three").unwrap();
    assert_eq!(turn(&reactor), ['d']);
}

fn what_was_reported_is_kept_until_it_is_asked_for(make: MakeSelector) {
    let reactor = Reactor::with_selector(make());
    let (mut far, driven) = pair(&reactor, 'd');
    driven.want(Interest::BOTH).unwrap();
    far.write_all(b"x").unwrap();
    assert_eq!(turn(&reactor), ['d']);
    let ready = driven.take_readiness();
    assert!(ready.readable && ready.writable && !ready.broken);
    assert!(!driven.take_readiness().readable);
    assert!(turn(&reactor).is_empty(), "that was no beginning");
}

fn nothing_is_handed_out_that_is_not_wanted(make: MakeSelector) {
    let reactor = Reactor::with_selector(make());
    let (mut far, driven) = pair(&reactor, 'd');
    far.write_all(b"x").unwrap();
    assert!(turn(&reactor).is_empty());
    driven.want(Interest::WRITABLE).unwrap();
    let ready = driven.take_readiness();
    // With edges, both were reported before anybody wanted them; without, nothing was.
    if ready.writable {
        assert!(ready.readable && turn(&reactor).is_empty());
    } else {
        assert_eq!(turn(&reactor), ['d']);
    }
}

fn a_handler_can_be_had_without_an_event_but_not_twice(make: MakeSelector) {
    let reactor = Reactor::with_selector(make());
    let (mut far, driven) = pair(&reactor, 'd');
    driven.want(Interest::READABLE).unwrap();
    assert_eq!(driven.queue(), Some('d'));
    assert_eq!(driven.queue(), None);
    far.write_all(b"x").unwrap();
    assert!(turn(&reactor).is_empty(), "it is on its way");
    assert!(driven.begin().readable);
    assert_eq!(driven.queue(), Some('d'));
}

fn the_end_of_the_stream_is_readiness_to_read(make: MakeSelector) {
    let reactor = Reactor::with_selector(make());
    let (mut far, driven) = pair(&reactor, 'd');
    driven.want(Interest::READABLE).unwrap();
    far.write_all(b"last").unwrap();
    far.shutdown(Shutdown::Write).unwrap();
    assert_eq!(turn(&reactor), ['d']);
    let ready = driven.begin();
    assert!(ready.readable && !ready.broken);
    assert_eq!(read(&driven), Ok(4));
    if !ready.read_closed {
        // The selector reports the end anew, once somebody asks.
        driven.want(Interest::READABLE).unwrap();
        assert_eq!(turn(&reactor), ['d']);
    }
    assert_eq!(read(&driven), Ok(0));
}

fn a_reset_is_told_as_such(make: MakeSelector) {
    let reactor = Reactor::with_selector(make());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let far = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (near, _) = listener.accept().unwrap();
    let driven = reactor.drive(near, 'd').unwrap();
    driven.want(Interest::READABLE).unwrap();
    // A close with something unread is a reset.
    driven.get_ref().write_all(b"unread").unwrap();
    drop(far);
    assert_eq!(turn(&reactor), ['d']);
    assert!(
        driven.begin_to_read().is_none(),
        "nor does who only reads begin for it"
    );
    let ready = driven.begin();
    assert!(ready.broken && ready.readable && ready.writable);
}

fn who_only_reads_begins_for_data_and_for_the_end(make: MakeSelector) {
    let reactor = Reactor::with_selector(make());
    let (mut far, driven) = pair(&reactor, 'd');
    driven.want(Interest::READABLE).unwrap();
    assert!(driven.begin_to_read().is_none());
    far.write_all(b"one").unwrap();
    assert_eq!(turn(&reactor), ['d']);
    assert!(driven.begin_to_read().unwrap().readable);
    assert!(driven.begin_to_read().is_none(), "it has begun");
    assert_eq!(read(&driven), Ok(3));
    driven.want(Interest::READABLE).unwrap();
    far.shutdown(Shutdown::Write).unwrap();
    assert_eq!(turn(&reactor), ['d'], "it was not queued any more");
    assert!(driven.begin_to_read().unwrap().read_closed);
}

fn dropping_it_drops_handler_and_source_and_events_under_way(make: MakeSelector) {
    let reactor = Reactor::with_selector(make());
    let handler = Rc::new(());
    let (mut far, driven) = pair(&reactor, Rc::clone(&handler));
    driven.want(Interest::READABLE).unwrap();
    far.write_all(b"x").unwrap();
    reactor.wait(Some(Duration::ZERO)).unwrap();
    drop(driven);
    assert_eq!(Rc::strong_count(&handler), 1);
    assert_eq!(reactor.sources(), 0);
    reactor.dispatch(|_| panic!("nobody is there"));
    assert_eq!(far.write(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
}

fn a_descriptor_is_driven_or_watched_not_both(make: MakeSelector) {
    let reactor = Reactor::with_selector(make());
    let (_far, driven) = pair(&reactor, 'd');
    let again = driven.get_ref().try_clone().unwrap();
    // The number is what counts; a duplicate has one of its own.
    let other = reactor.drive(again, 'e').unwrap();
    drop(other);
    let shared = Rc::new(UnixStream::pair().unwrap().0);
    let _driven = reactor.drive(Rc::clone(&shared), 'f').unwrap();
    let refused = reactor.set_reader(shared, 'g').unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
}

fn a_reactor_that_closes_gets_the_handlers_back(make: MakeSelector) {
    let reactor = Reactor::with_selector(make());
    let (mut far, driven) = pair(&reactor, 'd');
    let (_other_far, _other) = pair(&reactor, 'e');
    driven.want(Interest::READABLE).unwrap();
    let mut handlers = reactor.take_driven();
    handlers.sort_unstable();
    assert_eq!(handlers, ['d', 'e']);
    far.write_all(b"x").unwrap();
    assert!(turn(&reactor).is_empty());
    assert_eq!(driven.queue(), None);
}

fn the_handler_may_own_what_drives_it(make: MakeSelector) {
    #[derive(Default)]
    struct Holder(Cell<Option<Driven<UnixStream, Rc<Holder>>>>);
    let reactor: Reactor<Rc<Holder>> = Reactor::with_selector(make());
    let holder = Rc::new(Holder::default());
    let (_far, near) = UnixStream::pair().unwrap();
    holder
        .0
        .set(Some(reactor.drive(near, Rc::clone(&holder)).unwrap()));
    // What breaks the cycle is that the handler lets go.
    drop(holder.0.take());
    assert_eq!(Rc::strong_count(&holder), 1);
    assert_eq!(reactor.sources(), 0);
}
