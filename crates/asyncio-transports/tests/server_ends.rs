//! How a server ends: by `serve_forever`, by `shutdown`, by its own factory, with its loop.

mod net;

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::rc::Rc;
use std::time::Duration;

use asyncio_executor::{catch_cancelled, yield_now};
use asyncio_futures::{move_on_after, timeout};
use asyncio_transports::{Server, create_connection, create_server};
use net::{Echo, Recorder, Seen, address, guarded_run, run, run_on, serve};

/// Whether this ends before anything else has to happen.
async fn ends<F: Future>(future: F) -> bool {
    move_on_after(Duration::ZERO, future).await.is_some()
}

#[test]
fn serve_forever_ends_when_the_server_is_closed() {
    guarded_run(async |event_loop| {
        let seen = Seen::default();
        let server = create_server(Echo::default, ("127.0.0.1", 0)).start_serving(false);
        let server = server.await.unwrap();
        let serving = event_loop.create_task({
            let server = server.clone();
            async move { server.serve_forever().await }
        });
        yield_now().await;
        assert!(server.is_serving());
        let recorder = Recorder::new(&seen);
        let (transport, _) = create_connection(|| recorder, address(&server))
            .await
            .unwrap();
        let _ = transport.write(b"there");
        seen.until("there", 1).await;
        server.close();
        for _ in 0..10 {
            yield_now().await;
        }
        // It has not closed the connection.
        assert!(!serving.done());
        transport.close();
        serving.await.unwrap().unwrap();
    });
}

/// Since Python 3.15: its connections, too.
#[test]
fn serve_forever_that_is_cancelled_closes_the_server_and_its_connections() {
    guarded_run(async |event_loop| {
        let seen = Seen::default();
        let (server, address) = serve(&seen).await;
        let serving = event_loop.create_task({
            let server = server.clone();
            async move {
                let Err(cancelled) = catch_cancelled(server.serve_forever()).await else {
                    panic!("it has ended");
                };
                assert!(ends(server.wait_closed()).await);
                cancelled.reraise().await;
            }
        });
        let mut client = TcpStream::connect(address).unwrap();
        seen.until("made", 1).await;
        serving.cancel();
        assert!(serving.await.unwrap_err().is_cancelled());
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
        assert!(!server.is_serving());
        assert_eq!(seen.all(), ["made", "lost"]);
    });
}

#[test]
fn serve_forever_is_for_one_and_not_for_a_closed_server() {
    run(async |event_loop| {
        let (server, _) = serve(&Seen::default()).await;
        let serving = event_loop.create_task({
            let server = server.clone();
            async move { server.serve_forever().await }
        });
        yield_now().await;
        let error = server.serve_forever().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(
            error
                .to_string()
                .ends_with("is already being awaited on serve_forever()")
        );
        serving.cancel();
        assert!(serving.await.unwrap_err().is_cancelled());
        for error in [
            server.serve_forever().await.unwrap_err(),
            server.start_serving().await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
            assert!(error.to_string().ends_with("is closed"), "{error}");
        }
    });
}

#[test]
fn shutdown_gives_connections_time_and_reports() {
    guarded_run(async |event_loop| {
        let seen = Seen::default();
        let (server, address) = serve(&seen).await;
        let mut clients: Vec<_> = (0..5)
            .map(|_| TcpStream::connect(address).unwrap())
            .collect();
        seen.until("made", 5).await;
        let stays = clients.split_off(3);
        let shutdown = event_loop.create_task({
            let server = server.clone();
            async move { server.shutdown(Duration::from_millis(50)).await }
        });
        yield_now().await;
        assert!(!server.is_serving());
        drop(clients);
        let report = shutdown.await.unwrap();
        assert_eq!((report.ended, report.aborted), (3, 2));
        assert!(report.took >= Duration::from_millis(50));
        assert_eq!(seen.count("lost"), 5);
        for mut client in stays {
            // An abort is a close without waiting.
            assert!(matches!(client.read(&mut [0]), Ok(0) | Err(_)));
        }
        // Nothing is left to wait for.
        let report = server.shutdown(Duration::ZERO).await;
        assert_eq!((report.ended, report.aborted), (0, 0));
    });
}

/// Somebody serves for ever, and somebody else shuts down: nobody is cut off.
#[test]
fn shutdown_ends_serve_forever_in_order() {
    guarded_run(async |event_loop| {
        let seen = Seen::default();
        let (server, address) = serve(&seen).await;
        let serving = event_loop.create_task({
            let server = server.clone();
            async move { server.serve_forever().await }
        });
        let mut client = TcpStream::connect(address).unwrap();
        seen.until("made", 1).await;
        let shutdown = event_loop.create_task({
            let server = server.clone();
            async move { server.shutdown(Duration::from_secs(1000)).await }
        });
        while server.is_serving() {
            yield_now().await;
        }
        client.write_all(b"the rest").unwrap();
        seen.until("the rest", 1).await;
        assert!(!serving.done() && !shutdown.done());
        drop(client);
        serving.await.unwrap().unwrap();
        let report = shutdown.await.unwrap();
        assert_eq!((report.ended, report.aborted), (1, 0));
    });
}

#[test]
fn shutdown_that_is_cancelled_leaves_connections() {
    guarded_run(async |_| {
        let seen = Seen::default();
        let (server, address) = serve(&seen).await;
        let mut client = TcpStream::connect(address).unwrap();
        seen.until("made", 1).await;
        let shutdown = server.shutdown(Duration::from_secs(1000));
        assert!(timeout(Duration::from_millis(1), shutdown).await.is_err());
        client.write_all(b"still here").unwrap();
        seen.until("still here", 1).await;
        server.abort_clients();
        server.wait_closed().await;
    });
}

#[test]
fn a_factory_may_close_its_server() {
    guarded_run(async |_| {
        let handle: Rc<RefCell<Option<Server>>> = Rc::default();
        let closing = handle.clone();
        let factory = move || {
            let server = closing.take();
            server.expect("called once").close();
            Echo::default()
        };
        let server = create_server(factory, ("127.0.0.1", 0)).await.unwrap();
        *handle.borrow_mut() = Some(server.clone());
        let address = address(&server);
        let mut first = TcpStream::connect(address).unwrap();
        let mut second = TcpStream::connect(address).unwrap();
        while server.is_serving() {
            yield_now().await;
        }
        // The one that was being accepted lives, the others never were.
        first.write_all(b"x").unwrap();
        second.set_nonblocking(false).unwrap();
        assert!(matches!(second.read(&mut [0]), Ok(0) | Err(_)));
        let echo = asyncio_loop::to_thread(move || {
            let mut echo = [0];
            first.read_exact(&mut echo).unwrap();
            echo
        });
        assert_eq!(echo.await.unwrap(), *b"x");
        server.wait_closed().await;
    });
}

/// The connection for which the factory was called counts, though it is not open yet.
#[test]
fn a_server_that_its_factory_closes_ends_with_the_last_connection() {
    guarded_run(async |_| {
        let seen = Seen::default();
        let handle: Rc<RefCell<Option<Server>>> = Rc::default();
        let (closing, recorder) = (handle.clone(), seen.clone());
        let factory = move || {
            closing.take().expect("called once").close();
            Recorder::new(&recorder)
        };
        let server = create_server(factory, ("127.0.0.1", 0)).await.unwrap();
        *handle.borrow_mut() = Some(server.clone());
        let _client = TcpStream::connect(address(&server)).unwrap();
        seen.until("made", 1).await;
        assert!(!server.is_serving());
        assert!(!ends(server.wait_closed()).await);
        server.close_clients();
        server.wait_closed().await;
        assert_eq!(seen.take(), ["made", "lost"]);
    });
}

/// The loop keeps a server that listens; when it closes, nothing is left.
#[test]
fn a_server_outlives_its_handles_and_not_its_loop() {
    net::alone();
    asyncio_testkit::guarded(|| {
        let event_loop = net::event_loop();
        let seen = Seen::default();
        let mut client = run_on(&event_loop, async |_| {
            let (server, address) = serve(&seen).await;
            drop(server);
            let client = TcpStream::connect(address).unwrap();
            seen.until("made", 1).await;
            client
        });
        event_loop.close();
        assert!(matches!(client.read(&mut [0]), Ok(0) | Err(_)));
    });
}

#[test]
fn a_handle_to_a_server_of_a_closed_loop_is_harmless() {
    net::alone();
    asyncio_testkit::guarded(|| {
        let event_loop = net::event_loop();
        let (server, _) = run_on(&event_loop, async |_| serve(&Seen::default()).await);
        event_loop.close();
        assert!(!server.is_serving());
        assert!(server.sockets().is_empty());
        server.close_clients();
        server.close();
        server.abort_clients();
    });
}

/// Whatever they are doing: listening, or full. A factory that owns its server keeps nothing alive.
#[test]
fn a_loop_that_is_closed_closes_its_servers() {
    net::alone();
    asyncio_testkit::guarded(|| {
        for connections_max in [9, 1] {
            let event_loop = net::event_loop();
            let handle: Rc<RefCell<Option<Server>>> = Rc::default();
            let (server, address) = run_on(&event_loop, async |_| {
                let seen = Seen::default();
                let (owned, recorder) = (handle.clone(), seen.clone());
                let factory = move || {
                    let _ = &owned;
                    Recorder::new(&recorder)
                };
                let server = create_server(factory, ("127.0.0.1", 0))
                    .connections_max(connections_max)
                    .await
                    .unwrap();
                *handle.borrow_mut() = Some(server.clone());
                let address = address(&server);
                let _client = TcpStream::connect(address).unwrap();
                seen.until("made", 1).await;
                for _ in 0..200 {
                    // A poll comes every few dozen turns: it notices that it is full.
                    yield_now().await;
                }
                (server, address)
            });
            event_loop.close();
            assert!(!server.is_serving());
            assert!(server.sockets().is_empty());
            assert!(TcpStream::connect(address).is_err());
        }
    });
}
