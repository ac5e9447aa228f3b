//! A group as a child of another combinator.

use std::rc::Rc;

use asyncio_executor::{Claimed, IntoTask, Observer, Spawner, TaskError};

use crate::awaited::Handle;
use crate::child::{Child, Target};
use crate::gather::children::Children;
use crate::gather::handle::Gather;
use crate::gather::mode::Mode;

impl<C: Children, M: Mode<C>> IntoTask for Gather<C, M> {
    type Handle = Self;

    fn into_task(self, _: &Spawner) -> Self {
        self
    }
}

impl<C: Children, M: Mode<C>> IntoTask for &mut Gather<C, M> {
    type Handle = Self;

    fn into_task(self, _: &Spawner) -> Self {
        self
    }
}

impl<C: Children, M: Mode<C>> Child for Gather<C, M> {
    type Output = M::Output;
    type List = Vec<Self>;

    fn done(&self) -> bool {
        Self::done(self)
    }

    fn cancelled(&self) -> bool {
        Self::cancelled(self)
    }

    fn observe(&self, observer: Rc<dyn Observer>, index: u32) {
        self.group.sink.completion.observe(observer, index);
    }

    fn unobserve(&self, _: &Rc<dyn Observer>) {
        self.group.sink.completion.unobserve();
    }

    fn belongs_to(&self, spawner: &Spawner) -> bool {
        self.group.spawner().same_executor(spawner)
    }

    fn target(&self, _: &Spawner) -> Target {
        Target::Other(Rc::clone(&self.group) as Rc<dyn Claimed>)
    }

    fn into_outcome(mut self) -> Result<M::Output, TaskError> {
        (&mut self).into_outcome()
    }
}

impl<C: Children, M: Mode<C>> Child for &mut Gather<C, M> {
    type Output = M::Output;
    type List = Vec<Self>;

    fn done(&self) -> bool {
        Gather::done(self)
    }

    fn cancelled(&self) -> bool {
        Gather::cancelled(self)
    }

    fn observe(&self, observer: Rc<dyn Observer>, index: u32) {
        Child::observe(&**self, observer, index);
    }

    fn unobserve(&self, observer: &Rc<dyn Observer>) {
        Child::unobserve(&**self, observer);
    }

    fn belongs_to(&self, spawner: &Spawner) -> bool {
        Child::belongs_to(&**self, spawner)
    }

    fn target(&self, spawner: &Spawner) -> Target {
        Child::target(&**self, spawner)
    }

    fn into_outcome(self) -> Result<M::Output, TaskError> {
        assert!(self.settle().is_ok(), "the group has not ended");
        M::into_output(self.take_outcome())
    }
}
