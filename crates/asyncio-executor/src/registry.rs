//! The tasks of an executor: what can be reached of a task from outside, under its key.
//!
//! A task that nobody asks about costs one [`Slot`]. What only some tasks have (a `TaskRef`, a
//! scope) stands in an [`Extra`] beside it, recycled through a slab.

mod slot;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::Location;
use std::rc::Rc;
use std::task::Waker;

use slab::Slab;

use crate::cancel::NodeId;
use crate::local::{ENTRIES_KEPT, Local};
use crate::task::{Observer, TaskState};

use slot::{DETACHED, Link, Slot};
pub(crate) use slot::{Extra, Key, Told};

/// What is left to do when a task has ended.
pub(crate) struct Ended {
    pub(crate) waker: Option<Waker>,
    pub(crate) waiter: Key,
    /// The task's number, while its handle is still there.
    pub(crate) held: Option<u32>,
    pub(crate) extra: Option<Extra>,
}

#[derive(Default)]
pub(crate) struct Tasks {
    inner: RefCell<Inner>,
}

#[derive(Default)]
struct Inner {
    slots: Slab<Slot>,
    extras: Slab<Extra>,
    /// The shared states of tasks that have ended and whose handles are still there: by the
    /// handle, somebody may ask for the name.
    ended: BTreeMap<u32, Rc<TaskState>>,
    /// The number of the last task.
    last_id: u32,
}

impl Inner {
    fn next_id(&mut self) -> u32 {
        self.last_id = self.last_id.wrapping_add(1) & !DETACHED;
        self.last_id
    }

    /// The extra of a task, made if need be.
    fn extra(&mut self, key: Key) -> Option<&mut Extra> {
        let slot = self.slots.get_mut(key.0 as usize)?;
        let index = match slot.link.extra() {
            Some(index) => index,
            None => {
                let index = self.extras.insert(Extra::new(slot.link.waiter(), None));
                slot.link = Link::to_extra(index)?;
                index
            }
        };
        self.extras.get_mut(index)
    }
}

impl Tasks {
    /// A slot for a new task, and its number for people. `owner` is the task group that it is of.
    ///
    /// # Panics
    /// With 2³¹ tasks alive: a task takes about a hundred bytes, so memory ends long before.
    pub(crate) fn insert(
        &self,
        location: &'static Location<'static>,
        owner: Option<Told>,
    ) -> (Key, u32) {
        let mut inner = self.inner.borrow_mut();
        let id = inner.next_id();
        let link = match owner {
            None => Link::NONE,
            owner => Link::to_extra(inner.extras.insert(Extra::new(Key::NONE, owner)))
                .expect("fewer extras than tasks"),
        };
        let index = inner.slots.insert(Slot {
            waker: None,
            location,
            id,
            link,
        });
        assert!(index < Link::EXTRA as usize, "more than 2^31 tasks");
        #[expect(clippy::cast_possible_truncation, reason = "checked in the line above")]
        let key = Key(index as u32);
        (key, id)
    }

    /// The number of a task that never gets a slot.
    pub(crate) fn next_id(&self) -> u32 {
        self.inner.borrow_mut().next_id()
    }

    /// Takes an ended task out.
    #[inline]
    pub(crate) fn remove(&self, key: Key) -> Option<Ended> {
        let mut inner = self.inner.borrow_mut();
        let slot = inner.slots.try_remove(key.0 as usize)?;
        let extra = slot.link.extra().map(|index| inner.extras.remove(index));
        Some(Ended {
            waker: slot.waker,
            waiter: extra
                .as_ref()
                .map_or_else(|| slot.link.waiter(), |extra| extra.waiter),
            held: (slot.id & DETACHED == 0).then_some(slot.id),
            extra,
        })
    }

    /// Gives memory back when there is nothing in it. (A table with something at its end cannot be
    /// made smaller, and looking for that would take its length.)
    pub(crate) fn shrink(&self) {
        let mut inner = self.inner.borrow_mut();
        if inner.slots.is_empty() && inner.slots.capacity() > ENTRIES_KEPT {
            inner.slots = Slab::new();
        }
        if inner.extras.is_empty() && inner.extras.capacity() > ENTRIES_KEPT {
            inner.extras = Slab::new();
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.inner.borrow().slots.len()
    }

    /// The tasks alive, in no particular order.
    pub(crate) fn keys(&self) -> Vec<Key> {
        #[expect(clippy::cast_possible_truncation, reason = "`insert` checks it")]
        self.inner
            .borrow()
            .slots
            .iter()
            .map(|(index, _)| Key(index as u32))
            .collect()
    }

    /// Keeps the waker of a task that is about to wait for the first time.
    pub(crate) fn park(&self, key: Key, waker: &Waker) {
        if let Some(slot) = self.inner.borrow_mut().slots.get_mut(key.0 as usize) {
            slot.waker = Some(waker.clone());
        }
    }

    /// Whether a task has waited before.
    #[inline]
    pub(crate) fn is_parked(&self, key: Key) -> bool {
        let inner = self.inner.borrow();
        inner
            .slots
            .get(key.0 as usize)
            .is_some_and(|slot| slot.waker.is_some())
    }

    /// The waker of a task that has waited before.
    pub(crate) fn waker(&self, key: Key) -> Option<Waker> {
        self.inner.borrow().slots.get(key.0 as usize)?.waker.clone()
    }

    /// Wakes a task that has waited before. The wakers here are the executor's own, which push
    /// to the ready queue and do nothing else: they may run under the borrow.
    #[inline]
    pub(crate) fn wake(&self, key: Key) {
        let inner = self.inner.borrow();
        if let Some(waker) = inner
            .slots
            .get(key.0 as usize)
            .and_then(|slot| slot.waker.as_ref())
        {
            waker.wake_by_ref();
        }
    }

    /// Notes which task awaits this one through its handle; `Key::NONE` for nobody. It is woken
    /// before all others are told, so this is refused (`false`) where others were there first.
    pub(crate) fn set_waiter(&self, key: Key, waiter: Key) -> bool {
        let mut inner = self.inner.borrow_mut();
        let Some(slot) = inner.slots.get_mut(key.0 as usize) else {
            return false;
        };
        let Some(index) = slot.link.extra() else {
            slot.link = Link(waiter.0);
            return true;
        };
        let extra = &mut inner.extras[index];
        let state = extra.state.as_ref();
        let first = state.is_none_or(|state| state.watchers.is_empty());
        let accepted = first || waiter.is_none() || extra.waiter == waiter;
        if accepted {
            extra.waiter = waiter;
        }
        accepted
    }

    pub(crate) fn id(&self, key: Key) -> Option<u32> {
        Some(self.inner.borrow().slots.get(key.0 as usize)?.id & !DETACHED)
    }

    /// Notes that nobody holds the handle of this task any more. `false` when it has ended.
    pub(crate) fn detach(&self, key: Key, id: u32) -> bool {
        match self.inner.borrow_mut().slots.get_mut(key.0 as usize) {
            Some(slot) if slot.id == id => {
                slot.id |= DETACHED;
                true
            }
            _ => false,
        }
    }

    /// Who cares for the outcome of a task: whether its handle has been dropped, and its
    /// observer.
    #[inline]
    pub(crate) fn interest(&self, key: Key) -> (bool, Option<Rc<dyn Observer>>) {
        let inner = self.inner.borrow();
        let Some(slot) = inner.slots.get(key.0 as usize) else {
            return (false, None);
        };
        let observer = slot
            .link
            .extra()
            .and_then(|index| inner.extras[index].observer.as_ref())
            .map(|(observer, _)| Rc::clone(observer));
        (slot.id & DETACHED != 0, observer)
    }

    /// Everybody who is to be told of the end of a task.
    pub(crate) fn observers(&self, key: Key) -> Vec<Rc<dyn Observer>> {
        let inner = self.inner.borrow();
        let slot = inner.slots.get(key.0 as usize);
        let Some(extra) = slot.and_then(|slot| Some(&inner.extras[slot.link.extra()?])) else {
            return Vec::new();
        };
        let own = extra.owner.iter().chain(&extra.observer);
        let own = own.map(|(own, _)| Rc::clone(own));
        let others = extra
            .state
            .iter()
            .flat_map(|state| state.watchers.observers());
        own.chain(others).collect()
    }

    /// Sets the one observer of a task, and returns the one before.
    pub(crate) fn set_observer(&self, key: Key, observer: Option<Told>) -> Option<Told> {
        let mut inner = self.inner.borrow_mut();
        if observer.is_none() {
            inner.slots.get(key.0 as usize)?.link.extra()?;
        }
        let extra = inner.extra(key)?;
        let state = extra.state.as_ref();
        extra.observer_first = state.is_none_or(|state| state.watchers.is_empty());
        std::mem::replace(&mut extra.observer, observer)
    }

    #[inline]
    pub(crate) fn root(&self, key: Key) -> NodeId {
        let inner = self.inner.borrow();
        let extra = inner
            .slots
            .get(key.0 as usize)
            .and_then(|slot| slot.link.extra());
        extra.map_or(NodeId::NONE, |index| inner.extras[index].root)
    }

    pub(crate) fn set_root(&self, key: Key, root: NodeId) {
        if let Some(extra) = self.inner.borrow_mut().extra(key) {
            extra.root = root;
        }
    }

    /// What a `TaskRef` to this task shares, made if need be. `None` when it has ended.
    pub(crate) fn state(&self, local: &Rc<Local>, key: Key) -> Option<Rc<TaskState>> {
        let mut inner = self.inner.borrow_mut();
        let slot = inner.slots.get(key.0 as usize)?;
        let (id, location) = (slot.id & !DETACHED, slot.location);
        let extra = inner.extra(key)?;
        let state = extra
            .state
            .get_or_insert_with(|| TaskState::new(Rc::clone(local), key, id, location));
        Some(Rc::clone(state))
    }

    /// Keeps the shared state of a task that has ended, for its handle.
    pub(crate) fn keep_ended(&self, id: u32, state: Rc<TaskState>) {
        let old = self.inner.borrow_mut().ended.insert(id, state);
        drop(old); // of a handle that was forgotten, 2³¹ tasks ago
    }

    /// The shared state of a task that has ended, if it had one and its handle is still there.
    pub(crate) fn ended_state(&self, id: u32) -> Option<Rc<TaskState>> {
        self.inner.borrow().ended.get(&id).map(Rc::clone)
    }

    /// The handle of a task that has ended goes.
    #[inline]
    pub(crate) fn forget_ended(&self, id: u32) {
        if self.inner.borrow().ended.is_empty() {
            return;
        }
        let old = self.inner.borrow_mut().ended.remove(&id);
        drop(old);
    }

    /// The shared state where there is one already.
    pub(crate) fn existing_state(&self, key: Key) -> Option<Rc<TaskState>> {
        let inner = self.inner.borrow();
        let index = inner.slots.get(key.0 as usize)?.link.extra()?;
        inner.extras[index].state.clone()
    }
}
