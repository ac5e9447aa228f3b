//! What the tests of byte streams share: a protocol that writes down what is called, and does what
//! it is told to in each method; pairs of connected sockets.

#![allow(dead_code, reason = "each test binary uses some of it")]

use asyncio_loop::{EventLoop, get_running_loop};
use asyncio_sync::Event;
use asyncio_testkit::Watchdog;
use asyncio_transports::{AfterEof, Protocol, Transport, connect_accepted_socket};
use socket2::{Domain, SockRef, Socket, Type};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
#[cfg(unix)]
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::rc::Rc;
use std::time::Duration;

/// Runs a scenario on a loop of its own, under a watchdog.
#[track_caller]
pub(crate) fn run<T>(scenario: impl AsyncFnOnce() -> T) -> T {
    let _watchdog = Watchdog::start("a scenario of streams", Duration::from_secs(60));
    let event_loop = EventLoop::new().unwrap();
    event_loop.run_until_complete(scenario()).unwrap()
}

/// What a method of the protocol does besides noting its call.
pub(crate) type Action = Box<dyn FnMut(&Rc<dyn Transport>)>;

/// What was called, in order, for a test to look at and to wait for.
#[derive(Clone, Default)]
pub(crate) struct Log {
    lines: Rc<RefCell<Vec<String>>>,
    changed: Rc<Event>,
    bytes: Rc<RefCell<Vec<u8>>>,
}

impl Log {
    pub(crate) fn note(&self, line: impl Into<String>) {
        self.lines.borrow_mut().push(line.into());
        self.changed.set();
    }

    /// The calls so far; several of `data_received` in a row are one.
    pub(crate) fn calls(&self) -> Vec<String> {
        let mut calls = self.lines.borrow().clone();
        calls.dedup_by(|next, previous| next == "data" && previous == "data");
        calls
    }

    pub(crate) fn count(&self, call: &str) -> usize {
        self.lines.borrow().iter().filter(|&it| it == call).count()
    }

    /// What was received, all together.
    pub(crate) fn received(&self) -> Vec<u8> {
        self.bytes.borrow().clone()
    }

    /// Waits until `call` was made.
    pub(crate) async fn until(&self, call: &str) {
        self.until_that(|log| log.lines.borrow().iter().any(|it| it.starts_with(call)))
            .await;
    }

    /// Waits until so many bytes were received.
    pub(crate) async fn until_received(&self, count: usize) {
        self.until_that(|log| log.bytes.borrow().len() >= count)
            .await;
    }

    async fn until_that(&self, holds: impl Fn(&Self) -> bool) {
        while !holds(self) {
            self.changed.clear();
            self.changed.wait().await;
        }
    }
}

/// A protocol that notes its calls.
pub(crate) struct Recorder {
    pub(crate) log: Log,
    pub(crate) transport: Option<Rc<dyn Transport>>,
    pub(crate) after_eof: AfterEof,
    actions: HashMap<&'static str, Action>,
    /// What the log calls this one.
    prefix: &'static str,
}

impl Recorder {
    pub(crate) fn new(log: &Log) -> Self {
        Self {
            log: log.clone(),
            transport: None,
            after_eof: AfterEof::Close,
            actions: HashMap::new(),
            prefix: "",
        }
    }

    /// Has the calls noted behind this word.
    pub(crate) fn called(mut self, prefix: &'static str) -> Self {
        self.prefix = prefix;
        self
    }

    pub(crate) fn keeps_open(mut self) -> Self {
        self.after_eof = AfterEof::KeepOpen;
        self
    }

    /// Does this in the method too.
    pub(crate) fn on(
        mut self,
        method: &'static str,
        action: impl FnMut(&Rc<dyn Transport>) + 'static,
    ) -> Self {
        self.actions.insert(method, Box::new(action));
        self
    }

    fn act(&mut self, method: &'static str, note: &str) {
        self.log.note(format!("{}{note}", self.prefix));
        if let (Some(action), Some(transport)) = (self.actions.get_mut(method), &self.transport) {
            action(transport);
        }
    }
}

/// The methods by the names that [`Recorder`] notes.
pub(crate) const METHODS: [&str; 6] = ["made", "data", "eof", "pause", "resume", "lost"];

impl Protocol for Recorder {
    fn connection_made(&mut self, transport: Rc<dyn Transport>) {
        self.transport = Some(transport);
        self.act("made", "made");
    }

    fn data_received(&mut self, data: &[u8]) {
        self.log.bytes.borrow_mut().extend_from_slice(data);
        self.act("data", "data");
    }

    fn eof_received(&mut self) -> AfterEof {
        self.act("eof", "eof");
        self.after_eof
    }

    fn connection_lost(&mut self, error: Option<io::Error>) {
        let note = match error {
            None => "lost".to_owned(),
            Some(error) => format!("lost: {:?}", error.kind()),
        };
        self.act("lost", &note);
        self.transport = None;
    }

    fn pause_writing(&mut self) {
        self.act("pause", "pause");
    }

    fn resume_writing(&mut self) {
        self.act("resume", "resume");
    }
}

/// The kinds of connected sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Tcp,
    Unix,
}

impl Kind {
    pub(crate) const ALL: [Self; 2] = [Self::Tcp, Self::Unix];

    /// A near end for a transport, and a far end for the test, which blocks.
    pub(crate) fn pair(self) -> (Socket, Socket) {
        match self {
            Self::Unix => Socket::pair(Domain::UNIX, Type::STREAM, None).unwrap(),
            Self::Tcp => {
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                let far = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
                far.connect(&listener.local_addr().unwrap().into()).unwrap();
                far.set_tcp_nodelay(true).unwrap();
                let (near, _) = listener.accept().unwrap();
                (near.into(), far)
            }
        }
    }
}

/// A transport with this protocol, and the far end.
pub(crate) async fn connect(
    kind: Kind,
    protocol: Recorder,
) -> (Rc<dyn Transport>, Rc<RefCell<Recorder>>, Socket) {
    let (near, far) = kind.pair();
    let (transport, protocol) = connect_accepted_socket(|| protocol, near).await.unwrap();
    (transport, protocol, far)
}

/// A terminal: the side of the emulator, and that of the program.
#[cfg(unix)]
pub(crate) fn terminal() -> (File, File) {
    use rustix::fs::{Mode, OFlags};
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    // Neither may become the terminal of this process.
    let emulator = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&emulator).unwrap();
    unlockpt(&emulator).unwrap();
    let name = ptsname(&emulator, Vec::new()).unwrap();
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let program = rustix::fs::open(name, flags, Mode::empty()).unwrap();
    (emulator.into(), program.into())
}

/// The same, which gives bytes as they come.
#[cfg(unix)]
pub(crate) fn raw_terminal() -> (File, File) {
    use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
    let (emulator, program) = terminal();
    let mut settings = tcgetattr(&program).unwrap();
    settings.make_raw();
    tcsetattr(&program, OptionalActions::Now, &settings).unwrap();
    (emulator, program)
}

/// Has the far end close with a reset.
pub(crate) fn reset(far: Socket) {
    far.set_linger(Some(Duration::ZERO)).unwrap();
    drop(far);
}

/// Reads everything there is at the far end now.
pub(crate) fn drain(far: &Socket) -> Vec<u8> {
    far.set_nonblocking(true).unwrap();
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match (&mut &*far).read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            // Nothing more now, or at all.
            Err(_) => break,
        }
    }
    far.set_nonblocking(false).unwrap();
    bytes
}

pub(crate) fn send(mut far: &Socket, bytes: &[u8]) {
    far.write_all(bytes).unwrap();
}

/// Makes the buffers of a socket as small as the kernel allows.
pub(crate) fn shrink(socket: &Socket) {
    let socket = SockRef::from(socket);
    socket.set_send_buffer_size(4608).unwrap();
    socket.set_recv_buffer_size(4608).unwrap();
}

/// Collects what reaches the exception handler of the running loop.
pub(crate) fn reports() -> Rc<RefCell<Vec<String>>> {
    let reports = Rc::new(RefCell::new(Vec::new()));
    let sink = Rc::clone(&reports);
    get_running_loop().set_exception_handler(Some(Rc::new(move |context| {
        sink.borrow_mut().push(context.message.to_owned());
    })));
    reports
}

/// Makes this many turns in which the selector is polled, which a busy loop does not do in each.
pub(crate) async fn turns(count: usize) {
    for _ in 0..count {
        let polls = get_running_loop().metrics().polls;
        while get_running_loop().metrics().polls == polls {
            asyncio_executor::yield_now().await;
        }
        asyncio_executor::yield_now().await;
    }
}

/// How often something happened.
#[derive(Clone, Default)]
pub(crate) struct Count(Rc<Cell<usize>>);

impl Count {
    pub(crate) fn up(&self) {
        self.0.set(self.0.get() + 1);
    }

    pub(crate) fn get(&self) -> usize {
        self.0.get()
    }
}
