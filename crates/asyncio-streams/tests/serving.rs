//! `start_server` and `open_connection`, over sockets: what becomes of the task of a connection.

use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use asyncio_executor::{Task, current_task};
use asyncio_loop::{EventLoop, get_running_loop};
use asyncio_streams::{ReadError, StreamReader, StreamWriter, open_connection, start_server};
use asyncio_sync::Event;
use asyncio_testkit::{Watchdog, guarded};
use asyncio_transports::{PeerName, Server, TransportSocket};

/// Runs `main` on sockets. It leaves nothing behind.
#[track_caller]
fn run<F: Future<Output = io::Result<()>>>(main: impl Fn() -> F) {
    guarded(|| {
        let _watchdog = Watchdog::start("a run of a loop", Duration::from_secs(30));
        let event_loop = EventLoop::new().unwrap();
        event_loop.run_until_complete(main()).unwrap().unwrap();
    });
}

async fn connect(server: &Server) -> io::Result<(StreamReader, StreamWriter)> {
    let address = server.sockets()[0].getsockname()?.as_socket().unwrap();
    open_connection(address).await
}

/// What the exception handler is told from now on.
fn reports() -> Rc<RefCell<Vec<String>>> {
    let reports = Rc::new(RefCell::new(Vec::new()));
    let list = Rc::clone(&reports);
    get_running_loop().set_exception_handler(Some(Rc::new(move |context| {
        assert!(context.task.is_some() && context.source.is_some());
        let cause = context.cause.clone().unwrap_or_default();
        list.borrow_mut()
            .push(format!("{}: {cause}", context.message));
    })));
    reports
}

const MESSAGE: &str = "Unhandled exception in client_connected_cb";

#[test]
fn each_connection_has_a_task() {
    run(|| async {
        let server = start_server(
            |mut reader, writer: StreamWriter| async move {
                let peer: PeerName = writer.get_extra_info().unwrap();
                let line = reader.readline().await?;
                writer.write(format!("{:?} says ", peer.0.as_socket().unwrap()).as_bytes());
                writer.write(&line);
                writer.drain().await
            },
            ("127.0.0.1", 0),
        )
        .await?;
        let (mut one, one_writer) = connect(&server).await?;
        let (mut other, other_writer) = connect(&server).await?;
        other_writer.write(b"other\n");
        one_writer.write(b"one\n");
        for (reader, writer, text) in [
            (&mut one, &one_writer, "one\n"),
            (&mut other, &other_writer, "other\n"),
        ] {
            let socket: TransportSocket = writer.get_extra_info().unwrap();
            let address = socket.getsockname()?.as_socket().unwrap();
            let line = reader.read_to_end().await?;
            let wanted = format!("{address:?} says {text}");
            assert_eq!(String::from_utf8_lossy(&line), wanted);
        }
        server.close();
        Ok(())
    });
}

#[test]
fn a_limit_is_that_of_both_builders() {
    run(|| async {
        let server = start_server(
            |mut reader: StreamReader, writer| async move {
                assert!(reader.readline().await.is_err(), "longer than ten");
                writer.write(b"123456\n");
            },
            ("127.0.0.1", 0),
        )
        .limit(10)
        .await?;
        let address = server.sockets()[0].getsockname()?.as_socket().unwrap();
        let (mut reader, writer) = open_connection(address).limit(5).await?;
        writer.write(b"12345678901\n");
        let error = io::Error::from(reader.readline().await.unwrap_err());
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        server.close();
        for refused in [
            open_connection(address).limit(0).await.map(drop),
            start_server(|_, _| async {}, address)
                .limit(0)
                .await
                .map(drop),
        ] {
            let error = refused.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
            assert_eq!(error.to_string(), "Limit cannot be <= 0");
        }
        Ok(())
    });
}

/// Echoes a line, and notes in `most` how many do so at once.
fn echo_noting(most: &Rc<Cell<u32>>) -> impl Fn(StreamReader, StreamWriter) -> EchoOne + 'static {
    let (open, most) = (Rc::new(Cell::new(0)), Rc::clone(most));
    move |mut reader, writer| {
        let (open, most) = (Rc::clone(&open), Rc::clone(&most));
        Box::pin(async move {
            open.set(open.get() + 1);
            most.set(open.get().max(most.get()));
            let line = reader.readline().await?;
            writer.write(&line);
            open.set(open.get() - 1);
            Ok(())
        })
    }
}

type EchoOne = Pin<Box<dyn Future<Output = Result<(), ReadError>>>>;

/// Each has its line echoed, one client after the other.
async fn echo_all(clients: Vec<(StreamReader, StreamWriter)>) -> Result<(), ReadError> {
    for (mut reader, writer) in clients {
        writer.write(b"let me in\n");
        assert_eq!(reader.readline().await?, b"let me in\n");
    }
    Ok(())
}

/// Others wait in the kernel until one before them has gone.
#[test]
fn a_limit_on_connections_is_that_of_the_server() {
    run(|| async {
        let most = Rc::new(Cell::new(0));
        let echo = echo_noting(&most);
        let server = start_server(echo, ("127.0.0.1", 0)).connections_max(2);
        let server = server.await?;
        let mut clients = Vec::new();
        for _ in 0..6 {
            clients.push(connect(&server).await?);
        }
        echo_all(clients).await?;
        assert_eq!(most.get(), 2);
        server.close();
        server.wait_closed().await;
        Ok(())
    });
}

#[cfg(unix)]
#[test]
fn a_limit_on_connections_is_that_of_the_unix_server() {
    use asyncio_streams::{open_unix_connection, start_unix_server};
    use asyncio_testkit::Folder;
    run(|| async {
        let folder = Folder::new();
        let path = folder.join("socket");
        let most = Rc::new(Cell::new(0));
        let server = start_unix_server(echo_noting(&most), &path).connections_max(2);
        let server = server.await?;
        let mut clients = Vec::new();
        for _ in 0..6 {
            clients.push(open_unix_connection(&path).await?);
        }
        echo_all(clients).await?;
        assert_eq!(most.get(), 2);
        server.close();
        server.wait_closed().await;
        Ok(())
    });
}

/// Keeps the writer out of the task's reach.
type Kept = Rc<RefCell<Option<StreamWriter>>>;

#[test]
fn an_error_is_reported_and_closes_the_connection() {
    run(|| async {
        let reports = reports();
        let kept = Kept::default();
        let keep = Rc::clone(&kept);
        let server = start_server(
            move |_reader, writer| {
                *keep.borrow_mut() = Some(writer);
                async { Err::<(), _>("no such thing") }
            },
            ("127.0.0.1", 0),
        )
        .await?;
        let (mut reader, _writer) = connect(&server).await?;
        assert!(reader.read_to_end().await?.is_empty());
        assert_eq!(*reports.borrow(), [format!("{MESSAGE}: no such thing")]);
        assert!(kept.borrow().as_ref().unwrap().is_closing());
        server.close();
        Ok(())
    });
}

#[test]
fn a_panic_is_reported_and_closes_the_connection_w11() {
    run(|| async {
        let reports = reports();
        let kept = Kept::default();
        let keep = Rc::clone(&kept);
        let server = start_server(
            move |mut reader, writer| {
                *keep.borrow_mut() = Some(writer);
                async move {
                    let line = reader.readline().await.unwrap();
                    assert!(line.is_empty(), "not what I was told");
                }
            },
            ("127.0.0.1", 0),
        )
        .await?;
        let (mut reader, writer) = connect(&server).await?;
        writer.write(b"boo\n");
        assert!(reader.read_to_end().await?.is_empty());
        let report = format!("{MESSAGE}: panicked: not what I was told");
        assert_eq!(*reports.borrow(), [report]);
        assert!(kept.borrow().as_ref().unwrap().is_closing());
        server.close();
        Ok(())
    });
}

#[test]
fn a_cancellation_is_not_reported_and_closes_the_connection() {
    run(|| async {
        let reports = reports();
        let (kept, begun) = (Kept::default(), Rc::new(Event::new()));
        let task = Rc::new(RefCell::new(None));
        let (keep, begin, own) = (Rc::clone(&kept), Rc::clone(&begun), Rc::clone(&task));
        let server = start_server(
            move |mut reader: StreamReader, writer| {
                *keep.borrow_mut() = Some(writer);
                let (begin, own) = (Rc::clone(&begin), Rc::clone(&own));
                async move {
                    *own.borrow_mut() = current_task();
                    begin.set();
                    let _ = reader.readline().await;
                }
            },
            ("127.0.0.1", 0),
        )
        .await?;
        let (mut reader, _writer) = connect(&server).await?;
        begun.wait().await;
        assert!(task.borrow().as_ref().unwrap().cancel());
        assert!(reader.read_to_end().await?.is_empty());
        assert!(reports.borrow().is_empty());
        assert!(kept.borrow().as_ref().unwrap().is_closing());
        task.take();
        server.close();
        Ok(())
    });
}

#[test]
fn a_task_that_ends_well_may_leave_its_writer_to_another() {
    run(|| async {
        let kept = Kept::default();
        let keep = Rc::clone(&kept);
        let server = start_server(
            move |_reader, writer| {
                *keep.borrow_mut() = Some(writer);
                async {}
            },
            ("127.0.0.1", 0),
        )
        .await?;
        let (mut reader, _writer) = connect(&server).await?;
        let reading: Task<_> =
            get_running_loop().create_task(async move { reader.readline().await });
        while kept.borrow().is_none() {
            asyncio_executor::yield_now().await;
        }
        let writer = kept.take().unwrap();
        assert!(!writer.is_closing());
        writer.write(b"later\n");
        assert_eq!(reading.await?.map_err(io::Error::from)?, b"later\n");
        server.close();
        Ok(())
    });
}

#[test]
fn a_loop_that_closes_lets_go_of_streams() {
    run(|| async {
        let server = start_server(
            |mut reader: StreamReader, _writer| async move {
                let _ = reader.readline().await;
            },
            ("127.0.0.1", 0),
        )
        .await?;
        let (mut reader, writer) = connect(&server).await?;
        writer.write(b"no line end");
        let reading = get_running_loop().create_task(async move {
            let _writer = writer;
            let _ = reader.readline().await;
        });
        asyncio_executor::yield_now().await;
        reading.detach();
        Ok(())
    });
}
