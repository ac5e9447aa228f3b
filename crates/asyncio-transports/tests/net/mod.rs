//! What the tests of endpoints share: a loop, protocols that note what they see, and addresses on
//! which nobody listens or nobody answers.

#![allow(dead_code, unreachable_pub)] // each test file uses a part of it

use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use asyncio_loop::{EventLoop, LoopRef, to_thread};
use asyncio_testkit::{Census, Exclusive, Watchdog, eventually, exclusive, guarded};
use asyncio_transports::{
    AfterEof, CreateServer, Flow, Protocol, Server, Transport, create_server,
};
use socket2::{Domain, SockAddr, Socket, Type};

thread_local! {
    static ALONE: RefCell<Option<Exclusive>> = const { RefCell::new(None) };
}

/// Keeps the tests of a binary out of each other's way, for as long as the test's thread lasts: a
/// test that counts descriptors must not see those of its neighbour.
pub fn alone() {
    ALONE.with(|alone| {
        alone.borrow_mut().get_or_insert_with(exclusive);
    });
}

/// A loop with the selector that the environment names.
pub fn event_loop() -> EventLoop {
    alone();
    EventLoop::builder().debug(false).build().unwrap()
}

/// Runs `f` on a loop of its own, and no longer than a test may take.
#[track_caller]
pub fn run<T>(f: impl AsyncFnOnce(LoopRef) -> T) -> T {
    run_on(&event_loop(), f)
}

/// Runs `f` on this loop, and no longer than a test may take.
#[track_caller]
pub fn run_on<T>(event_loop: &EventLoop, f: impl AsyncFnOnce(LoopRef) -> T) -> T {
    let _watchdog = Watchdog::start("a run of a loop", Duration::from_secs(60));
    event_loop
        .run_until_complete(f(event_loop.reference()))
        .unwrap()
}

/// Runs `f` on loops of its own, and compares descriptors, threads and memory before and after.
/// Threads that resolve names are waited for.
pub fn guarded_run(f: impl AsyncFn(LoopRef)) {
    alone();
    guarded(|| {
        let before = Census::take();
        run(&f);
        eventually("the threads end", Duration::from_secs(20), || {
            Census::take().since(&before).is_within(usize::MAX, 0)
        });
    });
}

/// What the protocols of a test have seen, in order.
#[derive(Clone, Debug, Default)]
pub struct Seen(Rc<RefCell<Notes>>);

#[derive(Debug, Default)]
struct Notes {
    notes: Vec<String>,
    waiting: Option<Waker>,
}

impl Seen {
    pub fn note(&self, what: impl Into<String>) {
        let mut notes = self.0.borrow_mut();
        notes.notes.push(what.into());
        if let Some(waker) = notes.waiting.take() {
            waker.wake();
        }
    }

    pub fn all(&self) -> Vec<String> {
        self.0.borrow().notes.clone()
    }

    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.borrow_mut().notes)
    }

    /// How often this was noted.
    pub fn count(&self, what: &str) -> usize {
        let notes = self.0.borrow();
        notes.notes.iter().filter(|note| *note == what).count()
    }

    /// Waits until this was noted so often.
    pub async fn until(&self, what: &str, times: usize) {
        self.wait(|| self.count(what) >= times).await;
    }

    /// Waits until anything is noted.
    pub async fn until_any(&self) {
        self.wait(|| !self.0.borrow().notes.is_empty()).await;
    }

    async fn wait(&self, is_there: impl Fn() -> bool) {
        poll_fn(|cx| {
            if is_there() {
                return Poll::Ready(());
            }
            self.0.borrow_mut().waiting = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

/// Notes what it sees, as asyncio's own test protocols do.
#[derive(Debug, Default)]
pub struct Recorder {
    pub seen: Seen,
    pub transport: Option<Rc<dyn Transport>>,
}

impl Recorder {
    pub fn new(seen: &Seen) -> Self {
        Self {
            seen: seen.clone(),
            transport: None,
        }
    }
}

impl Protocol for Recorder {
    fn connection_made(&mut self, transport: Rc<dyn Transport>) {
        self.transport = Some(transport);
        self.seen.note("made");
    }

    fn data_received(&mut self, data: &[u8]) {
        self.seen.note(String::from_utf8_lossy(data));
    }

    fn eof_received(&mut self) -> AfterEof {
        self.seen.note("eof");
        AfterEof::Close
    }

    fn connection_lost(&mut self, error: Option<io::Error>) {
        self.transport = None;
        self.seen.note(match error {
            None => "lost".to_owned(),
            Some(error) => format!("lost: {}", error.kind()),
        });
    }
}

/// Sends back what comes.
#[derive(Debug, Default)]
pub struct Echo(Option<Rc<dyn Transport>>);

impl Protocol for Echo {
    fn connection_made(&mut self, transport: Rc<dyn Transport>) {
        self.0 = Some(transport);
    }

    fn data_received(&mut self, data: &[u8]) {
        if let Some(transport) = &self.0 {
            assert_eq!(transport.write(data), Flow::Open);
        }
    }

    fn connection_lost(&mut self, _: Option<io::Error>) {
        self.0 = None;
    }
}

/// Has every error that nobody is told of noted, in place of the handler.
pub fn note_errors(event_loop: &LoopRef) -> Seen {
    let seen = Seen::default();
    let errors = seen.clone();
    event_loop.set_exception_handler(Some(Rc::new(move |context| {
        errors.note(context.to_string());
    })));
    seen
}

/// A server on a port of its own, whose protocols note what they see, and where it listens.
pub async fn serve(seen: &Seen) -> (Server, SocketAddr) {
    serve_with(seen, |create| create).await
}

pub type Create = CreateServer<Box<dyn FnMut() -> Recorder>>;

/// The same with settings.
pub async fn serve_with(seen: &Seen, set: impl FnOnce(Create) -> Create) -> (Server, SocketAddr) {
    let seen = seen.clone();
    let factory: Box<dyn FnMut() -> Recorder> = Box::new(move || Recorder::new(&seen));
    let server = set(create_server(factory, ("127.0.0.1", 0)));
    let server = server.await.unwrap();
    let address = address(&server);
    (server, address)
}

/// Where the server's first socket listens.
#[track_caller]
pub fn address(server: &Server) -> SocketAddr {
    internet(server.sockets()[0].getsockname())
}

/// A listener of the standard library, and its address.
pub fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Accepts a connection of the listener, while the loop runs.
pub async fn accept(listener: &TcpListener) -> TcpStream {
    let listener = listener.try_clone().unwrap();
    to_thread(move || listener.accept().unwrap().0)
        .await
        .unwrap()
}

/// Reads so many bytes, while the loop runs.
pub async fn read(stream: &TcpStream, count: usize) -> Vec<u8> {
    let mut stream = stream.try_clone().unwrap();
    to_thread(move || {
        let mut bytes = vec![0; count];
        stream.read_exact(&mut bytes).unwrap();
        bytes
    })
    .await
    .unwrap()
}

/// An address on which nobody listens, as long as the socket is kept: it is bound.
pub fn refusing() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket
        .bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())
        .unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, address)
}

/// An address that does not answer, as long as this is kept: a listener whose queue is full, so
/// that the kernel drops what asks for a connection.
pub struct Silent {
    pub address: SocketAddr,
    _listener: Socket,
    _queue: Vec<TcpStream>,
}

impl Silent {
    pub fn new() -> Self {
        let (listener, address) = refusing();
        listener.listen(0).unwrap();
        // One fits into a queue of none.
        let mut queue = Vec::new();
        let patience = Duration::from_millis(50);
        while let Ok(stream) = TcpStream::connect_timeout(&address, patience) {
            queue.push(stream);
            assert!(queue.len() < 10, "the queue does not fill");
        }
        Self {
            address,
            _listener: listener,
            _queue: queue,
        }
    }
}

/// An address of the family IPv4 that no route leads to: TCP has no broadcasts.
pub fn unreachable() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::new(127, 255, 255, 255), 9))
}

/// The address of a socket of the Internet.
#[track_caller]
pub fn internet(address: io::Result<SockAddr>) -> SocketAddr {
    address.unwrap().as_socket().unwrap()
}
