//! The end: closing in order, breaking off, and `connection_lost`.

use std::io;

use super::SocketTransport;
use crate::life::{Life, Next};

impl SocketTransport {
    /// Receives nothing more, sends what waits, and then loses the connection.
    pub(super) fn close_in_order(&self) {
        let all_sent = !self.has_unsent();
        let next = self.change(|life| life.close(all_sent));
        self.want();
        if next == Next::Lost {
            self.lose_soon();
        }
    }

    /// Loses the connection at once. What waits is dropped.
    pub(super) fn break_off(&self, error: Option<io::Error>) {
        if self.change(Life::break_off) == Next::Lost {
            self.queue.borrow_mut().clear();
            self.stop_retrying();
            self.error.set(error);
            self.want();
            self.lose_soon();
        }
    }

    /// `connection_lost` comes after what is ready now.
    fn lose_soon(&self) {
        if !self.schedule() {
            self.lost_later.set(true);
        }
    }

    /// An entry of this transport runs, and `connection_lost` is due: now, unless the entry was
    /// queued before that.
    pub(super) fn lose_in_turn(&self) {
        if self.lost_later.take() {
            self.schedule();
        } else {
            self.lose();
        }
    }

    /// Calls `connection_lost`, and closes the socket.
    pub(super) fn lose(&self) {
        if self.change(Life::lose) {
            let error = self.error.take();
            self.call(|protocol, method| {
                method.set("connection_lost");
                protocol.connection_lost(error);
            });
            self.release();
        }
    }
}
