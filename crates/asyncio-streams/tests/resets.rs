//! Streams whose peer breaks the connection: what came before that, and what is told.

use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use asyncio_executor::yield_now;
use asyncio_loop::EventLoop;
use asyncio_loop::socket::Socket;
use asyncio_streams::{ReadError, StreamReader, StreamWriter, open_connection};
use asyncio_testkit::Watchdog;

/// A stream, and its peer, which is not ours.
async fn connected() -> (StreamReader, StreamWriter, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (reader, writer) = open_connection(address).await.unwrap();
    (reader, writer, listener.accept().unwrap().0)
}

/// Sends this, and breaks the connection.
fn say_and_reset(mut peer: TcpStream, last_words: &[u8]) {
    peer.write_all(last_words).unwrap();
    let immediately = Some(Duration::ZERO);
    Socket::from(peer).set_linger(immediately).unwrap();
}

fn run(main: impl Future<Output = ()> + 'static) {
    let _watchdog = Watchdog::start("a run of a loop", Duration::from_secs(30));
    EventLoop::new().unwrap().run_until_complete(main).unwrap();
}

/// A server that refuses a request before it has read all of it: it answers, and closes, which
/// resets the connection.
#[test]
fn who_waits_for_an_answer_gets_it_although_a_reset_is_behind_it_n4() {
    run(async {
        let (mut reader, _writer, peer) = connected().await;
        let answer = asyncio_loop::get_running_loop().create_task(async move {
            let line = reader.readline().await;
            (line, reader.readline().await)
        });
        yield_now().await;
        yield_now().await;
        say_and_reset(peer, b"413 too large\n");
        let (first, second) = answer.await.unwrap();
        assert_eq!(first.unwrap(), b"413 too large\n");
        let Err(ReadError::Io(error)) = second else {
            panic!("{second:?}");
        };
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    });
}

/// As in asyncio: the error comes before what is buffered.
#[test]
fn who_comes_later_is_told_of_the_reset_n4() {
    run(async {
        let (mut reader, writer, peer) = connected().await;
        say_and_reset(peer, b"413 too large\n");
        let error = writer.wait_closed().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        let error = reader.read(&mut [0; 99]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    });
}
