//! What the cases of servers share: a server here, and the load on it in another process.
//!
//! The server's thread is kept on one core and the process that makes the load on another.

use std::io::{self, BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio, exit};
use std::thread;

use crate::cores;
use crate::harness::write_sample;
use crate::load::Order;
use crate::meter::{Meter, Sample};

/// The process that makes the load, and the way to talk to it.
#[derive(Debug)]
pub struct Loader {
    child: Child,
    orders: ChildStdin,
    words: Lines<BufReader<ChildStdout>>,
}

impl Loader {
    /// Starts it.
    ///
    /// # Errors
    ///
    /// If there can be no process.
    pub fn start(order: &Order) -> io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--load", &order.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(orders), Some(words)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("a child without pipes"));
        };
        let words = BufReader::new(words).lines();
        Ok(Self {
            child,
            orders,
            words,
        })
    }

    /// Waits for the next thing that it says.
    ///
    /// # Errors
    ///
    /// If it has ended.
    pub fn word(&mut self) -> io::Result<String> {
        let word = self.words.next().transpose()?;
        word.ok_or_else(|| io::Error::other("the load has ended"))
    }

    fn expect(&mut self, expected: &str) -> io::Result<()> {
        match self.word()? {
            word if word == expected => Ok(()),
            word => Err(io::Error::other(format!("{word:?} and not {expected}"))),
        }
    }

    /// Waits for the end of the warm-up.
    ///
    /// # Errors
    ///
    /// If it went wrong.
    pub fn warm(&mut self) -> io::Result<()> {
        self.expect("warm")
    }

    /// Has the rest done.
    ///
    /// # Errors
    ///
    /// If it goes wrong.
    pub fn go(&mut self) -> io::Result<()> {
        self.orders.write_all(b"go\n")?;
        self.expect("done")
    }

    /// The CPU time of this process for each of `ops` operations.
    ///
    /// # Errors
    ///
    /// If the load went wrong.
    pub fn cpu_per_op(&mut self, ops: u64) -> io::Result<Sample> {
        self.warm()?;
        let meter = Meter::process_cpu();
        self.go()?;
        Ok(Sample::new(meter.per_op(ops)))
    }

    /// Ends it.
    ///
    /// # Errors
    ///
    /// If there is nothing to wait for.
    pub fn end(self) -> io::Result<()> {
        let Self {
            mut child, orders, ..
        } = self;
        drop(orders);
        child.wait().map(drop)
    }
}

/// Serves what `prepared` holds, while `take` takes the sample on a thread of its own. It does not
/// return: the sample's process ends with what it has printed, because a server that is asked to
/// stop would be measured stopping.
pub fn measured<S>(
    prepared: io::Result<(S, Loader)>,
    take: impl FnOnce(&mut Loader) -> io::Result<Sample> + Send + 'static,
    serve: impl FnOnce(S),
) -> Sample {
    let done = prepared.and_then(|(server, mut loader)| {
        // Not kept on the server's core: it sleeps while the load runs.
        thread::Builder::new()
            .name("controller".to_owned())
            .spawn(move || {
                let taken = take(&mut loader);
                match taken.and_then(|sample| loader.end().map(|()| sample)) {
                    Ok(sample) => {
                        print!("{}", write_sample(&sample));
                        exit(0);
                    }
                    Err(error) => {
                        eprintln!("the load failed: {error}");
                        exit(1);
                    }
                }
            })?;
        cores::pin_to_first();
        serve(server);
        Err(io::Error::other("the server has ended"))
    });
    let Err(error): Result<Sample, io::Error> = done else {
        unreachable!("only the controller ends a sample")
    };
    panic!("{error}");
}
