//! Trying again to send, where nobody tells that there is room: to Unix sockets that one is not
//! connected to.

use std::rc::Weak;
use std::time::Duration;

use asyncio_loop::TimerHandle;

use super::super::sys;
use super::SocketTransport;

/// The next try, and how long it waits.
#[derive(Debug)]
pub(super) struct Retry {
    timer: Option<TimerHandle>,
    pause: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            timer: None,
            pause: sys::FIRST_PAUSE,
        }
    }
}

impl SocketTransport {
    /// There was no room.
    pub(super) fn retry_later(&self) {
        let Some(retry) = &self.retry else { return };
        let mut retry = retry.borrow_mut();
        if retry.timer.is_some() {
            return;
        }
        let transport = Weak::clone(&self.this);
        let pause = retry.pause;
        retry.pause = sys::longer(pause);
        retry.timer = Some(self.event_loop.call_later(pause, move || {
            if let Some(transport) = transport.upgrade() {
                transport.retry();
            }
        }));
    }

    fn retry(&self) {
        if let Some(retry) = &self.retry {
            retry.borrow_mut().timer = None;
        }
        let mut known = self.ready.get();
        known.writable = true;
        self.ready.set(known);
        self.schedule();
    }

    /// There was room.
    pub(super) fn retry_soon(&self) {
        if let Some(retry) = &self.retry {
            retry.borrow_mut().pause = sys::FIRST_PAUSE;
        }
    }

    pub(super) fn stop_retrying(&self) {
        let timer = self
            .retry
            .as_ref()
            .and_then(|retry| retry.borrow_mut().timer.take());
        if let Some(timer) = timer {
            timer.cancel();
        }
    }
}
