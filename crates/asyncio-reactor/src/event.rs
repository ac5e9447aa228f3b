//! What a wait found: events, in the order in which the selector reported them.

/// One source that a wait found ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// The key under which the source was registered.
    pub key: usize,
    /// A read would not block; it may give data, the end, or an error.
    pub readable: bool,
    /// A write would not block; it may take data or give an error.
    pub writable: bool,
    /// The end of what can be read is in sight, or the selector cannot tell: a read that comes back
    /// short has not shown that nothing is left to be read, because no further event announces the
    /// end. So it is with urgent data of TCP, at which a read stops. Never set without `readable`.
    pub read_closed: bool,
    /// An error is pending: the next operation, whichever it is, gives it. Selectors that cannot
    /// tell never set it.
    pub broken: bool,
}

/// The events of one wait: a list with a fixed capacity.
///
/// What does not fit stays with the selector and is reported by the next wait, which then returns
/// at once.
///
/// # Examples
/// ```
/// use asyncio_reactor::{Event, Events};
///
/// let mut events = Events::with_capacity(1);
/// let event = Event { key: 7, readable: true, writable: false, read_closed: false, broken: false };
/// events.push(event).unwrap();
/// assert_eq!(events.push(event), Err(event));
/// assert_eq!(events.iter().next(), Some(&event));
/// ```
#[derive(Debug)]
pub struct Events {
    list: Vec<Event>,
    capacity: usize,
}

impl Events {
    /// How many events one wait of a [`Reactor`](crate::Reactor) takes from the kernel: enough that
    /// the system call is shared by many, small enough that callbacks and timers get their turn
    /// between two batches.
    pub const CAPACITY: usize = 1024;

    /// An empty list with room for [`Self::CAPACITY`] events.
    #[must_use]
    pub const fn new() -> Self {
        Self::with_capacity(Self::CAPACITY)
    }

    /// An empty list with room for `capacity` events. Memory is taken when events come.
    #[must_use]
    pub const fn with_capacity(capacity: usize) -> Self {
        Self {
            list: Vec::new(),
            capacity,
        }
    }

    /// Adds an event.
    ///
    /// # Errors
    /// Gives the event back when the list is full.
    pub fn push(&mut self, event: Event) -> Result<(), Event> {
        if self.room() == 0 {
            return Err(event);
        }
        self.list.push(event);
        Ok(())
    }

    /// How many more events fit.
    #[must_use]
    pub fn room(&self) -> usize {
        self.capacity.saturating_sub(self.list.len())
    }

    /// How many events are in the list.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The events in the order in which they were reported.
    pub fn iter(&self) -> impl Iterator<Item = &Event> {
        self.list.iter()
    }

    pub(crate) fn get(&self, index: usize) -> Option<Event> {
        self.list.get(index).copied()
    }

    /// Adds events that no selector has found, whatever room there is.
    pub(crate) fn extend(&mut self, events: Vec<Event>) {
        self.list.extend(events);
    }

    pub(crate) fn clear(&mut self) {
        self.list.clear();
    }

    /// Takes all events out, in order.
    pub fn drain(&mut self) -> impl Iterator<Item = Event> {
        self.list.drain(..)
    }
}

impl Default for Events {
    fn default() -> Self {
        Self::new()
    }
}
