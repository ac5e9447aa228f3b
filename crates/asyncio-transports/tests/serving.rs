//! `create_server` and `Server`: what is accepted, and how it is closed.

mod net;

use std::cell::{Cell, RefCell};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::rc::Rc;
use std::time::Duration;

use asyncio_executor::ContextVar;
use asyncio_futures::move_on_after;
use asyncio_loop::sleep;
use asyncio_transports::{AfterEof, Protocol, Transport, create_connection, create_server};
use net::{Echo, Recorder, Seen, address, guarded_run, note_errors, serve};

/// Whether this ends before anything else has to happen.
async fn ends<F: Future>(future: F) -> bool {
    move_on_after(Duration::ZERO, future).await.is_some()
}

#[test]
fn connections_get_protocols_of_their_own() {
    guarded_run(async |_| {
        let server = create_server(Echo::default, ("127.0.0.1", 0))
            .await
            .unwrap();
        assert!(server.is_serving());
        let seen = Seen::default();
        for count in 1..=3 {
            let recorder = Recorder::new(&seen);
            let (transport, _) = create_connection(|| recorder, address(&server))
                .await
                .unwrap();
            let _ = transport.write(b"hello");
            seen.until("hello", count).await;
        }
        server.close();
        assert!(!server.is_serving());
        server.close_clients();
        server.wait_closed().await;
        seen.until("lost", 3).await;
    });
}

/// Since Python 3.15: a copy of the context in which the server was made, one for each connection.
#[test]
fn all_calls_of_a_connection_run_in_one_context() {
    static NUMBER: ContextVar<u32> = ContextVar::new("number");
    static COUNT: ContextVar<u32> = ContextVar::new("count");

    struct Counter(Rc<RefCell<Vec<(u32, u32)>>>, Seen);
    impl Counter {
        fn count(&self) {
            let count = COUNT.get().unwrap_or(0) + 1;
            COUNT.set(count);
            let number = NUMBER.get().unwrap_or(0);
            self.0.borrow_mut().push((number, count));
        }
    }
    impl Protocol for Counter {
        fn connection_made(&mut self, _: Rc<dyn Transport>) {
            self.count();
        }
        fn data_received(&mut self, _: &[u8]) {
            self.count();
        }
        fn eof_received(&mut self) -> AfterEof {
            self.count();
            AfterEof::Close
        }
        fn connection_lost(&mut self, _: Option<io::Error>) {
            self.count();
            self.1.note("lost");
        }
    }

    guarded_run(async |_| {
        let seen = Seen::default();
        let counts = Rc::new(RefCell::new(Vec::new()));
        NUMBER.set(7);
        let factory = {
            let (counts, seen) = (counts.clone(), seen.clone());
            move || {
                COUNT.set(0);
                Counter(counts.clone(), seen.clone())
            }
        };
        let server = create_server(factory, ("127.0.0.1", 0)).await.unwrap();
        NUMBER.set(8);
        for connection in 1..=2 {
            let mut client = TcpStream::connect(address(&server)).unwrap();
            client.write_all(b"x").unwrap();
            drop(client);
            seen.until("lost", connection).await;
            assert_eq!(counts.take(), [(7, 1), (7, 2), (7, 3), (7, 4)]);
        }
        assert_eq!(COUNT.get(), None);
        server.close();
    });
}

/// Also where nobody has set a variable before: what a connection sets is its own, and stays.
#[test]
fn what_a_connection_sets_is_its_own() {
    static NAME: ContextVar<u32> = ContextVar::new("name");

    struct Named(Rc<Cell<u32>>, Seen);
    impl Protocol for Named {
        fn connection_made(&mut self, _: Rc<dyn Transport>) {
            assert_eq!(NAME.get(), None);
            self.0.set(self.0.get() + 1);
            NAME.set(self.0.get());
            self.1.note("made");
        }
        fn data_received(&mut self, _: &[u8]) {
            self.1.note(format!("{:?}", NAME.get()));
        }
    }

    guarded_run(async |event_loop| {
        let errors = note_errors(&event_loop);
        let (seen, count) = (Seen::default(), Rc::new(Cell::new(0)));
        let factory = {
            let (seen, count) = (seen.clone(), count.clone());
            move || Named(count.clone(), seen.clone())
        };
        let server = create_server(factory, ("127.0.0.1", 0)).await.unwrap();
        let address = address(&server);
        let mut first = TcpStream::connect(address).unwrap();
        seen.until("made", 1).await;
        let mut second = TcpStream::connect(address).unwrap();
        seen.until("made", 2).await;
        first.write_all(b"x").unwrap();
        seen.until("Some(1)", 1).await;
        second.write_all(b"x").unwrap();
        seen.until("Some(2)", 1).await;
        assert_eq!(NAME.get(), None);
        server.close();
        server.abort_clients();
        server.wait_closed().await;
        assert_eq!(errors.take(), [""; 0]);
    });
}

#[test]
fn a_server_may_begin_later() {
    guarded_run(async |_| {
        let seen = Seen::default();
        let recorder = seen.clone();
        let server = create_server(move || Recorder::new(&recorder), ("127.0.0.1", 0))
            .start_serving(false)
            .await
            .unwrap();
        assert!(!server.is_serving());
        let refused = TcpStream::connect(address(&server)).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        server.start_serving().await.unwrap();
        server.start_serving().await.unwrap();
        assert!(server.is_serving());
        let _client = TcpStream::connect(address(&server)).unwrap();
        seen.until("made", 1).await;
        server.close();
        server.abort_clients();
        server.wait_closed().await;
    });
}

#[test]
fn close_stops_listening_and_leaves_connections() {
    guarded_run(async |_| {
        let seen = Seen::default();
        let (server, address) = serve(&seen).await;
        let mut client = TcpStream::connect(address).unwrap();
        seen.until("made", 1).await;
        server.close();
        server.close();
        assert!(server.sockets().is_empty());
        let refused = TcpStream::connect(address).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        client.write_all(b"still here").unwrap();
        seen.until("still here", 1).await;
        drop(client);
        seen.until("lost", 1).await;
    });
}

/// CPython: `test_wait_closed_basic`, and gh-104344.
#[test]
fn wait_closed_waits_for_the_close_and_for_the_connections() {
    guarded_run(async |event_loop| {
        let seen = Seen::default();
        let (server, address) = serve(&seen).await;
        // Not closed, no connections.
        assert!(!ends(server.wait_closed()).await);
        let client = TcpStream::connect(address).unwrap();
        seen.until("made", 1).await;
        let waiter = event_loop.create_task({
            let server = server.clone();
            async move { server.wait_closed().await }
        });
        server.close();
        // Closed, a connection.
        assert!(!ends(server.wait_closed()).await);
        assert!(!waiter.done());
        drop(client);
        waiter.await.unwrap();
        // Both, and for everybody who asks later.
        assert!(ends(server.wait_closed()).await);
    });
}

/// CPython: `test_wait_closed_race`. The last connection ends while the server is being closed.
#[test]
fn wait_closed_ends_in_whichever_order_both_happen() {
    for close_first in [false, true] {
        guarded_run(async |event_loop| {
            let seen = Seen::default();
            let (server, address) = serve(&seen).await;
            let client = TcpStream::connect(address).unwrap();
            seen.until("made", 1).await;
            let waiter = event_loop.create_task({
                let server = server.clone();
                async move { server.wait_closed().await }
            });
            if close_first {
                server.close();
            }
            drop(client);
            seen.until("lost", 1).await;
            server.close();
            waiter.await.unwrap();
        });
    }
}

#[test]
fn close_clients_writes_what_is_left_and_abort_clients_does_not() {
    guarded_run(async |_| {
        let seen = Seen::default();
        for abort in [false, true] {
            let (server, address) = serve(&seen).await;
            let clients: Vec<_> = (0..3)
                .map(|_| TcpStream::connect(address).unwrap())
                .collect();
            seen.until("made", 3).await;
            match abort {
                false => server.close_clients(),
                true => server.abort_clients(),
            }
            seen.until("lost", 3).await;
            for mut client in clients {
                assert!(matches!(client.read(&mut [0]), Ok(0) | Err(_)));
            }
            seen.take();
            // It still listens.
            let _client = TcpStream::connect(address).unwrap();
            seen.until("made", 1).await;
            server.close();
            server.abort_clients();
            server.wait_closed().await;
            seen.take();
        }
    });
}

#[test]
fn a_factory_that_panics_costs_one_connection() {
    guarded_run(async |event_loop| {
        let errors = note_errors(&event_loop);
        let seen = Seen::default();
        let count = Cell::new(0);
        let recorder = seen.clone();
        let factory = move || {
            count.set(count.get() + 1);
            assert!(count.get() != 2, "no more protocols");
            Recorder::new(&recorder)
        };
        let server = create_server(factory, ("127.0.0.1", 0)).await.unwrap();
        let mut clients: Vec<_> = (0..3)
            .map(|_| TcpStream::connect(address(&server)).unwrap())
            .collect();
        seen.until("made", 2).await;
        assert_eq!(clients[1].read(&mut [0]).unwrap(), 0);
        let told = errors.take();
        assert_eq!(told.len(), 1);
        assert!(
            told[0].starts_with(
                "error on transport creation for incoming connection: panicked: no more protocols"
            ),
            "{told:?}"
        );
        server.close();
        server.abort_clients();
        server.wait_closed().await;
    });
}

#[test]
fn cancelled_while_it_begins_nothing_listens() {
    guarded_run(async |event_loop| {
        let probe = net::refusing().1;
        let starting = create_server(Echo::default, probe);
        let task = event_loop.create_task(async move { starting.await.map(drop) });
        sleep(Duration::ZERO).await;
        // It listens already, and waits for its turn.
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert!(TcpStream::connect(probe).is_err());
    });
}
