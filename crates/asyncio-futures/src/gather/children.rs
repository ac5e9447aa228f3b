//! The children of a group: a list of handles of one type, or a tuple of several.

use std::any::Any;
use std::rc::Rc;

use asyncio_executor::{IntoTask, Observer, Spawner, Task, TaskError, TaskList};

use crate::child::{Child, Target};
use crate::error::GatherError;

/// What [`gather`](crate::gather()) takes: anything that iterates over tasks and futures of one
/// type, or a tuple of up to twelve of any types. `Kind` tells the two apart, and is inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an iterator or a tuple of tasks and futures",
    note = "a future has to be `'static`, since it becomes a task; `join!` takes any"
)]
pub trait IntoChildren<Kind> {
    /// The handles.
    type Children: Children;

    /// Makes tasks of the futures. `visitor` gets every child when it is made, in order: while it
    /// is at hand.
    fn into_children(self, spawner: &Spawner, visitor: &mut impl Visitor) -> Self::Children;
}

/// What is done with each child of a group when it is made, whatever its type.
pub trait Visitor {
    /// Called first, with the least number of children to come.
    fn expect(&mut self, count: usize);

    /// Called with each child, in order.
    fn visit<C: Child>(&mut self, child: &C);
}

/// The kind of an iterator.
#[derive(Debug)]
pub enum Many {}

/// The kind of a tuple.
#[derive(Debug)]
pub enum Tuple {}

/// The handles of a group: [`TaskList<T>`], `Vec<Future<T>>`, `(Task<A>, Future<B>)`.
pub trait Children {
    /// What they end with when all end with a value: `Vec<T>`, `(A, B)`.
    type Values: 'static;
    /// How each has ended: `Vec<Result<T, TaskError>>`, `(Result<A, TaskError>, …)`.
    type Results: 'static;

    /// Tells where a request to each of them goes; see [`Child::target`].
    fn targets(&self, spawner: &Spawner, each: &mut dyn FnMut(Target));

    /// Takes this observer of each of them away.
    fn unobserve(&self, observer: &Rc<dyn Observer>);

    /// The values; or why a child has none.
    ///
    /// # Errors
    /// That of the first child that has no value.
    ///
    /// # Panics
    /// When a child has not ended.
    fn into_values(self) -> Result<Self::Values, TaskError>;

    /// How each has ended.
    ///
    /// # Panics
    /// When a child has not ended.
    fn into_results(self) -> Self::Results;

    /// The failure of one child; the others are left alone.
    fn into_failure(self, index: usize) -> Option<TaskError>;
}

/// The handles of a group that was made of an iterator.
pub trait ChildList: Children {
    /// One of them.
    type Child;

    /// An empty list with room for this many.
    fn with_capacity(count: usize) -> Self;

    /// Appends a handle.
    fn push(&mut self, child: Self::Child);
}

/// The handles of a group whose values are `Result`s.
pub trait TryChildren: Children {
    /// What they return when all return `Ok`: `Vec<T>`, `(A, B)`.
    type OkValues: 'static;
    /// What they return otherwise.
    type Error: 'static;

    /// Whether a child's value is an `Err`.
    fn is_failure(value: &dyn Any) -> bool;

    /// The values in the `Ok`s; or why a child has none.
    ///
    /// # Errors
    /// That of the first child that has no value.
    ///
    /// # Panics
    /// When a child has not ended.
    fn into_ok_values(self) -> Result<Self::OkValues, GatherError<Self::Error>>;

    /// The failure of one child; the others are left alone.
    fn into_error(self, index: usize) -> Option<GatherError<Self::Error>>;
}

impl<I> IntoChildren<Many> for I
where
    I: IntoIterator,
    I::Item: IntoTask<Handle: Child>,
{
    type Children = <<I::Item as IntoTask>::Handle as Child>::List;

    #[track_caller]
    fn into_children(self, spawner: &Spawner, visitor: &mut impl Visitor) -> Self::Children {
        let items = self.into_iter();
        let count = items.size_hint().0;
        visitor.expect(count);
        let mut children = Self::Children::with_capacity(count);
        // Not `map`: a closure would hide who called.
        for item in items {
            let child = item.into_task(spawner);
            visitor.visit(&child);
            children.push(child);
        }
        children
    }
}

impl<C: Child> ChildList for Vec<C> {
    type Child = C;

    fn with_capacity(count: usize) -> Self {
        Self::with_capacity(count)
    }

    fn push(&mut self, child: C) {
        self.push(child);
    }
}

impl<T: 'static> ChildList for TaskList<T> {
    type Child = Task<T>;

    fn with_capacity(count: usize) -> Self {
        Self::with_capacity(count)
    }

    fn push(&mut self, child: Task<T>) {
        self.push(child);
    }
}

impl<T: 'static> Children for TaskList<T> {
    type Values = Vec<T>;
    type Results = Vec<Result<T, TaskError>>;

    fn targets(&self, spawner: &Spawner, each: &mut dyn FnMut(Target)) {
        self.targets(spawner, |target| match target {
            Ok(address) => each(Target::Task(address)),
            Err(task) => each(Target::Ref(task)),
        });
    }

    fn unobserve(&self, _: &Rc<dyn Observer>) {
        self.unobserve();
    }

    fn into_values(self) -> Result<Self::Values, TaskError> {
        // With its capacity known, which `collect` into a `Result` cannot.
        let mut values = Vec::with_capacity(self.len());
        for outcome in self.into_outcomes() {
            values.push(outcome?);
        }
        Ok(values)
    }

    fn into_results(self) -> Self::Results {
        self.into_outcomes().collect()
    }

    fn into_failure(self, index: usize) -> Option<TaskError> {
        self.into_task(index)?.into_outcome().err()
    }
}

impl<C: Child> Children for Vec<C> {
    type Values = Vec<C::Output>;
    type Results = Vec<Result<C::Output, TaskError>>;

    fn targets(&self, spawner: &Spawner, each: &mut dyn FnMut(Target)) {
        for child in self {
            each(child.target(spawner));
        }
    }

    fn unobserve(&self, observer: &Rc<dyn Observer>) {
        for child in self {
            child.unobserve(observer);
        }
    }

    fn into_values(self) -> Result<Self::Values, TaskError> {
        // With its capacity known, which `collect` into a `Result` cannot.
        let mut values = Vec::with_capacity(self.len());
        for child in self {
            values.push(child.into_outcome()?);
        }
        Ok(values)
    }

    fn into_results(self) -> Self::Results {
        self.into_iter().map(Child::into_outcome).collect()
    }

    fn into_failure(self, index: usize) -> Option<TaskError> {
        self.into_iter().nth(index)?.into_outcome().err()
    }
}

fn is_err<T: 'static, E: 'static>(value: &dyn Any) -> bool {
    matches!(value.downcast_ref::<Result<T, E>>(), Some(Err(_)))
}

fn flat<T, E>(outcome: Result<Result<T, E>, TaskError>) -> Result<T, GatherError<E>> {
    outcome?.map_err(GatherError::Error)
}

impl<C, T, E> TryChildren for Vec<C>
where
    C: Child<Output = Result<T, E>>,
    T: 'static,
    E: 'static,
{
    type OkValues = Vec<T>;
    type Error = E;

    fn is_failure(value: &dyn Any) -> bool {
        is_err::<T, E>(value)
    }

    fn into_ok_values(self) -> Result<Vec<T>, GatherError<E>> {
        let mut values = Vec::with_capacity(self.len());
        for child in self {
            values.push(flat(child.into_outcome())?);
        }
        Ok(values)
    }

    fn into_error(self, index: usize) -> Option<GatherError<E>> {
        flat(self.into_iter().nth(index)?.into_outcome()).err()
    }
}

impl<T: 'static, E: 'static> TryChildren for TaskList<Result<T, E>> {
    type OkValues = Vec<T>;
    type Error = E;

    fn is_failure(value: &dyn Any) -> bool {
        is_err::<T, E>(value)
    }

    fn into_ok_values(self) -> Result<Vec<T>, GatherError<E>> {
        let mut values = Vec::with_capacity(self.len());
        for outcome in self.into_outcomes() {
            values.push(flat(outcome)?);
        }
        Ok(values)
    }

    fn into_error(self, index: usize) -> Option<GatherError<E>> {
        flat(self.into_task(index)?.into_outcome()).err()
    }
}

macro_rules! tuples {
    ($($child:ident $output:ident $index:tt),+) => {
        impl<$($child),+> IntoChildren<Tuple> for ($($child,)+)
        where
            $($child: IntoTask<Handle: Child>),+
        {
            type Children = ($($child::Handle,)+);

            #[track_caller]
            fn into_children(
                self,
                spawner: &Spawner,
                visitor: &mut impl Visitor,
            ) -> Self::Children {
                let children = ($(self.$index.into_task(spawner),)+);
                $(visitor.visit(&children.$index);)+
                children
            }
        }

        impl<$($child: Child),+> Children for ($($child,)+) {
            type Values = ($($child::Output,)+);
            type Results = ($(Result<$child::Output, TaskError>,)+);

            fn targets(&self, spawner: &Spawner, each: &mut dyn FnMut(Target)) {
                $(each(self.$index.target(spawner));)+
            }

            fn unobserve(&self, observer: &Rc<dyn Observer>) {
                $(self.$index.unobserve(observer);)+
            }

            fn into_values(self) -> Result<Self::Values, TaskError> {
                Ok(($(self.$index.into_outcome()?,)+))
            }

            fn into_results(self) -> Self::Results {
                ($(self.$index.into_outcome(),)+)
            }

            fn into_failure(self, index: usize) -> Option<TaskError> {
                match index {
                    $($index => self.$index.into_outcome().err(),)+
                    _ => None,
                }
            }
        }

        impl<$($child,)+ $($output: 'static,)+ E: 'static> TryChildren for ($($child,)+)
        where
            $($child: Child<Output = Result<$output, E>>),+
        {
            type OkValues = ($($output,)+);
            type Error = E;

            fn is_failure(value: &dyn Any) -> bool {
                $(is_err::<$output, E>(value))||+
            }

            fn into_ok_values(self) -> Result<Self::OkValues, GatherError<E>> {
                Ok(($(flat(self.$index.into_outcome())?,)+))
            }

            fn into_error(self, index: usize) -> Option<GatherError<E>> {
                match index {
                    $($index => flat(self.$index.into_outcome()).err(),)+
                    _ => None,
                }
            }
        }
    };
}

tuples!(C0 T0 0);
tuples!(C0 T0 0, C1 T1 1);
tuples!(C0 T0 0, C1 T1 1, C2 T2 2);
tuples!(C0 T0 0, C1 T1 1, C2 T2 2, C3 T3 3);
tuples!(C0 T0 0, C1 T1 1, C2 T2 2, C3 T3 3, C4 T4 4);
tuples!(C0 T0 0, C1 T1 1, C2 T2 2, C3 T3 3, C4 T4 4, C5 T5 5);
tuples!(C0 T0 0, C1 T1 1, C2 T2 2, C3 T3 3, C4 T4 4, C5 T5 5, C6 T6 6);
tuples!(C0 T0 0, C1 T1 1, C2 T2 2, C3 T3 3, C4 T4 4, C5 T5 5, C6 T6 6, C7 T7 7);
tuples!(C0 T0 0, C1 T1 1, C2 T2 2, C3 T3 3, C4 T4 4, C5 T5 5, C6 T6 6, C7 T7 7, C8 T8 8);
tuples!(C0 T0 0, C1 T1 1, C2 T2 2, C3 T3 3, C4 T4 4, C5 T5 5, C6 T6 6, C7 T7 7, C8 T8 8, C9 T9 9);
tuples!(C0 T0 0, C1 T1 1, C2 T2 2, C3 T3 3, C4 T4 4, C5 T5 5, C6 T6 6, C7 T7 7, C8 T8 8, C9 T9 9, C10 T10 10);
tuples!(C0 T0 0, C1 T1 1, C2 T2 2, C3 T3 3, C4 T4 4, C5 T5 5, C6 T6 6, C7 T7 7, C8 T8 8, C9 T9 9, C10 T10 10, C11 T11 11);
