//! Two network namespaces and a bad line between them, for tests of what only a real network does.
//!
//! What loses, delays, repeats, damages and reorders the packets is a program beside this file, in
//! Python because a tunnel device needs an `ioctl` and nothing here is unsafe; the kernel's own way
//! (`netem`) is not in every kernel.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::needs::{needs, needs_program, needs_root};

const PROGRAM: &str = include_str!("link.py");

/// Two network namespaces with a line between them, which is perfect until
/// [`weather`](Link::weather) changes.
///
/// The left end is `10.98.0.1`, `fd98::1` and `fe80::98:1`; the right end is `10.98.0.2` and `.3`,
/// `fd98::2` and `::3`, and `fe80::98:2`. The left knows a way to `10.99.0.0/16`, by the right, which
/// answers that there is none. Nothing else can be reached: no packet leaves the machine.
///
/// All is gone when it is dropped, and when the process ends in whichever way.
///
/// ```no_run
/// use asyncio_testkit::{End, Link, Weather};
/// use std::net::UdpSocket;
/// use std::time::Duration;
///
/// # fn main() {
/// // In a test.
/// let Some(link) = Link::new(1) else { return };
/// link.weather(Weather { loss: 0.1, ..Weather::late(Duration::from_millis(20)) });
/// let sent = link.on(End::Left, || {
///     UdpSocket::bind("10.98.0.1:0")?.send_to(b"perhaps", "10.98.0.2:9")
/// });
/// assert_eq!(sent.unwrap(), 7);
/// # }
/// ```
#[derive(Debug)]
pub struct Link {
    program: Child,
    talk: Mutex<Talk>,
    namespaces: [File; 2],
}

/// Both ways to the program.
#[derive(Debug)]
struct Talk {
    /// `None` when it was told to end.
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Talk {
    /// The program's next line.
    fn answer(&mut self) -> String {
        let mut line = String::new();
        let read = self.answers.read_line(&mut line);
        read.expect("the link's program writes text");
        line
    }
}

/// One end of a [`Link`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Where clients usually are.
    Left,
    /// Where servers usually are.
    Right,
}

/// What becomes of packets, in both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Weather {
    /// How long each is under way.
    pub delay: Duration,
    /// How much longer or shorter it may be: those that are sent later may come sooner.
    pub jitter: Duration,
    /// How many of all are lost: 0.0 none, 1.0 all.
    pub loss: f64,
    /// How many come twice.
    pub duplicates: f64,
    /// How many come with a byte changed.
    pub damage: f64,
}

impl Weather {
    /// All packets come, so much later.
    pub fn late(delay: Duration) -> Weather {
        Weather {
            delay,
            ..Weather::default()
        }
    }

    /// Nothing comes.
    pub fn dead() -> Weather {
        Weather {
            loss: 1.0,
            ..Weather::default()
        }
    }
}

/// What became of the packets of a [`Link`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// That arrived.
    pub forwarded: u64,
    /// That were lost, by chance or in a hole.
    pub lost: u64,
    /// That came twice.
    pub duplicated: u64,
    /// That were damaged.
    pub damaged: u64,
    /// That came after one that was sent later.
    pub overtaken: u64,
}

impl Link {
    /// A link whose accidents `seed` decides, or `None` where the machine does not let us have one,
    /// which it says as [`needs`](crate::needs()) does: it needs Linux, root, `ip`, `python3` and
    /// `/dev/net/tun`.
    ///
    /// # Panics
    ///
    /// As [`needs`](crate::needs()), and when the program cannot be talked to.
    #[track_caller]
    pub fn new(seed: u64) -> Option<Link> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        if !needs_root() || !needs_program("ip") || !needs_program("python3") {
            return None;
        }
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("t{}n{number}", std::process::id());
        let mut program = Command::new("python3")
            .args(["-c", PROGRAM, &name, &seed.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A signal to all of the tests, as `timeout` sends one, would end it before it has
            // removed the namespaces.
            .process_group(0)
            .spawn()
            .expect("cannot start python3");
        let mut talk = Talk {
            commands: program.stdin.take(),
            answers: BufReader::new(program.stdout.take().expect("it is piped")),
        };
        if talk.answer() != "ready\n" {
            let mut why = String::new();
            let _ = program
                .stderr
                .take()
                .map(|mut it| it.read_to_string(&mut why));
            let _ = program.wait();
            let why = why.lines().last().unwrap_or("it does not say why");
            assert!(!needs(&format!("network namespaces ({why})"), false));
            return None;
        }
        let namespaces = ["left", "right"].map(|end| {
            let path = format!("/run/netns/{name}-{end}");
            File::open(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
        });
        println!("link with seed {seed}");
        Some(Link {
            program,
            talk: Mutex::new(talk),
            namespaces,
        })
    }

    /// Changes what becomes of packets that are sent from now on.
    ///
    /// # Panics
    ///
    /// When the program does not answer.
    pub fn weather(&self, weather: Weather) {
        let Weather {
            delay,
            jitter,
            loss,
            duplicates,
            damage,
        } = weather;
        let (delay, jitter) = (delay.as_secs_f64(), jitter.as_secs_f64());
        self.command(&format!(
            "weather {delay} {jitter} {loss} {duplicates} {damage}"
        ));
    }

    /// Has packets to this address vanish from now on, as if nobody had it.
    ///
    /// # Panics
    ///
    /// When the program does not answer.
    pub fn swallow(&self, address: impl Into<IpAddr>) {
        self.command(&format!("hole {}", address.into()));
    }

    #[track_caller]
    fn command(&self, command: &str) {
        let mut talk = self.talk.lock().unwrap_or_else(PoisonError::into_inner);
        let commands = talk.commands.as_mut().expect("the link has not ended");
        writeln!(commands, "{command}").expect("the link's program has ended");
        let answer = talk.answer();
        assert_eq!(answer, "ok\n", "the answer to `{command}`");
    }

    /// Runs `f` on a thread whose sockets are those of one end, and waits for it.
    ///
    /// # Panics
    ///
    /// As `f`, and when the thread cannot be moved there.
    pub fn on<R: Send>(&self, end: End, f: impl FnOnce() -> R + Send) -> R {
        thread::scope(|scope| {
            let thread = scope.spawn(|| {
                self.enter(end);
                f()
            });
            thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Moves this thread to one end, for as long as it lives, and the threads that it will start.
    ///
    /// # Panics
    ///
    /// When the system does not let it.
    pub fn enter(&self, end: End) {
        let namespace = &self.namespaces[usize::from(end == End::Right)];
        move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))
            .expect("cannot enter the network namespace");
    }

    /// Ends the link, and tells what became of the packets.
    ///
    /// # Panics
    ///
    /// When the program does not say.
    pub fn end(mut self) -> Traffic {
        let talk = self.hang_up();
        let line = talk.answer();
        let mut counts = line.split_whitespace().map(|count| {
            let count: Result<u64, _> = count.parse();
            count.unwrap_or_else(|_| panic!("the link's program said {line:?}"))
        });
        let mut next = || counts.next().unwrap_or_default();
        Traffic {
            forwarded: next(),
            lost: next(),
            duplicated: next(),
            damaged: next(),
            overtaken: next(),
        }
    }

    /// Lets the program end.
    fn hang_up(&mut self) -> &mut Talk {
        let talk = self.talk.get_mut().unwrap_or_else(PoisonError::into_inner);
        talk.commands = None;
        talk
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.hang_up();
        // It removes the namespaces, and ends.
        let _ = self.program.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::{Pid, getpgid};

    #[test]
    fn a_signal_to_the_group_of_the_tests_does_not_reach_the_program() {
        let Some(link) = Link::new(1) else { return };
        let program = Pid::from_child(&link.program);
        assert_ne!(getpgid(Some(program)).unwrap(), getpgid(None).unwrap());
    }
}
