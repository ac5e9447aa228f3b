//! A transport on a connected socket, with its layer.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use asyncio_loop::LoopRef;
use asyncio_sync::oneshot;
use socket2::{SockAddr, Socket};

use super::builder::Connected;
use crate::connection::{Membership, Setup, start_socket};
use crate::layer::{Opened, Secured};
use crate::{Protocol, Transport};

/// A connected socket, in non-blocking mode.
pub(crate) struct Stream {
    socket: Socket,
    /// Whom it is connected to, if that is known.
    peer: Option<SockAddr>,
}

impl Stream {
    pub(crate) fn new(socket: Socket, peer: impl Into<Option<SockAddr>>) -> Self {
        Self {
            socket,
            peer: peer.into(),
        }
    }
}

/// A connection that is opening.
pub(crate) struct Opening {
    /// What the application sees.
    pub(crate) transport: Rc<dyn Transport>,
    /// What is under its layer.
    raw: Option<Rc<dyn Transport>>,
    /// Tells when it is open. `None` when it has told.
    told: Option<oneshot::Receiver<io::Result<()>>>,
}

/// Makes a transport of a connected socket. `membership` is dropped when the connection is over.
///
/// # Errors
/// What the kernel or the layer reports. The socket is closed.
pub(crate) fn start(
    event_loop: &LoopRef,
    stream: Stream,
    protocol: Rc<RefCell<dyn Protocol>>,
    secured: Option<&Secured>,
    membership: Option<Membership>,
) -> io::Result<Opening> {
    let setup = |protocol| Setup {
        membership,
        ..Setup::new(event_loop, protocol)
    };
    let Some(secured) = secured else {
        let (transport, told) = start_socket(setup(protocol), stream.socket, stream.peer)?;
        return Ok(Opening {
            transport,
            raw: None,
            told: Some(told),
        });
    };
    let (opened, told) = Opened::channel();
    let layered = secured.layer.layer(secured.opening(protocol, opened))?;
    let (raw, _) = start_socket(setup(layered.protocol), stream.socket, stream.peer)?;
    Ok(Opening {
        transport: layered.transport,
        raw: Some(raw),
        told: Some(told),
    })
}

/// Makes a transport of a connected socket for a client's protocol, and waits until it is open.
pub(super) async fn open<F, P>(
    event_loop: &LoopRef,
    stream: Stream,
    factory: F,
    secured: Option<Secured>,
) -> io::Result<Connected<P>>
where
    F: FnOnce() -> P,
    P: Protocol,
{
    let protocol = Rc::new(RefCell::new(factory()));
    let opening = start(event_loop, stream, protocol.clone(), secured.as_ref(), None)?;
    Ok((opening.finish().await?, protocol))
}

impl Opening {
    /// Whether there is a layer, which may take its time.
    pub(crate) fn has_layer(&self) -> bool {
        self.raw.is_some()
    }

    /// It opens by itself, and nobody waits for it.
    pub(crate) fn detach(mut self) {
        self.told = None;
    }

    /// Waits until it is open. If it does not open, it is closed; if nobody waits any more, the
    /// transport is closed, and a layer that has not opened is aborted.
    pub(crate) async fn finish(mut self) -> io::Result<Rc<dyn Transport>> {
        let Some(told) = &mut self.told else {
            return Ok(Rc::clone(&self.transport));
        };
        let outcome = told.await.unwrap_or_else(|_| {
            let kind = io::ErrorKind::ConnectionAborted;
            Err(io::Error::new(
                kind,
                "the connection was lost before it was open",
            ))
        });
        self.told = None;
        if outcome.is_err() {
            // A layer's last word is written.
            self.raw.as_ref().unwrap_or(&self.transport).close();
        }
        outcome.map(|()| Rc::clone(&self.transport))
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        if self.told.is_some() {
            match &self.raw {
                None => self.transport.close(),
                Some(raw) => raw.abort(),
            }
        }
    }
}
