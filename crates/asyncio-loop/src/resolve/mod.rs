//! Names to addresses and back: `getaddrinfo` and `getnameinfo` of the system, off the loop.
//!
//! Facts: the system's resolver blocks, for as long as its time-outs say (often ten seconds and
//! more), and cannot be interrupted. asyncio runs it in the default executor, where look-ups that
//! hang stop everybody's file work.
//! Decision: each loop has a small pool for names alone, made at the first look-up and shut down
//! with the loop; what hangs there hangs nothing else, not even another loop's look-ups. An
//! address that is spelled out needs no resolver, and never leaves the loop.
//!
//! | file | idea |
//! |---|---|
//! | [`hints`] | what is asked for, and what comes back |
//! | [`literal`] | addresses that are spelled out |
//! | [`error`] | the resolver's own error numbers |
//! | [`sys`] | the system's numbers for flags |

mod error;
mod hints;
mod literal;
mod sys;

use std::io;
use std::net::SocketAddr;

use asyncio_blocking::{Job, JobError, SubmitError, ThreadPoolBuilder, ThreadPoolExecutor};

pub use self::error::GaiError;
pub use self::hints::{AddrInfo, AddrInfoHints, NameInfoFlags, Service};
use crate::current::get_running_loop;
use crate::loop_ref::LoopRef;
use crate::threads::Waiting;
use crate::watch;

/// Look-ups of one loop that are under way at the same time. Names are mostly answered by a cache
/// in microseconds; the number bounds what a dead name server can hold.
const RESOLVER_THREADS_MAX: usize = 8;

/// Look-ups of one loop that may wait for one of these threads.
const RESOLVER_QUEUE_MAX: usize = 4096;

/// Settings of a loop's pool for names.
pub(crate) fn resolver() -> ThreadPoolBuilder {
    ThreadPoolExecutor::builder()
        .max_workers(RESOLVER_THREADS_MAX)
        .max_queue(RESOLVER_QUEUE_MAX)
        .thread_name_prefix("asyncio-resolver")
}

impl LoopRef {
    /// The addresses of a host and a service, in the order of the system's preference: asyncio's
    /// `loop.getaddrinfo`.
    ///
    /// An IPv4 or IPv6 address that is spelled out, with a number or nothing for the service, is
    /// answered at once by the loop itself. Everything else, names, scoped addresses (`%`) and the
    /// wildcard (`None`), is asked of the system, in a thread of the loop's own small pool
    /// (`asyncio-resolver`, 8 threads), which nothing but names uses.
    ///
    /// Names have to be ASCII: an international name in its `xn--` form.
    ///
    /// # Errors
    /// [`GaiError`] inside the error when the resolver finds nothing: kind `NotFound` for a name
    /// that does not exist. `NotFound` when it finds nothing and says nothing; `ResourceBusy` when
    /// 4,096 look-ups wait already; `InvalidInput` for a host with a zero byte, or neither host
    /// nor service; `NotConnected` when the loop is closed.
    ///
    /// # Cancel safety
    /// Yes, there is nothing to lose. A look-up that has begun goes on in its thread, and its
    /// answer is dropped.
    ///
    /// # Examples
    /// ```
    /// use asyncio_loop::{AddrInfoHints, EventLoop};
    ///
    /// let event_loop = EventLoop::new()?;
    /// let hints = AddrInfoHints::new();
    /// let found = event_loop.run_until_complete(event_loop.getaddrinfo("::1", 80, hints))??;
    /// assert_eq!(found[0].address, "[::1]:80".parse()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn getaddrinfo<'a>(
        &self,
        host: impl Into<Option<&'a str>>,
        service: impl Into<Service<'a>>,
        hints: AddrInfoHints,
    ) -> io::Result<Vec<AddrInfo>> {
        let (host, service) = (host.into(), service.into());
        watch::refuse_closed(self.inner())?;
        if let Some(found) = host.and_then(|host| literal::literal(host, service, &hints)) {
            return Ok(found);
        }
        let mut name = host.unwrap_or("*").to_owned();
        if let Service::Named(service) = service
            && !service.is_empty()
        {
            name.push_str(", service ");
            name.push_str(service);
        }
        let host = host.map(str::to_owned);
        let service = service.text();
        if host.is_none() && service.is_none() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "neither host nor service given",
            ));
        }
        let ask = move || {
            let asked =
                dns_lookup::getaddrinfo(host.as_deref(), service.as_deref(), Some(hints.raw()));
            let answers = asked.map_err(|error| GaiError::or_io(&name, error))?;
            // An address of a family that is no Internet's is none that could be connected to.
            let found: Vec<_> = answers.flatten().map(AddrInfo::from).collect();
            if found.is_empty() {
                let empty = format!("getaddrinfo for {name} returned an empty list");
                return Err(io::Error::new(io::ErrorKind::NotFound, empty));
            }
            Ok(found)
        };
        self.resolve(ask).await
    }

    /// The names of an address: host and service, as asyncio's `loop.getnameinfo`.
    ///
    /// With [`NameInfoFlags::numeric_host`] and [`NameInfoFlags::numeric_service`] together no
    /// name is looked up, and the answer comes at once.
    ///
    /// # Errors
    /// [`GaiError`] inside the error; the others of [`getaddrinfo`](Self::getaddrinfo).
    ///
    /// # Cancel safety
    /// Yes, as [`getaddrinfo`](Self::getaddrinfo).
    pub async fn getnameinfo(
        &self,
        address: SocketAddr,
        flags: NameInfoFlags,
    ) -> io::Result<(String, String)> {
        watch::refuse_closed(self.inner())?;
        if let Some(names) = literal::numbers(address, flags) {
            return Ok(names);
        }
        self.resolve(move || {
            dns_lookup::getnameinfo(&address, flags.raw())
                .map_err(|error| GaiError::or_io(&address.ip().to_string(), error))
        })
        .await
    }

    /// Has the pool for names ask, and waits for the answer.
    async fn resolve<T: Send + 'static>(
        &self,
        ask: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let (job, answer) = Job::new(ask);
        if let Err(rejected) = self.inner().resolver.execute(job) {
            return Err(match rejected.into_parts().1 {
                SubmitError::QueueFull { limit } => io::Error::new(
                    io::ErrorKind::ResourceBusy,
                    format!("cannot resolve: {limit} names are waiting already"),
                ),
                other => other.into(),
            });
        }
        match Waiting::new(answer).await {
            Ok(answer) => answer,
            Err(JobError::Panicked(_)) => Err(io::Error::other(
                "the system's resolver gave an answer that is no text",
            )),
            Err(error) => Err(error.into()),
        }
    }
}

/// The addresses of a host and a service; see [`LoopRef::getaddrinfo`].
///
/// # Errors
/// As [`LoopRef::getaddrinfo`].
///
/// # Panics
/// When polled outside a running loop.
///
/// # Cancel safety
/// Yes.
pub async fn getaddrinfo<'a>(
    host: impl Into<Option<&'a str>>,
    service: impl Into<Service<'a>>,
    hints: AddrInfoHints,
) -> io::Result<Vec<AddrInfo>> {
    get_running_loop().getaddrinfo(host, service, hints).await
}

/// The names of an address; see [`LoopRef::getnameinfo`].
///
/// # Errors
/// As [`LoopRef::getnameinfo`].
///
/// # Panics
/// When polled outside a running loop.
///
/// # Cancel safety
/// Yes.
pub async fn getnameinfo(
    address: SocketAddr,
    flags: NameInfoFlags,
) -> io::Result<(String, String)> {
    get_running_loop().getnameinfo(address, flags).await
}
