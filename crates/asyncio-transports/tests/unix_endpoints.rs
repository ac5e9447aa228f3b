//! `create_unix_connection` and `create_unix_server`: paths, names, and files that are left alone.
#![cfg(unix)]

mod net;

use std::fs;
use std::future::IntoFuture;
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt, symlink};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use asyncio_executor::yield_now;
use asyncio_futures::timeout;
use asyncio_loop::ConnectError;
use asyncio_testkit::{Census, Folder};
use asyncio_transports::{RefusedSocket, Server, create_unix_connection, create_unix_server};
use net::{Echo, Recorder, Seen, guarded_run, note_errors, run};
use std::time::Duration;

fn is_socket(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket())
}

async fn serve(path: &Path) -> io::Result<Server> {
    create_unix_server(Echo::default, path).await
}

#[test]
fn a_path_is_listened_on_and_connected_to() {
    guarded_run(async |_| {
        let folder = Folder::new();
        let path = folder.join("socket");
        let server = serve(&path).await.unwrap();
        assert!(is_socket(&path));
        let name = server.sockets()[0].getsockname().unwrap();
        assert_eq!(name.as_pathname(), Some(&*path));
        let seen = Seen::default();
        let recorder = Recorder::new(&seen);
        let (transport, _) = create_unix_connection(|| recorder, &path).await.unwrap();
        let _ = transport.write(b"hello");
        seen.until("hello", 1).await;
        server.close();
        assert!(!path.exists());
        transport.close();
        server.wait_closed().await;
    });
}

#[test]
fn a_socket_that_nobody_listens_on_is_replaced_n1() {
    guarded_run(async |_| {
        let folder = Folder::new();
        let path = folder.join("socket");
        drop(UnixListener::bind(&path).unwrap());
        assert!(is_socket(&path));
        let server = serve(&path).await.unwrap();
        drop(UnixStream::connect(&path).unwrap());
        server.close();
        server.wait_closed().await;
        assert!(!path.exists());
    });
}

/// python/cpython#121252: asyncio removes it, and its owner is never reached again.
#[test]
fn a_socket_that_somebody_listens_on_is_not_taken_over_n1() {
    guarded_run(async |_| {
        let folder = Folder::new();
        let path = folder.join("socket");
        let owner = UnixListener::bind(&path).unwrap();
        let error = serve(&path).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert_eq!(
            error.to_string(),
            format!("Address {path:?} is already in use")
        );
        assert!(is_socket(&path));
        // The owner saw somebody look, and is served as before.
        let mut client = UnixStream::connect(&path).unwrap();
        client.write_all(b"x").unwrap();
        drop(client);
        drop(owner.accept().unwrap());
        let (mut peer, _) = owner.accept().unwrap();
        let mut byte = [0];
        peer.read_exact(&mut byte).unwrap();
        assert_eq!(byte, *b"x");
    });
}

/// One of our own servers, too, also when its queue is full.
#[test]
fn a_listener_with_a_full_queue_is_alive_n1() {
    run(async |_| {
        let folder = Folder::new();
        let path = folder.join("socket");
        let owner = create_unix_server(Echo::default, &path)
            .start_serving(false)
            .await
            .unwrap();
        owner.sockets()[0].with(|socket| socket.listen(0)).unwrap();
        let _queued = UnixStream::connect(&path).unwrap();
        let error = serve(&path).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        let full = create_unix_connection(Echo::default, &path)
            .await
            .unwrap_err();
        assert_eq!(full.kind(), io::ErrorKind::WouldBlock);
        owner.close();
        assert!(!path.exists());
    });
}

#[test]
fn what_is_no_listeners_socket_is_never_removed_n1() {
    guarded_run(async |event_loop| {
        let errors = note_errors(&event_loop);
        let folder = Folder::new();
        let file = folder.join("file");
        fs::write(&file, "precious").unwrap();
        let stale = folder.join("stale");
        drop(UnixListener::bind(&stale).unwrap());
        let link = folder.join("link");
        symlink(&stale, &link).unwrap();
        let datagrams = folder.join("datagrams");
        let _kept = UnixDatagram::bind(&datagrams).unwrap();
        let directory = folder.join("directory");
        fs::create_dir(&directory).unwrap();
        for path in [&file, &link, &datagrams, &directory] {
            let error = serve(path).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AddrInUse, "{path:?}");
        }
        assert_eq!(fs::read(&file).unwrap(), b"precious");
        assert_eq!(fs::read_link(&link).unwrap(), stale);
        assert!(is_socket(&datagrams) && directory.is_dir());
        assert_eq!(errors.take(), [""; 0]);
    });
}

/// CPython: `test_unix_server_cleanup_replaced` and its like.
#[test]
fn only_the_file_that_was_made_is_removed_n1() {
    guarded_run(async |_| {
        let folder = Folder::new();
        let path = folder.join("socket");

        // Gone already.
        let server = serve(&path).await.unwrap();
        fs::remove_file(&path).unwrap();
        server.close();

        // Another socket now.
        let server = serve(&path).await.unwrap();
        fs::remove_file(&path).unwrap();
        let _other = UnixListener::bind(&path).unwrap();
        server.close();
        assert!(is_socket(&path));
        fs::remove_file(&path).unwrap();

        // A link to it now.
        let server = serve(&path).await.unwrap();
        let moved = folder.join("moved");
        fs::rename(&path, &moved).unwrap();
        symlink(&moved, &path).unwrap();
        server.close();
        assert!(path.is_symlink() && is_socket(&moved));
        fs::remove_file(&path).unwrap();

        // Not ours to remove.
        let server = create_unix_server(Echo::default, &path).cleanup_socket(false);
        server.await.unwrap().close();
        assert!(is_socket(&path));
        fs::remove_file(&path).unwrap();
        let given = UnixListener::bind(&path).unwrap();
        create_unix_server(Echo::default, given)
            .await
            .unwrap()
            .close();
        assert!(is_socket(&path));
    });
}

/// A server that is never closed goes with its loop, and a failed one leaves nothing.
#[test]
fn the_file_goes_with_the_server_n1() {
    net::alone();
    let folder = Folder::new();
    let path = folder.join("socket");
    let event_loop = net::event_loop();
    net::run_on(&event_loop, async |event_loop| {
        drop(serve(&path).await.unwrap());
        assert!(is_socket(&path));
        let unborn = folder.join("unborn");
        let task = event_loop.create_task(create_unix_server(Echo::default, &unborn).into_future());
        yield_now().await;
        assert!(is_socket(&unborn));
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert!(!unborn.exists());
    });
    event_loop.close();
    assert!(!path.exists());
}

#[test]
fn a_relative_path_is_removed_wherever_the_process_is_by_then_n1() {
    asyncio_testkit::in_child(
        "a_relative_path_is_removed_wherever_the_process_is_by_then_n1",
        || {
            let folder = Folder::new();
            std::env::set_current_dir(folder.path()).unwrap();
            run(async |_| {
                let server = serve(Path::new("socket")).await.unwrap();
                assert!(is_socket(&folder.join("socket")));
                std::env::set_current_dir("/").unwrap();
                server.close();
                assert!(!is_socket(&folder.join("socket")));
            });
        },
    );
}

#[test]
fn a_path_that_is_too_long_is_an_error_n1() {
    guarded_run(async |_| {
        let folder = Folder::new();
        let path_of = |length: usize| -> PathBuf {
            let rest = length - folder.path().as_os_str().len() - 1;
            folder.join(&"x".repeat(rest))
        };
        // The kernel's structure has 108 bytes on Linux, and a zero at the end.
        let longest = path_of(if cfg!(target_os = "linux") { 107 } else { 103 });
        let server = serve(&longest).await.unwrap();
        let (transport, _) = create_unix_connection(Echo::default, &longest)
            .await
            .unwrap();
        transport.abort();
        server.close();
        server.wait_closed().await;
        for path in [path_of(108), path_of(300), PathBuf::new()] {
            let error = serve(&path).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{path:?}");
        }
        let error = create_unix_connection(Echo::default, path_of(108))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    });
}

#[test]
#[cfg(target_os = "linux")]
fn an_abstract_name_is_no_file_n1() {
    guarded_run(async |_| {
        let name = format!("\0asyncio-transports-{}", std::process::id());
        let server = create_unix_server(Echo::default, &name).await.unwrap();
        let (transport, _) = create_unix_connection(Echo::default, &name).await.unwrap();
        let error = create_unix_server(Echo::default, &name).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        transport.abort();
        server.close();
        server.wait_closed().await;
        create_unix_server(Echo::default, &name)
            .await
            .unwrap()
            .close();
    });
}

#[test]
fn a_folder_that_cannot_be_looked_into_is_reported() {
    guarded_run(async |event_loop| {
        let errors = note_errors(&event_loop);
        let folder = Folder::new();
        let file = folder.join("file");
        fs::write(&file, "").unwrap();
        // A path through a file.
        let path = file.join("socket");
        let error = serve(&path).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotADirectory);
        let told = errors.take();
        let expected = format!("unable to check or remove stale UNIX socket {path:?}: ");
        assert!(
            told.len() == 1 && told[0].starts_with(&expected),
            "{told:?}"
        );
    });
}

#[test]
fn a_server_that_cannot_be_made_names_the_path() {
    guarded_run(async |_| {
        let folder = Folder::new();
        let path = folder.join("nothing").join("socket");
        let error = serve(&path).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        let path = path.to_str().unwrap();
        assert!(error.to_string().contains(path), "{error}");
        // As `main` shows it.
        assert!(format!("{error:?}").contains(path), "{error:?}");
    });
}

#[test]
fn a_connect_that_fails_names_the_path() {
    guarded_run(async |_| {
        let folder = Folder::new();
        let path = folder.join("socket");
        let connect = async || {
            create_unix_connection(Echo::default, &path)
                .await
                .unwrap_err()
        };
        assert_eq!(connect().await.kind(), io::ErrorKind::NotFound);
        drop(UnixListener::bind(&path).unwrap());
        let error = connect().await;
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        let inner: ConnectError = error.downcast().unwrap();
        assert_eq!(inner.address.to_string(), path.to_str().unwrap());
    });
}

#[test]
fn cancelled_it_leaves_nothing_behind_p6() {
    guarded_run(async |event_loop| {
        let folder = Folder::new();
        let path = folder.join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        listener.set_nonblocking(true).unwrap();
        let before = Census::take().descriptors();
        for turns in 0..5 {
            let connecting = create_unix_connection(Echo::default, &path);
            let task = event_loop.create_task(async move {
                connecting.await?.0.abort();
                io::Result::Ok(())
            });
            for _ in 0..turns {
                yield_now().await;
            }
            task.cancel();
            let _ = task.await;
            for _ in 0..3 {
                yield_now().await;
            }
            while listener.accept().is_ok() {}
            assert_eq!(Census::take().descriptors(), before, "after {turns} turns");
        }
        let connecting = create_unix_connection(Echo::default, &path);
        assert!(timeout(Duration::ZERO, connecting).await.is_err());
    });
}

#[test]
fn sockets_of_another_kind_are_given_back_n13() {
    guarded_run(async |_| {
        let (tcp, address) = net::listener();
        let near = std::net::TcpStream::connect(address).unwrap();
        let (datagrams, _other) = UnixDatagram::pair().unwrap();
        let text = "A UNIX Domain Stream Socket was expected, got ";
        for socket in [socket2::Socket::from(near), datagrams.into()] {
            let error = create_unix_connection(Echo::default, socket)
                .await
                .unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
            assert!(error.to_string().starts_with(text), "{error}");
            let refused: RefusedSocket = error.downcast().unwrap();
            assert!(refused.socket.peer_addr().is_ok());
        }
        let error = create_unix_server(Echo::default, socket2::Socket::from(tcp)).await;
        assert!(error.unwrap_err().to_string().starts_with(text));

        // Mix-ups.
        let (near, _far) = UnixStream::pair().unwrap();
        let error = create_unix_server(Echo::default, near).await.unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("A socket to listen on was expected, got ")
        );
        let folder = Folder::new();
        let listener = UnixListener::bind(folder.join("socket")).unwrap();
        let error = create_unix_connection(Echo::default, listener)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotConnected);
    });
}

#[test]
fn a_pair_is_two_connections_n13() {
    guarded_run(async |_| {
        let (near, far) = UnixStream::pair().unwrap();
        let seen = Seen::default();
        let recorder = Recorder::new(&seen);
        let (near, _) = create_unix_connection(|| recorder, near).await.unwrap();
        let (far, _) = create_unix_connection(Echo::default, far).await.unwrap();
        let _ = near.write(b"there and back");
        seen.until("there and back", 1).await;
        far.close();
        seen.until("lost", 1).await;
    });
}
