//! What a message costs a stream: entries of the ready queue.

use std::cell::Cell;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::rc::Rc;
use std::time::Duration;

use asyncio_loop::EventLoop;
use asyncio_streams::open_connection;

/// A loop with a task that echoes what comes to a connection, and the other end of that.
fn echo() -> (EventLoop, TcpStream, Rc<Cell<usize>>) {
    let event_loop = EventLoop::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let opening = event_loop.run_until_complete(async move { open_connection(address).await });
    let (mut reader, writer) = opening.unwrap().unwrap();
    let far = listener.accept().unwrap().0;
    let echoed = Rc::new(Cell::new(0));
    let count = Rc::clone(&echoed);
    event_loop
        .create_task(async move {
            let mut buffer = [0; 64];
            while let Ok(length @ 1..) = reader.read(&mut buffer).await {
                writer.write(&buffer[..length]);
                writer.drain().await.unwrap();
                count.set(count.get() + 1);
            }
        })
        .detach();
    (event_loop, far, echoed)
}

#[test]
fn a_message_is_echoed_by_one_step_of_the_task_and_no_other_entry() {
    let (event_loop, mut far, echoed) = echo();
    let mut buffer = [0; 16];
    // It waits before anything has come.
    let _ = event_loop.run_once(Some(Duration::ZERO)).unwrap();
    // The first message is the one by which the transport learns how the stream reads.
    for number in 1..6 {
        far.write_all(b"hello").unwrap();
        let mut ran = 0;
        while echoed.get() < number {
            ran += event_loop.run_once(None).unwrap().ran;
        }
        assert!(number == 1 || ran == 1, "{ran} entries ran");
        assert_eq!(far.read(&mut buffer).unwrap(), 5);
    }
    event_loop.close();
}
