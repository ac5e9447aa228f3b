//! The handle to a server.

use std::cell::Cell;
use std::fmt;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use asyncio_executor::{finally, yield_now};
use asyncio_futures::move_on_after;
use asyncio_loop::LoopRef;

use super::state::State;
use crate::TransportSocket;
use crate::misuse::misuse;
use crate::source_of::SourceOf;

/// A server that listens: asyncio's `Server`, what [`create_server`](crate::create_server) and
/// [`create_unix_server`](crate::create_unix_server) give.
///
/// Clones are handles to the same server. The loop keeps a server that listens, so dropping its
/// handles does not close it; closing the loop does.
#[derive(Clone)]
pub struct Server {
    state: Rc<State>,
}

impl Server {
    pub(super) fn new(state: Rc<State>) -> Self {
        Self { state }
    }

    /// Stops listening: the sockets are closed, and the file of a Unix socket is removed. The
    /// connections go on. Once is enough.
    ///
    /// Connections that the kernel has set up and that were not accepted yet are reset by it.
    pub fn close(&self) {
        self.state.close();
    }

    /// Closes the connections: each is over when what it has to write is written.
    pub fn close_clients(&self) {
        for transport in self.state.clients.transports() {
            transport.close();
        }
    }

    /// Closes the connections at once; what they have to write is lost.
    pub fn abort_clients(&self) {
        for transport in self.state.clients.transports() {
            transport.abort();
        }
    }

    /// Begins to accept connections, for a server that was made with `start_serving(false)`; does
    /// nothing on one that has begun. Takes a turn of the loop.
    ///
    /// # Errors
    /// `InvalidInput`: the server is closed. What the kernel reports, if somebody else has come to
    /// listen on one of the addresses for instance; that closes the server. (asyncio goes on with the
    /// addresses before it, and takes the server for one that serves.)
    ///
    /// # Cancel safety
    /// No: it may have begun.
    pub async fn start_serving(&self) -> io::Result<()> {
        self.state.start()?;
        yield_now().await;
        Ok(())
    }

    /// Accepts connections until the server is [closed](Self::close), and then waits until its
    /// connections are over.
    ///
    /// (asyncio raises `CancelledError` in the task that waits here when somebody else closes the
    /// server.)
    ///
    /// # Errors
    /// `InvalidInput`: the server is closed, or somebody serves already. As
    /// [`start_serving`](Self::start_serving).
    ///
    /// # Cancel safety
    /// Cancelled, or dropped, it closes the server and its connections, and waits until they are
    /// over; then the cancellation goes on. To let connections come to their end, use
    /// [`start_serving`](Self::start_serving) and [`shutdown`](Self::shutdown).
    pub async fn serve_forever(&self) -> io::Result<()> {
        if self.state.serves_forever.get() {
            let message = format!("server {self:?} is already being awaited on serve_forever()");
            return Err(misuse(message));
        }
        self.state.start()?;
        let serving = ServesForever::new(&self.state);
        let (server, closing) = (self.clone(), self.clone());
        let is_over = Rc::new(Cell::new(false));
        let was_over = Rc::clone(&is_over);
        let serve = async move {
            server.state.closed.wait().await;
            server.wait_closed().await;
            is_over.set(true);
        };
        finally(serve, async move || {
            let _serving = serving;
            if !was_over.get() {
                closing.close();
                closing.close_clients();
                closing.wait_closed().await;
            }
        })
        .await;
        Ok(())
    }

    /// Waits until the server is closed and its connections are over. For one that is not closed,
    /// that is until somebody else closes it.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn wait_closed(&self) {
        self.state.ended.wait().await;
    }

    /// Closes the server in order: it stops listening, its connections have `grace` to come to
    /// their end by themselves, and those that have not are aborted. Beyond asyncio.
    ///
    /// To end connections that would stay open as long as their peers like, have their protocols
    /// close them, or call [`close_clients`](Self::close_clients) before: then `grace` is the time to
    /// write what is buffered.
    ///
    /// # Panics
    /// When it has to wait outside a running loop.
    ///
    /// # Cancel safety
    /// Yes: the server is closed, and connections that are open go on.
    ///
    /// # Examples
    /// ```
    /// use asyncio_loop::EventLoop;
    /// use asyncio_transports::{Protocol, create_server};
    /// use std::time::Duration;
    ///
    /// struct Quiet;
    /// impl Protocol for Quiet {}
    ///
    /// let event_loop = EventLoop::new()?;
    /// event_loop.run_until_complete(async {
    ///     let server = create_server(|| Quiet, ("127.0.0.1", 0)).await?;
    ///     let report = server.shutdown(Duration::from_secs(10)).await;
    ///     assert_eq!((report.ended, report.aborted), (0, 0));
    ///     std::io::Result::Ok(())
    /// })??;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn shutdown(&self, grace: Duration) -> ShutdownReport {
        let event_loop = &self.state.event_loop;
        let began = event_loop.time();
        self.close();
        let open = self.state.clients.len();
        let mut aborted = 0;
        if move_on_after(grace, self.wait_closed()).await.is_none() {
            aborted = self.state.clients.len();
            self.abort_clients();
            self.wait_closed().await;
        }
        ShutdownReport {
            ended: open - aborted,
            aborted,
            took: event_loop.time().saturating_duration_since(began),
        }
    }

    /// Whether it accepts connections.
    #[must_use]
    pub fn is_serving(&self) -> bool {
        self.state.is_serving.get()
    }

    /// The sockets that it listens on; none when it is closed.
    #[must_use]
    pub fn sockets(&self) -> Vec<TransportSocket> {
        let listeners = self.state.listeners.borrow();
        let sockets = listeners.iter().flatten().map(|it| &it.socket);
        sockets
            .map(|it| TransportSocket(SourceOf::owned_by(it)))
            .collect()
    }

    /// The loop that it belongs to.
    #[must_use]
    pub fn get_loop(&self) -> LoopRef {
        self.state.event_loop.clone()
    }
}

/// What became of the connections of a server that was [shut down](Server::shutdown).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// So many came to their end in time.
    pub ended: usize,
    /// So many were aborted.
    pub aborted: usize,
    /// How long it took.
    pub took: Duration,
}

/// Somebody is in `serve_forever`.
struct ServesForever(Rc<State>);

impl ServesForever {
    fn new(state: &Rc<State>) -> Self {
        state.serves_forever.set(true);
        Self(Rc::clone(state))
    }
}

impl Drop for ServesForever {
    fn drop(&mut self) {
        self.0.serves_forever.set(false);
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.state.fmt(formatter)
    }
}
