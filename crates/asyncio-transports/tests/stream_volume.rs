//! Much through little: a quarter of a gibibyte each way at once, by sockets that take 4 KiB at a time
//! and readers that stop when they like. Scenario N6: no byte is lost, and little is kept.

mod stream_scene;

use asyncio_executor::yield_now;
use asyncio_loop::{create_task, sleep};
use asyncio_testkit::heap::{self, CountingAllocator};
use asyncio_testkit::{Pattern, Rng, exclusive, in_child};
use asyncio_transports::{
    AfterEof, Flow, Protocol, Transport, connect_accepted_socket, create_connection, create_server,
};
use rustix::process::{Signal, getpid, kill_process};
use socket2::Socket;
use std::io::{self, IoSlice};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use stream_scene::{Kind, Log, Recorder, run};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// The most that is written by one call.
const WRITE_MAX: usize = 100_000;

/// What asyncio's default mark allows, and one write.
const KEPT_MAX: usize = 64 * 1024 + WRITE_MAX;

/// What both ends may need of the heap together, at any time: what they keep, a write of each that
/// is being made (and its slices), the loop's read buffer, and small change.
const HEAP_MAX: usize = 2 * KEPT_MAX + 4 * WRITE_MAX + 256 * 1024 + 128 * 1024;

/// One end: writes so many bytes, whenever it may, and checks those that come.
struct Volume {
    transport: Option<Rc<dyn Transport>>,
    log: Log,
    rng: Rng,
    ours: Pattern,
    left: usize,
    theirs: Pattern,
}

impl Volume {
    fn new(log: &Log, seed: u64, left: usize) -> Self {
        Self {
            transport: None,
            log: log.clone(),
            rng: Rng::new(seed),
            ours: Pattern::new(seed),
            left,
            // Theirs is the other one of 0 and 1.
            theirs: Pattern::new(1 - seed),
        }
    }

    fn write(&mut self) {
        let Some(transport) = self.transport.clone() else {
            return;
        };
        while self.left > 0 {
            let bytes = self.ours.take(self.left.min(1 + self.rng.index(WRITE_MAX)));
            self.left -= bytes.len();
            let flow = match self.rng.index(3) {
                0 => transport.write(&bytes),
                1 => {
                    let lines: Vec<IoSlice<'_>> = bytes.chunks(997).map(IoSlice::new).collect();
                    transport.writelines(&lines)
                }
                _ => transport.write_owned(bytes),
            };
            assert!(transport.get_write_buffer_size() <= KEPT_MAX);
            if flow == Flow::Paused {
                return;
            }
        }
        transport.write_eof();
    }
}

impl Protocol for Volume {
    fn connection_made(&mut self, transport: Rc<dyn Transport>) {
        self.transport = Some(transport);
        self.write();
    }

    fn data_received(&mut self, data: &[u8]) {
        self.theirs.check(data);
        if let Some(transport) = self.transport.clone()
            && self.rng.one_in(20)
        {
            transport.pause_reading();
            let turns = self.rng.index(5);
            create_task(async move {
                for _ in 0..turns {
                    yield_now().await;
                }
                transport.resume_reading();
            })
            .detach();
        }
    }

    fn resume_writing(&mut self) {
        self.write();
    }

    fn eof_received(&mut self) -> AfterEof {
        self.log.note("eof");
        AfterEof::KeepOpen
    }

    fn connection_lost(&mut self, error: Option<io::Error>) {
        assert!(error.is_none(), "{error:?}");
        self.transport = None;
        self.log.note("lost");
    }
}

fn transfer(kind: Kind, count: usize) {
    let _alone = exclusive();
    run(async || {
        let (near, far) = kind.pair();
        let small = |socket: &Socket| socket.set_send_buffer_size(4608).unwrap();
        small(&near);
        small(&far);
        let log = Log::default();
        let (one, other) = (Volume::new(&log, 0, count), Volume::new(&log, 1, count));
        let before = heap::live_bytes();
        heap::reset_peak();
        let (one, one_end) = connect_accepted_socket(|| one, near).await.unwrap();
        let (other, other_end) = connect_accepted_socket(|| other, far).await.unwrap();
        while log.count("eof") < 2 {
            sleep(Duration::from_millis(1)).await;
        }
        let peak = heap::peak_bytes() - before;
        assert!(peak <= HEAP_MAX, "{peak} bytes of heap");
        one.close();
        other.close();
        while log.count("lost") < 2 {
            sleep(Duration::from_millis(1)).await;
        }
        for end in [one_end, other_end] {
            assert_eq!(end.borrow().theirs.position(), count as u64);
            assert_eq!(end.borrow().ours.position(), count as u64);
        }
    });
}

#[test]
fn a_quarter_of_a_gibibyte_each_way_by_tcp_n6() {
    transfer(Kind::Tcp, 256 << 20);
}

#[test]
fn a_quarter_of_a_gibibyte_each_way_by_unix_sockets_n6() {
    transfer(Kind::Unix, 256 << 20);
}

/// Signals interrupt every system call that can be interrupted, thousands of times a second.
#[test]
fn a_storm_of_signals_disturbs_no_transfer_p12() {
    in_child("a_storm_of_signals_disturbs_no_transfer_p12", || {
        let caught = Arc::new(AtomicBool::new(false));
        let usr1 = Signal::USR1.as_raw();
        signal_hook::flag::register(usr1, Arc::clone(&caught)).unwrap();
        let calm = Arc::new(AtomicBool::new(false));
        let is_calm = Arc::clone(&calm);
        let storm = std::thread::spawn(move || {
            while !is_calm.load(Ordering::Relaxed) {
                kill_process(getpid(), Signal::USR1).unwrap();
                std::thread::yield_now();
            }
        });
        transfer(Kind::Tcp, 4 << 20);
        transfer(Kind::Unix, 4 << 20);
        run(connect_again_and_again);
        calm.store(true, Ordering::Relaxed);
        storm.join().unwrap();
        assert!(caught.load(Ordering::Relaxed));
    });
}

async fn connect_again_and_again() {
    let log = Log::default();
    let of_server = log.clone();
    let server = create_server(
        move || Recorder::new(&of_server).called("server "),
        ("127.0.0.1", 0),
    );
    let server = server.await.unwrap();
    let address = server.sockets()[0].getsockname().unwrap();
    for round in 1..=100 {
        let client = Recorder::new(&log);
        let to = address.as_socket().unwrap();
        let (transport, _) = create_connection(|| client, to).await.unwrap();
        let _ = transport.write(b"x");
        transport.close();
        while log.count("server lost") < round {
            yield_now().await;
        }
    }
    assert_eq!(log.received().len(), 100);
    server.close();
    server.wait_closed().await;
}
