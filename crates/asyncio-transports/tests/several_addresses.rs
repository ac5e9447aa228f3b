//! `create_connection` to a name with several addresses: Happy Eyeballs.

mod net;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use asyncio_futures::timeout;
use asyncio_loop::ConnectError;
use asyncio_testkit::for_each_seed;
use asyncio_transports::{ConnectErrors, PeerName, create_connection};
use net::{Echo, Silent, guarded_run, listener, refusing, run, unreachable};

/// So short that what follows is a race.
const AT_ONCE: Duration = Duration::from_millis(1);

#[test]
fn the_errors_of_all_attempts_are_kept_n9() {
    guarded_run(async |_| {
        let (_bound, first) = refusing();
        let (_bound, second) = refusing();
        let addresses = vec![first, second, unreachable()];
        for delay in [None, Some(Duration::ZERO), Some(Duration::from_secs(9))] {
            let error = create_connection(Echo::default, addresses.clone())
                .happy_eyeballs_delay(delay)
                .await
                .unwrap_err();
            let errors: ConnectErrors = error.downcast().unwrap();
            let kinds: Vec<_> = errors.errors().iter().map(io::Error::kind).collect();
            let refused = io::ErrorKind::ConnectionRefused;
            let unreachable = io::ErrorKind::NetworkUnreachable;
            assert_eq!(kinds, [refused, refused, unreachable], "{delay:?}");
            let text = errors.to_string();
            assert!(
                text.starts_with("multiple exceptions: connect to "),
                "{text}"
            );
        }
        // The same error twice is one, unless all of them are asked for.
        let twice = vec![first, first];
        let error = create_connection(Echo::default, twice.clone())
            .await
            .unwrap_err();
        assert!(error.downcast::<ConnectError>().is_ok());
        let error = create_connection(Echo::default, twice)
            .all_errors(true)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(error.downcast::<ConnectErrors>().unwrap().errors().len(), 2);
    });
}

/// A name with two addresses, of which the first does not answer.
#[test]
fn an_address_that_does_not_answer_does_not_hold_up_the_next_n9_n15() {
    let silent = Silent::new();
    guarded_run(async |_| {
        let (_listener, address) = listener();
        let (_bound, refused) = refusing();
        let addresses = vec![silent.address, refused, address];
        let (transport, _) = create_connection(Echo::default, addresses)
            .happy_eyeballs_delay(AT_ONCE)
            .await
            .unwrap();
        let peer = transport.get_extra_info::<PeerName>().unwrap().0;
        assert_eq!(peer.as_socket(), Some(address));
        transport.close();
    });
}

#[test]
fn the_next_attempt_comes_after_250_ms() {
    let silent = Silent::new();
    run(async |event_loop| {
        let (_listener, address) = listener();
        let began = event_loop.time();
        let to = vec![silent.address, address];
        let (transport, _) = create_connection(Echo::default, to).await.unwrap();
        assert!(event_loop.time() - began >= Duration::from_millis(250));
        transport.close();
    });
}

#[test]
fn without_a_delay_an_attempt_waits_for_the_one_before_to_fail() {
    let silent = Silent::new();
    run(async |_| {
        let (listener, address) = listener();
        let sequential = create_connection(Echo::default, vec![silent.address, address])
            .happy_eyeballs_delay(None);
        assert!(
            timeout(Duration::from_millis(300), sequential)
                .await
                .is_err()
        );
        listener.set_nonblocking(true).unwrap();
        assert!(listener.accept().is_err());
    });
}

/// Families take turns, so that the second address tried is the first of the other family.
#[test]
fn families_take_turns() {
    let tried = async |interleave: Option<usize>, delay: Option<Duration>| {
        let addresses: Vec<SocketAddr> = ["[::1]:1", "[::1]:2", "[::1]:3", "127.0.0.1:1"]
            .map(|it| it.parse().unwrap())
            .into();
        let mut connecting = create_connection(Echo::default, addresses)
            .happy_eyeballs_delay(delay)
            .all_errors(true);
        if let Some(count) = interleave {
            connecting = connecting.interleave(count);
        }
        let error = connecting.await.unwrap_err();
        let errors = error.downcast::<ConnectErrors>().unwrap().into_errors();
        let errors = errors
            .into_iter()
            .map(|it| it.downcast::<ConnectError>().unwrap());
        errors.map(|it| it.address.to_string()).collect::<Vec<_>>()
    };
    run(async |_| {
        let delay = Some(Duration::from_secs(9));
        let as_given = ["[::1]:1", "[::1]:2", "[::1]:3", "127.0.0.1:1"];
        let in_turn = ["[::1]:1", "127.0.0.1:1", "[::1]:2", "[::1]:3"];
        assert_eq!(tried(None, delay).await, in_turn);
        assert_eq!(tried(Some(1), None).await, in_turn);
        assert_eq!(tried(None, None).await, as_given);
        assert_eq!(tried(Some(0), delay).await, as_given);
        let second = ["[::1]:1", "[::1]:2", "127.0.0.1:1", "[::1]:3"];
        assert_eq!(tried(Some(2), delay).await, second);
    });
}

/// Several attempts succeed in one turn, in ten thousand random races (the pack runs each twice): one is kept, the sockets of
/// the others are closed.
#[test]
fn of_several_winners_one_is_kept_n9() {
    let mut rounds = Vec::new();
    for_each_seed(5000, |rng| rounds.push(rng.clone()));
    guarded_run(async |_| {
        let listeners: Vec<_> = (0..3).map(|_| listener()).collect();
        let (_bound, refused) = refusing();
        for mut rng in rounds.clone() {
            let mut addresses: Vec<_> = listeners.iter().map(|(_, address)| *address).collect();
            addresses.push(refused);
            rng.shuffle(&mut addresses);
            let delay = [None, Some(Duration::ZERO), Some(AT_ONCE)][rng.index(3)];
            let (transport, _) = create_connection(Echo::default, addresses)
                .happy_eyeballs_delay(delay)
                .await
                .unwrap();
            transport.abort();
            for (listener, _) in &listeners {
                listener.set_nonblocking(true).unwrap();
                while listener.accept().is_ok() {}
            }
        }
    });
}
