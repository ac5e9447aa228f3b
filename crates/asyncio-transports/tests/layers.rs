//! The `ssl` family of settings, with a layer that is not TLS: what is checked, what is put in
//! between, and what becomes of a connection whose layer does not open.

mod net;
mod veil;

use std::future::IntoFuture;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;
use std::time::Duration;

use asyncio_executor::yield_now;
use asyncio_testkit::Census;
use asyncio_transports::{
    PeerName, Server, connect_accepted_socket, create_connection, create_server,
};
use net::{Echo, Recorder, Seen, guarded_run, internet, listener, note_errors, run};
use veil::{PeerCalledItself, Veil};

#[track_caller]
fn refused<T: std::fmt::Debug>(outcome: io::Result<T>, message: &str) {
    let error = outcome.expect_err("it is refused");
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    assert_eq!(error.to_string(), message);
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn settings_that_need_a_layer_are_refused_without_one() {
    run(async |_| {
        let connection = || create_connection(Echo::default, ("127.0.0.1", 9));
        let server = || create_server(Echo::default, ("127.0.0.1", 0));
        let text = "server_hostname is only meaningful with ssl";
        refused(connection().server_hostname("name").await, text);
        let text = "ssl_handshake_timeout is only meaningful with ssl";
        refused(connection().ssl_handshake_timeout(SECOND).await, text);
        refused(server().ssl_handshake_timeout(SECOND).await, text);
        let text = "ssl_shutdown_timeout is only meaningful with ssl";
        refused(connection().ssl_shutdown_timeout(SECOND).await, text);
        refused(server().ssl_shutdown_timeout(SECOND).await, text);
    });
}

#[test]
fn timeouts_of_nothing_are_refused() {
    run(async |_| {
        let server = || create_server(Echo::default, ("127.0.0.1", 0)).ssl(Veil::new("server"));
        let text = "ssl_handshake_timeout should be a positive number, got 0";
        refused(server().ssl_handshake_timeout(Duration::ZERO).await, text);
        let text = "ssl_shutdown_timeout should be a positive number, got 0";
        refused(server().ssl_shutdown_timeout(Duration::ZERO).await, text);
    });
}

#[test]
fn a_client_has_to_know_whom_it_connects_to() {
    run(async |_| {
        let (listener, address) = listener();
        let text = "You must set server_hostname when using ssl without a host";
        let near = TcpStream::connect(address).unwrap();
        let connection = create_connection(Echo::default, near).ssl(Veil::new("client"));
        refused(connection.await, text);
        let several = vec![address, address];
        let connection = create_connection(Echo::default, several).ssl(Veil::new("client"));
        refused(connection.await, text);
        let connection = create_connection(Echo::default, ("", 9)).ssl(Veil::new("client"));
        refused(connection.await, text);
        drop(listener);
    });
}

#[cfg(unix)]
#[test]
fn the_settings_of_unix_sockets_are_checked_as_well() {
    use asyncio_transports::{create_unix_connection, create_unix_server};
    run(async |_| {
        let connection = || create_unix_connection(Echo::default, "/nowhere");
        let text = "you have to pass server_hostname when using ssl";
        refused(connection().ssl(Veil::new("client")).await, text);
        let text = "server_hostname is only meaningful with ssl";
        refused(connection().server_hostname("name").await, text);
        let text = "ssl_handshake_timeout is only meaningful with ssl";
        refused(connection().ssl_handshake_timeout(SECOND).await, text);
        let server = create_unix_server(Echo::default, "/nowhere/at/all");
        refused(server.ssl_handshake_timeout(SECOND).await, text);
    });
}

async fn veiled_server(seen: &Seen, veil: Veil) -> (Server, SocketAddr) {
    let seen = seen.clone();
    let server = create_server(move || Recorder::new(&seen), ("127.0.0.1", 0));
    let server = server.ssl(veil).await.unwrap();
    let address = internet(server.sockets()[0].getsockname());
    (server, address)
}

#[test]
fn a_layer_is_put_between_transport_and_protocol() {
    guarded_run(async |_| {
        let seen = Seen::default();
        let (server, address) = veiled_server(&seen, Veil::new("127.0.0.1")).await;
        let own = Seen::default();
        let recorder = Recorder::new(&own);
        let (transport, protocol) = create_connection(|| recorder, address)
            .ssl(Veil::new("client"))
            .await
            .unwrap();
        // The transport is that of the layer, for the protocol, too.
        assert_eq!(own.take(), ["made"]);
        let made = protocol.borrow().transport.clone().unwrap();
        assert!(Rc::ptr_eq(&made, &transport));
        assert!(!transport.can_write_eof());
        // What the layer does not know, the transport below does.
        let peer = transport.get_extra_info::<PeerCalledItself>().unwrap();
        assert_eq!(peer.0, "127.0.0.1");
        let peer = transport.get_extra_info::<PeerName>().unwrap();
        assert_eq!(peer.0.as_socket(), Some(address));

        let _ = transport.write(b"hello");
        seen.until("hello", 1).await;
        server.close();
        // With a last word, which the client answers by closing.
        server.close_clients();
        own.until("lost", 1).await;
        seen.until("lost", 1).await;
        server.wait_closed().await;
    });
}

#[test]
fn the_name_is_the_hosts_unless_another_is_given() {
    guarded_run(async |_| {
        let (server, address) = veiled_server(&Seen::default(), Veil::new("someone")).await;
        let connect = || create_connection(Echo::default, address).ssl(Veil::new("client"));
        let error = connect().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert_eq!(error.to_string(), "it is called someone");
        connect()
            .server_hostname("someone")
            .await
            .unwrap()
            .0
            .abort();
        // Nobody in particular.
        connect().server_hostname("").await.unwrap().0.abort();
        server.close();
        server.wait_closed().await;
    });
}

#[test]
fn a_layer_that_cannot_be_made_closes_the_connection() {
    guarded_run(async |_| {
        let (listener, address) = listener();
        let connection = create_connection(Echo::default, address)
            .ssl(Veil::new("client"))
            .server_hostname("nonsense");
        assert_eq!(connection.await.unwrap_err().to_string(), "no such name");
        let (mut peer, _) = listener.accept().unwrap();
        assert_eq!(peer.read(&mut [0]).unwrap(), 0);
    });
}

#[test]
fn the_layer_is_told_asyncios_timeouts_unless_others_are_given() {
    guarded_run(async |_| {
        let (_listener, address) = listener();
        let veil = Rc::new(Veil::new("client"));
        for (given, expected) in [
            (None, (60 * SECOND, 30 * SECOND)),
            (Some((SECOND, 2 * SECOND)), (SECOND, 2 * SECOND)),
        ] {
            let mut connection = create_connection(Echo::default, address).ssl(veil.clone());
            if let Some((handshake, shutdown)) = given {
                connection = connection
                    .ssl_handshake_timeout(handshake)
                    .ssl_shutdown_timeout(shutdown);
            }
            let never = asyncio_futures::move_on_after(Duration::from_millis(1), connection);
            assert!(never.await.is_none());
            assert_eq!(veil.told.take(), [expected]);
        }
    });
}

#[test]
fn a_peer_that_never_says_a_word_times_out() {
    guarded_run(async |_| {
        let (_listener, address) = listener();
        let connection = create_connection(Echo::default, address)
            .ssl(Veil::new("client"))
            .ssl_handshake_timeout(Duration::from_millis(5));
        assert_eq!(
            connection.await.unwrap_err().kind(),
            io::ErrorKind::TimedOut
        );
    });
}

#[test]
fn a_peer_that_leaves_while_the_layer_opens_is_an_error() {
    guarded_run(async |_| {
        let (listener, address) = listener();
        for _ in 0..2 {
            let connection = create_connection(Echo::default, address).ssl(Veil::new("client"));
            let peer = async { drop(net::accept(&listener).await) };
            let (connected, ()) = asyncio_futures::join!(connection.into_future(), peer);
            let kind = connected.unwrap_err().kind();
            assert!(
                matches!(
                    kind,
                    io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset
                ),
                "{kind}"
            );
        }
    });
}

#[test]
fn cancelled_while_the_layer_opens_it_closes_the_connection_p6() {
    guarded_run(async |event_loop| {
        let (listener, address) = listener();
        let before = Census::take().descriptors();
        let connection = create_connection(Echo::default, address).ssl(Veil::new("client"));
        let task = event_loop.create_task(connection.into_future());
        let mut peer = net::accept(&listener).await;
        // It says its name, and waits for the other.
        assert_eq!(net::read(&peer, 7).await, b"client\n");
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        for _ in 0..3 {
            yield_now().await;
        }
        assert_eq!(peer.read(&mut [0]).unwrap(), 0);
        drop(peer);
        assert_eq!(Census::take().descriptors(), before);
    });
}

/// As asyncio: a peer that fails is its own affair. In debug mode one sees it.
#[test]
fn a_client_whose_layer_does_not_open_costs_the_server_nothing() {
    guarded_run(async |event_loop| {
        let errors = note_errors(&event_loop);
        let seen = Seen::default();
        let (server, address) = veiled_server(&seen, Veil::new("server")).await;
        for debug in [false, true] {
            event_loop.set_debug(debug);
            let client = TcpStream::connect(address).unwrap();
            (&client).write_all(b"half a na").unwrap();
            drop(client);
            // It is a client until its connection is over.
            let good = create_connection(Echo::default, address)
                .ssl(Veil::new("client"))
                .server_hostname("");
            good.await.unwrap().0.abort();
            seen.until("lost", 1).await;
            assert_eq!(seen.take(), ["made", "lost"]);
            event_loop.set_debug(false);
            let told = errors.take();
            assert_eq!(told.len(), usize::from(debug), "{told:?}");
            if debug {
                let text = "error on transport creation for incoming connection: ";
                assert!(told[0].starts_with(text), "{told:?}");
            }
        }
        server.close();
        server.wait_closed().await;
    });
}

#[test]
fn clients_that_are_still_opening_are_waited_for_and_closed() {
    guarded_run(async |_| {
        let (server, address) = veiled_server(&Seen::default(), Veil::new("server")).await;
        let client = TcpStream::connect(address).unwrap();
        assert_eq!(net::read(&client, 7).await, b"server\n");
        let report = server.shutdown(Duration::from_millis(1)).await;
        assert_eq!((report.ended, report.aborted), (0, 1));
    });
}

#[test]
fn an_accepted_socket_is_the_servers_side() {
    guarded_run(async |_| {
        let (listener, address) = listener();
        let client = create_connection(Echo::default, address).ssl(Veil::new("client"));
        let client = client.server_hostname("server").into_future();
        let accepted = async {
            let socket = net::accept(&listener).await;
            let accepting = connect_accepted_socket(Echo::default, socket);
            accepting.ssl(Veil::new("server")).await
        };
        let (client, accepted) = asyncio_futures::join!(client, accepted);
        let peer = accepted.unwrap().0.get_extra_info::<PeerCalledItself>();
        assert_eq!(peer.unwrap().0, "client");
        client.unwrap().0.abort();
    });
}
