//! What a stream holds: nothing to speak of while it is idle, and nothing when it is over.

mod scene;

use std::cell::Cell;
use std::io::Write;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Duration;

use asyncio_executor::Task;
use asyncio_loop::{EventLoop, get_running_loop};
use asyncio_streams::{StreamReader, StreamWriter, open_unix_connection, start_server};
use asyncio_sync::Event;
use asyncio_testkit::heap::{self, CountingAllocator};
use asyncio_testkit::{Watchdog, exclusive};
use scene::{Pair, bytes, pair, run, turns};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const CONNECTIONS: usize = 200;

async fn echo(mut reader: StreamReader, writer: StreamWriter, echoed: Rc<Cell<usize>>) {
    loop {
        let line = reader.readline().await.unwrap();
        if line.is_empty() {
            return;
        }
        writer.write(&line);
        writer.drain().await.unwrap();
        echoed.set(echoed.get() + 1);
    }
}

/// All echoes are there, and the connections idle.
async fn settled(echoed: &Cell<usize>, wanted: usize) {
    while echoed.get() < wanted {
        asyncio_executor::yield_now().await;
    }
    turns(3).await;
}

/// What each of the connections that `open` opens takes.
#[track_caller]
fn assert_small(event_loop: &EventLoop, mut open: impl FnMut(usize)) {
    // Tables that grow by doubling are there then.
    open(CONNECTIONS);
    let ((), used) = heap::on_this_thread(|| open(CONNECTIONS / 4));
    let each = used.live_bytes / (CONNECTIONS / 4) as i64;
    // What epoll keeps in the kernel, `poll(2)` has in a table here.
    let most = match event_loop.selector_name() {
        "poll" => 900,
        _ => 800,
    };
    assert!(each <= most, "{each} bytes for each");
}

#[test]
fn an_idle_stream_costs_less_than_800_bytes() {
    let _alone = exclusive();
    let _watchdog = Watchdog::start("a run of a loop", Duration::from_secs(30));
    let event_loop = EventLoop::new().unwrap();
    let mut peers = Vec::with_capacity(2 * CONNECTIONS);
    let mut tasks: Vec<Task<()>> = Vec::with_capacity(2 * CONNECTIONS);
    let echoed = Rc::new(Cell::new(0));
    let serve = |count: usize| {
        event_loop
            .run_until_complete(async {
                let wanted = echoed.get() + count;
                for _ in 0..count {
                    let (near, mut far) = UnixStream::pair().unwrap();
                    let (reader, writer) = open_unix_connection(near).await.unwrap();
                    let task = echo(reader, writer, Rc::clone(&echoed));
                    tasks.push(get_running_loop().create_task(task));
                    far.write_all(b"echo\n").unwrap();
                    peers.push(far);
                }
                settled(&echoed, wanted).await;
            })
            .unwrap();
    };
    assert_small(&event_loop, serve);
}

#[test]
fn an_idle_stream_of_a_server_costs_less_than_800_bytes() {
    let _alone = exclusive();
    let _watchdog = Watchdog::start("a run of a loop", Duration::from_secs(30));
    let event_loop = EventLoop::new().unwrap();
    let echoed = Rc::new(Cell::new(0));
    let started = event_loop.run_until_complete({
        let echoed = Rc::clone(&echoed);
        let serve = move |reader, writer| echo(reader, writer, Rc::clone(&echoed));
        async move { start_server(serve, ("127.0.0.1", 0)).await }
    });
    let server = started.unwrap().unwrap();
    let address = server.sockets()[0].getsockname().unwrap().as_socket();
    let mut peers = Vec::with_capacity(2 * CONNECTIONS);
    let connect = |count: usize| {
        event_loop
            .run_until_complete(async {
                let wanted = echoed.get() + count;
                for _ in 0..count {
                    let mut peer = TcpStream::connect(address.unwrap()).unwrap();
                    peer.write_all(b"echo\n").unwrap();
                    peers.push(peer);
                    turns(3).await; // the kernel holds a hundred that wait to be accepted
                }
                settled(&echoed, wanted).await;
            })
            .unwrap();
    };
    assert_small(&event_loop, connect);
}

#[test]
fn what_was_read_ahead_is_given_back() {
    let _alone = exclusive();
    let event_loop = EventLoop::new().unwrap();
    let (near, mut far) = UnixStream::pair().unwrap();
    let opened = event_loop.run_until_complete(async { open_unix_connection(near).await });
    let (mut reader, _writer) = opened.unwrap().unwrap();
    let mut readline = || {
        let line = event_loop.run_until_complete(reader.readline());
        line.unwrap().unwrap().len()
    };
    let lines = [bytes(50_000), b"\nshort\n".to_vec()].concat();
    let held = [(); 4].map(|()| {
        far.write_all(&lines).unwrap();
        let ((), both) = heap::on_this_thread(|| {
            let (count, first) = heap::on_this_thread(&mut readline);
            assert_eq!(count, 50_001);
            assert!(first.live_bytes > 50_000);
            assert_eq!(readline(), 6);
        });
        both.live_bytes
    });
    // The first time the loop's own buffer is made.
    assert_eq!(held[1..], [0; 3]);
}

#[test]
fn many_streams_leave_nothing_behind() {
    run(|| async {
        let done = Rc::new(Event::new());
        for _ in 0..100 {
            let Pair {
                mut ours, theirs, ..
            } = pair(100).await;
            theirs.writer.write(b"half a li");
            let done = Rc::clone(&done);
            get_running_loop()
                .create_task(async move {
                    let _theirs = theirs;
                    done.wait().await;
                })
                .detach();
            assert!(
                scene::give_up_after(3, ours.reader.readline())
                    .await
                    .is_none()
            );
        }
        done.set();
    });
}
