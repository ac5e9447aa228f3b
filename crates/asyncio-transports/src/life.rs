//! The life of a connection: what may still happen, and which call comes next. No system calls.
//!
//! ```text
//!            made                 close, all written       the queue's turn
//! (start) ─────────▶ Open ───────────────────────▶ Ending ───────────────▶ Over
//!                     │  ▲                            ▲     connection_lost
//!                     │  pause, resume                │
//!                     └───────────▶ Flushing ─────────┘
//!                      close, some unwritten   all written, abort, error
//! ```
//! An abort or an error leads to `Ending` from `Open`, too. `connection_made` comes first in any
//! phase: a connection may be closed before it was announced.

/// What a connection has been through.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Life {
    phase: Phase,
    /// `connection_made` was called.
    made: bool,
    /// By `pause_reading`.
    reading_paused: bool,
    input: Input,
    output: Output,
    /// The protocol's last word was `pause_writing`.
    told_paused: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    /// Closed, with something to write.
    Flushing,
    /// Nothing is left to do but to call `connection_lost`, in a turn to come.
    Ending,
    /// `connection_lost` was called.
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    Open,
    /// The end was read in pull mode, and `eof_received` is to be called.
    EndDue,
    /// `eof_received` was called.
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Output {
    Open,
    /// `write_eof` was called with something to write before it.
    Ending,
    Ended,
}

/// What a close, or the end of a flush, leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It goes on.
    Nothing,
    /// The side that writes is to be shut down.
    EndOutput,
    /// `connection_lost` is due.
    Lost,
}

/// A call that flow control gives rise to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FlowCall {
    Pause,
    Resume,
}

impl Life {
    pub(crate) fn new() -> Self {
        Self {
            phase: Phase::Open,
            made: false,
            reading_paused: false,
            input: Input::Open,
            output: Output::Open,
            told_paused: false,
        }
    }

    /// A life without one of the directions: that of a pipe.
    #[cfg(unix)]
    pub(crate) fn one_way(reads: bool) -> Self {
        let mut life = Self::new();
        if reads {
            life.output = Output::Ended;
        } else {
            life.input = Input::Ended;
        }
        life
    }

    /// Whether `connection_made` is due, which it is once.
    pub(crate) fn make(&mut self) -> bool {
        !std::mem::replace(&mut self.made, true)
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.phase != Phase::Open
    }

    /// Whether `connection_lost` was called, or will be with nothing before it.
    pub(crate) fn is_ending(&self) -> bool {
        matches!(self.phase, Phase::Ending | Phase::Over)
    }

    /// As `ReadTransport::is_reading` says.
    pub(crate) fn is_reading(&self) -> bool {
        self.phase == Phase::Open && !self.reading_paused
    }

    /// Whether the transport is to read by itself.
    pub(crate) fn reads(&self) -> bool {
        self.is_reading() && self.made && self.input == Input::Open
    }

    pub(crate) fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// Whether there may be more to read, by whomever.
    pub(crate) fn has_input(&self) -> bool {
        self.phase == Phase::Open && self.input == Input::Open
    }

    /// Whether a write is accepted.
    pub(crate) fn has_output(&self) -> bool {
        self.phase == Phase::Open && self.output == Output::Open
    }

    /// Whether this changed anything.
    pub(crate) fn pause_reading(&mut self) -> bool {
        self.is_reading() && !std::mem::replace(&mut self.reading_paused, true)
    }

    /// Whether this changed anything.
    pub(crate) fn resume_reading(&mut self) -> bool {
        self.phase == Phase::Open && std::mem::replace(&mut self.reading_paused, false)
    }

    /// The end was read by somebody else than the loop.
    pub(crate) fn end_input_later(&mut self) {
        self.input = Input::EndDue;
    }

    pub(crate) fn is_end_due(&self) -> bool {
        self.phase == Phase::Open && self.made && self.input == Input::EndDue
    }

    /// `eof_received` is called now.
    pub(crate) fn end_input(&mut self) {
        self.input = Input::Ended;
    }

    /// `write_eof`.
    pub(crate) fn end_output(&mut self, all_written: bool) -> Next {
        if !self.has_output() {
            Next::Nothing
        } else if all_written {
            self.output = Output::Ended;
            Next::EndOutput
        } else {
            self.output = Output::Ending;
            Next::Nothing
        }
    }

    /// `close`.
    pub(crate) fn close(&mut self, all_written: bool) -> Next {
        if self.phase != Phase::Open {
            return Next::Nothing;
        }
        self.phase = Phase::Flushing;
        if all_written {
            self.written()
        } else {
            Next::Nothing
        }
    }

    /// All is written.
    pub(crate) fn written(&mut self) -> Next {
        if self.phase == Phase::Flushing {
            self.phase = Phase::Ending;
            return Next::Lost;
        }
        if self.phase == Phase::Open && self.output == Output::Ending {
            self.output = Output::Ended;
            return Next::EndOutput;
        }
        Next::Nothing
    }

    /// `abort`, or an error.
    pub(crate) fn break_off(&mut self) -> Next {
        if self.is_ending() {
            return Next::Nothing;
        }
        self.phase = Phase::Ending;
        Next::Lost
    }

    /// Whether `connection_lost` is to be called now, which it is once.
    pub(crate) fn lose(&mut self) -> bool {
        let due = self.phase == Phase::Ending;
        if due {
            self.phase = Phase::Over;
        }
        due
    }

    /// The loop is closed: nothing is called any more.
    pub(crate) fn discard(&mut self) {
        self.phase = Phase::Over;
    }

    /// What the protocol is to be told, if it has not been. They alternate by this.
    pub(crate) fn flow_call(&mut self, paused: bool) -> Option<FlowCall> {
        if !self.made || self.is_ending() || self.told_paused == paused {
            return None;
        }
        self.told_paused = paused;
        Some(if paused {
            FlowCall::Pause
        } else {
            FlowCall::Resume
        })
    }
}
