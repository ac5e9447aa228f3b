//! Accepting: connections that are none any more, more of them than there are descriptors, and
//! ten thousand that come and go.

mod net;

use std::cell::Cell;
use std::future::IntoFuture;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::rc::Rc;
use std::time::Duration;

use asyncio_executor::yield_now;
use asyncio_futures::gather;
use asyncio_loop::{LoopRef, sleep};
use asyncio_testkit::heap::{self, CountingAllocator};
use asyncio_testkit::{Census, Child, cpu_time, in_child};
use asyncio_transports::{create_connection, create_server};
use net::{
    Create, Echo, Recorder, Seen, guarded_run, internet, note_errors, run, serve, serve_with,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::SockRef;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Linux hands such a connection out, and its protocol finds out; others report `ECONNABORTED`,
/// which is passed over. The next one is served in any case.
#[test]
fn a_connection_that_was_reset_before_it_is_accepted_costs_nothing_p13() {
    guarded_run(async |event_loop| {
        let errors = note_errors(&event_loop);
        let seen = Seen::default();
        let (server, address) = serve(&seen).await;
        for _ in 0..10 {
            let reset = TcpStream::connect(address).unwrap();
            SockRef::from(&reset)
                .set_linger(Some(Duration::ZERO))
                .unwrap();
            drop(reset);
            let mut good = TcpStream::connect(address).unwrap();
            good.write_all(b"good").unwrap();
            seen.until("good", 1).await;
            drop(good);
            seen.until("lost", 1).await;
            seen.take();
        }
        server.close();
        server.wait_closed().await;
        assert_eq!(errors.take(), [""; 0]);
    });
}

/// A reader of the listener is called, and nothing is there: somebody else has accepted it.
#[test]
fn readiness_without_a_connection_is_tolerated_p13() {
    guarded_run(async |event_loop| {
        let errors = note_errors(&event_loop);
        let seen = Seen::default();
        let (server, address) = serve(&seen).await;
        let thief = server.sockets()[0]
            .with(|socket| socket.try_clone())
            .unwrap();
        for _ in 0..10 {
            let client = TcpStream::connect(address).unwrap();
            drop((thief.accept().unwrap(), client));
            yield_now().await;
        }
        drop(thief);
        let _client = TcpStream::connect(address).unwrap();
        seen.until("made", 1).await;
        server.close();
        server.abort_clients();
        server.wait_closed().await;
        assert_eq!(errors.take(), [""; 0]);
    });
}

/// The backlog bounds what one turn accepts, so that others have theirs.
#[test]
fn a_turn_accepts_no_more_than_the_backlog_and_one() {
    guarded_run(async |event_loop| {
        let seen = Seen::default();
        let set = |create: Create| create.backlog(9).start_serving(false);
        let (server, address) = serve_with(&seen, set).await;
        // More than the server's own backlog.
        let socket = &server.sockets()[0];
        socket.with(|socket| socket.listen(100)).unwrap();
        let clients: Vec<_> = (0..50)
            .map(|_| TcpStream::connect(address).unwrap())
            .collect();
        let descriptors = || Census::take().descriptors();
        let mut last = descriptors();
        server.start_serving().await.unwrap();
        let mut largest = 0;
        while seen.count("made") < clients.len() {
            yield_now().await;
            let now = descriptors();
            largest = largest.max(now - last);
            last = now;
        }
        assert_eq!(largest, 10);
        assert!(event_loop.metrics().turns > 5);
        server.close();
        server.abort_clients();
        server.wait_closed().await;
    });
}

#[test]
fn no_more_connections_than_the_limit_are_open_at_once() {
    guarded_run(async |event_loop| {
        let errors = note_errors(&event_loop);
        let seen = Seen::default();
        let recorder = seen.clone();
        let server = create_server(move || Recorder::new(&recorder), (["127.0.0.1", "::1"], 0))
            .connections_max(3)
            .await
            .unwrap();
        let sockets = server.sockets();
        let addresses: Vec<_> = sockets
            .iter()
            .map(|it| internet(it.getsockname()))
            .collect();
        let clients: Vec<_> = (0..9)
            .map(|number| TcpStream::connect(addresses[number % 2]).unwrap())
            .collect();
        for round in 1..=3 {
            seen.until("made", 3).await;
            // Full, and it does not spin.
            let turns = event_loop.metrics().turns;
            sleep(Duration::from_millis(5)).await;
            assert!(event_loop.metrics().turns - turns < 10);
            assert_eq!(seen.take(), ["made"; 3], "in round {round}");
            server.close_clients();
            seen.until("lost", 3).await;
            let (lost, made): (Vec<_>, Vec<_>) =
                seen.take().into_iter().partition(|note| note == "lost");
            assert_eq!(lost.len(), 3);
            // Those that came meanwhile.
            made.into_iter().for_each(|note| seen.note(note));
        }
        drop(clients);
        server.close();
        server.wait_closed().await;
        assert_eq!(errors.take(), [""; 0]);
    });
}

/// The limit, the rest and the close meet in every order.
#[test]
fn a_full_server_may_be_closed_and_its_loop_too() {
    guarded_run(async |_| {
        let seen = Seen::default();
        let (server, address) = serve_with(&seen, |create| create.connections_max(1)).await;
        let _clients: Vec<_> = (0..3)
            .map(|_| TcpStream::connect(address).unwrap())
            .collect();
        seen.until("made", 1).await;
        yield_now().await;
        server.close();
        server.abort_clients();
        server.wait_closed().await;
        assert_eq!(seen.take(), ["made", "lost"]);

        let (_server, address) = serve_with(&seen, |create| create.connections_max(1)).await;
        let _clients: Vec<_> = (0..3)
            .map(|_| TcpStream::connect(address).unwrap())
            .collect();
        seen.until("made", 1).await;
        yield_now().await;
        // The loop closes with a connection and a queue.
    });
}

/// Takes all descriptors that are left, but for so many.
fn take_descriptors(but: usize) -> Vec<std::fs::File> {
    let mut taken = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        taken.push(file);
        assert!(taken.len() < 10_000, "there is no limit");
    }
    taken.truncate(taken.len() - but);
    taken
}

/// At the limit for two of the listener's rests: one report, no spinning, and the connections that
/// there are go on. Then the others are served.
#[test]
fn without_descriptors_a_listener_rests_and_goes_on_by_itself_n2() {
    let name = "without_descriptors_a_listener_rests_and_goes_on_by_itself_n2";
    let outcome = Child::new(name).descriptors_max(64).run(|| {
        run(async |event_loop| {
            let errors = note_errors(&event_loop);
            let seen = Seen::default();
            let (server, address) = serve(&seen).await;
            let mut served = TcpStream::connect(address).unwrap();
            seen.until("made", 1).await;
            let taken = take_descriptors(1);
            // It takes the last one; and waits in the listener's queue.
            let mut waiting = TcpStream::connect(address).unwrap();
            errors.until_any().await;
            let before = (cpu_time(), event_loop.metrics().turns, event_loop.time());
            for round in 1..=2 {
                served.write_all(b"served").unwrap();
                seen.until("served", round).await;
                sleep(Duration::from_millis(1250)).await;
            }
            let turns = event_loop.metrics().turns - before.1;
            assert!(turns < 40, "{turns} turns");
            if let (Some(now), Some(before)) = (cpu_time(), before.0) {
                let spent = now - before;
                assert!(spent < Duration::from_millis(125), "{spent:?} of CPU time");
            }
            let told = errors.take();
            assert_eq!(told.len(), 1, "{told:?}");
            let expected = "socket.accept() out of system resource: ";
            assert!(told[0].starts_with(expected), "{told:?}");
            assert!(told[0].contains(&address.to_string()), "{told:?}");
            assert!(server.is_serving());

            drop(taken);
            let freed = event_loop.time();
            waiting.write_all(b"waited").unwrap();
            seen.until("waited", 1).await;
            let took = event_loop.time() - freed;
            assert!(took <= Duration::from_millis(1200), "{took:?}");

            // The next time is news again.
            let taken = take_descriptors(1);
            let _waiting = TcpStream::connect(address).unwrap();
            errors.until_any().await;
            assert_eq!(errors.take().len(), 1);
            drop(taken);
            server.close();
            server.abort_clients();
            server.wait_closed().await;
        });
    });
    if let Some(outcome) = outcome {
        outcome.assert_success();
    }
}

#[test]
fn a_server_that_is_closed_while_its_listener_rests_stays_closed_n2() {
    let name = "a_server_that_is_closed_while_its_listener_rests_stays_closed_n2";
    let outcome = Child::new(name).descriptors_max(64).run(|| {
        run(async |event_loop| {
            let errors = note_errors(&event_loop);
            let seen = Seen::default();
            let (server, address) = serve(&seen).await;
            let timers = event_loop.metrics().timers;
            let taken = take_descriptors(1);
            let _waiting = TcpStream::connect(address).unwrap();
            errors.until_any().await;
            assert_eq!(event_loop.metrics().timers, timers + 1);
            server.close();
            assert_eq!(event_loop.metrics().timers, timers);
            drop(taken);
            sleep(Duration::from_millis(1100)).await;
            assert!(TcpStream::connect(address).is_err());
            assert_eq!(seen.all(), [""; 0]);
            server.wait_closed().await;
        });
    });
    if let Some(outcome) = outcome {
        outcome.assert_success();
    }
}

/// Raises the limit of descriptors as far as it may go, and returns it.
fn raise_descriptor_limit(wanted: u64) -> u64 {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let current = maximum.map_or(wanted, |maximum| maximum.min(wanted));
    let limit = Rlimit {
        current: Some(current),
        maximum,
    };
    setrlimit(Resource::Nofile, limit).unwrap();
    current
}

#[test]
fn ten_thousand_connections_leave_nothing_behind() {
    const CONNECTIONS: usize = 10_000;
    // After those, to see that what is left does not grow.
    const MORE: usize = 1000;
    // Room in tables, for each end.
    const ROOM: usize = 200;
    // Each turn with so many descriptors takes `poll(2)` milliseconds.
    const TOGETHER: usize = 250;
    in_child("ten_thousand_connections_leave_nothing_behind", || {
        // Both ends are ours. Where so many are not allowed, they come in several rounds.
        let limit = raise_descriptor_limit(20_200);
        let at_once = usize::try_from((limit - 100) / 2).unwrap();
        run(async |event_loop: LoopRef| {
            let count = Rc::new(Cell::new(0));
            let made = count.clone();
            let factory = move || {
                made.set(made.get() + 1);
                Echo::default()
            };
            let server = create_server(factory, ("127.0.0.1", 0));
            let server = server.backlog(250).await.unwrap();
            let address = internet(server.sockets()[0].getsockname());
            let before = (Census::take().descriptors(), event_loop.metrics().sources);
            let bytes_before = heap::live_bytes();
            let mut left = Vec::new();
            for total in [CONNECTIONS, CONNECTIONS + MORE, CONNECTIONS + 2 * MORE] {
                while count.get() < total {
                    let mut clients = Vec::new();
                    let missing = at_once.min(total - count.get());
                    while clients.len() < missing {
                        let connecting = (0..TOGETHER.min(missing - clients.len()))
                            .map(|_| create_connection(Echo::default, address).into_future());
                        for connected in gather(connecting).await.unwrap() {
                            clients.push(connected.unwrap().0);
                        }
                    }
                    // All ways to end: in order and at once, from either side.
                    for (number, client) in clients.into_iter().enumerate() {
                        match number % 3 {
                            0 => client.close(),
                            1 => client.abort(),
                            _ => {}
                        }
                    }
                    server.close_clients();
                    while event_loop.metrics().sources > before.1 {
                        sleep(Duration::from_millis(1)).await;
                    }
                }
                assert_eq!(count.get(), total);
                assert_eq!(Census::take().descriptors(), before.0);
                left.push(heap::live_bytes().saturating_sub(bytes_before));
            }
            assert!(heap::is_installed());
            assert!(left[0] <= at_once * 2 * ROOM, "{left:?} for {at_once}");
            assert!(left[2] <= left[1] + 1000, "{left:?}");
            server.close();
            server.wait_closed().await;
            let metrics = event_loop.metrics();
            assert_eq!((metrics.timers, metrics.tasks), (0, 1));
        });
    });
}

/// Peers that connect and leave at once, as a port scan does.
#[test]
fn peers_that_leave_at_once_leave_nothing_behind() {
    guarded_run(async |event_loop| {
        let errors = note_errors(&event_loop);
        let seen = Seen::default();
        let (server, address) = serve(&seen).await;
        for round in 1..=20 {
            for _ in 0..50 {
                drop(TcpStream::connect(address).unwrap());
            }
            seen.until("lost", 50 * round).await;
        }
        let mut last = TcpStream::connect(address).unwrap();
        server.shutdown(Duration::ZERO).await;
        assert!(matches!(last.read(&mut [0]), Ok(0) | Err(_)));
        assert_eq!(errors.take(), [""; 0]);
    });
}
