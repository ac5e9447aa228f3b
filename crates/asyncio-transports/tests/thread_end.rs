//! Transports that are dropped with their thread, among its thread-local values, and some that are
//! made there.

mod file_scene;
mod stream_scene;
mod veil;

use asyncio_loop::{EventLoop, create_task, to_thread};
use asyncio_testkit::{Watchdog, at_thread_end};
use asyncio_transports::{
    DatagramProtocol, SockName, Transport, connect_accepted_socket, create_connection,
    create_datagram_endpoint, create_server, sendfile,
};
use file_scene::Source;
use socket2::Socket;
use std::io::Read;
use std::rc::Rc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use stream_scene::{Kind, Log, Recorder, send, turns};
use veil::Veil;

/// What was caught and reported, by any test: nothing should be.
static REPORTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Tests what happens at the end of a thread in which `make` has run, and that it is nothing that
/// would have to be reported.
fn ends_well<T: 'static>(make: impl Fn() -> T + Send + 'static) {
    let _watchdog = Watchdog::start("the end of a thread", Duration::from_secs(60));
    at_thread_end(make);
    assert_eq!(*REPORTS.lock().unwrap(), [""; 0]);
}

/// A transport with a layer, and the far end of it, which says what the layer wants to hear.
async fn layered() -> (Rc<dyn Transport>, Socket) {
    let (near, far) = Kind::Unix.pair();
    send(&far, b"far\n");
    let protocol = || Recorder::new(&Log::default());
    let connecting = connect_accepted_socket(protocol, near).ssl(Veil::new("near"));
    (connecting.await.unwrap().0, far)
}

/// Keeps the loop that `scenario` has run on, and what came of that.
fn run<T: 'static>(scenario: impl AsyncFnOnce() -> T) -> (EventLoop, T) {
    let event_loop = EventLoop::new().unwrap();
    event_loop.set_exception_handler(Some(Rc::new(|context| {
        REPORTS.lock().unwrap().push(context.to_string());
    })));
    let kept = event_loop.run_until_complete(scenario()).unwrap();
    (event_loop, kept)
}

#[test]
fn a_file_on_its_way_through_a_layer_is_dropped_with_the_thread() {
    ends_well(|| {
        run(async || {
            let (transport, far) = layered().await;
            let source = Source::new(3 << 20);
            let to = transport.clone();
            create_task(async move { sendfile(&*to, &source.file).await }).detach();
            // It has begun, and waits for somebody to read on.
            let read = move || (&far).read_exact(&mut [0; 1000]).map(|()| far);
            let far = to_thread(read).await.unwrap();
            turns(2).await;
            (transport, far)
        })
    });
}

struct Datagrams;

impl DatagramProtocol for Datagrams {}

/// A server, a connection to it with more to write than is read, and an endpoint for datagrams.
async fn connected() -> impl Sized {
    let log = Log::default();
    let serving = log.clone();
    let protocol = move || Recorder::new(&serving).called("server ");
    let server = create_server(protocol, ("127.0.0.1", 0)).await.unwrap();
    let address = server.sockets()[0].getsockname().unwrap();
    let connecting = create_connection(
        || Recorder::new(&Log::default()),
        address.as_socket().unwrap(),
    );
    let (transport, _) = connecting.await.unwrap();
    log.until("server made").await;
    let _ = transport.write(&vec![0; 8 << 20]);
    let endpoint = create_datagram_endpoint(|| Datagrams).local_addr(("127.0.0.1", 0));
    let (endpoint, _) = endpoint.await.unwrap();
    let SockName(itself) = endpoint.get_extra_info().unwrap();
    let _ = endpoint.sendto(b"to itself", Some(&itself)).unwrap();
    (server, transport, endpoint)
}

#[test]
fn what_is_connected_is_dropped_with_the_thread() {
    ends_well(|| run(connected));
    // The loop goes last: the handles are of no use to it.
    ends_well(|| {
        let (event_loop, kept) = run(connected);
        (kept, event_loop)
    });
}

/// Goes through a loop, from its beginning to its end, when it is dropped.
struct RunsAtTheEnd(Arc<AtomicUsize>);

impl Drop for RunsAtTheEnd {
    fn drop(&mut self) {
        let sending = run(async || {
            let (transport, _far) = layered().await;
            let source = Source::new(1000);
            let _connected = connected().await;
            sendfile(&*transport, &source.file).await.unwrap()
        });
        self.0.fetch_add(sending.1 as usize, Relaxed);
    }
}

#[test]
fn what_is_made_and_used_while_the_thread_ends_works() {
    let sent = Arc::new(AtomicUsize::new(0));
    let count = sent.clone();
    ends_well(move || {
        drop(run(connected));
        RunsAtTheEnd(count.clone())
    });
    assert_eq!(sent.load(Relaxed), 2000);
}
