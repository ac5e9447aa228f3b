//! What can be raced: a tuple of futures with the same output, or an iterator.

use std::future::{Future, IntoFuture};
use std::pin::Pin;

use pin_project_lite::pin_project;

use crate::gather::{Many, Tuple};
use crate::race::contest::{Branch, Branches, Contest, Contestant};

/// What [`race`](crate::race()) takes. `Kind` tells tuples from iterators, and is inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a tuple or an iterator of futures with the same output",
    note = "`select!` takes futures with different outputs"
)]
pub trait Race<Kind> {
    /// What each of them returns.
    type Output;

    /// Returns what the first returns; see [`race`](crate::race()).
    ///
    /// # Panics
    /// As [`race`](crate::race()).
    ///
    /// # Cancel safety
    /// As [`race`](crate::race()).
    fn race(self) -> impl Future<Output = Self::Output>;
}

impl<I> Race<Many> for I
where
    I: IntoIterator,
    I::Item: IntoFuture,
{
    type Output = <I::Item as IntoFuture>::Output;

    #[track_caller]
    fn race(self) -> impl Future<Output = Self::Output> {
        let branches = self.into_iter().map(|it| Branch::new(it.into_future()));
        let branches: Vec<_> = branches.map(Box::pin).collect();
        assert!(!branches.is_empty(), "a race of nothing never ends");
        Contest::new(branches)
    }
}

impl<F: Future> Branches<F::Output> for Vec<Pin<Box<Branch<F>>>> {
    fn branch(self: Pin<&mut Self>, index: usize) -> Option<Pin<&mut dyn Contestant<F::Output>>> {
        let branch = self.get_mut().get_mut(index)?;
        Some(branch.as_mut())
    }
}

macro_rules! tuples {
    ($branches:ident: $($field:ident $future:ident $index:tt),+) => {
        pin_project! {
            struct $branches<$($future),+> {
                $(#[pin] $field: Branch<$future>,)+
            }
        }

        impl<T, $($future),+> Branches<T> for $branches<$($future),+>
        where
            $($future: Future<Output = T>),+
        {
            fn branch(self: Pin<&mut Self>, index: usize) -> Option<Pin<&mut dyn Contestant<T>>> {
                let this = self.project();
                Some(match index {
                    $($index => this.$field,)+
                    _ => return None,
                })
            }
        }

        impl<T, $($future),+> Race<Tuple> for ($($future,)+)
        where
            $($future: IntoFuture<Output = T>),+
        {
            type Output = T;

            fn race(self) -> impl Future<Output = T> {
                Contest::new($branches {
                    $($field: Branch::new(self.$index.into_future()),)+
                })
            }
        }
    };
}

tuples!(Of1: f0 F0 0);
tuples!(Of2: f0 F0 0, f1 F1 1);
tuples!(Of3: f0 F0 0, f1 F1 1, f2 F2 2);
tuples!(Of4: f0 F0 0, f1 F1 1, f2 F2 2, f3 F3 3);
tuples!(Of5: f0 F0 0, f1 F1 1, f2 F2 2, f3 F3 3, f4 F4 4);
tuples!(Of6: f0 F0 0, f1 F1 1, f2 F2 2, f3 F3 3, f4 F4 4, f5 F5 5);
tuples!(Of7: f0 F0 0, f1 F1 1, f2 F2 2, f3 F3 3, f4 F4 4, f5 F5 5, f6 F6 6);
tuples!(Of8: f0 F0 0, f1 F1 1, f2 F2 2, f3 F3 3, f4 F4 4, f5 F5 5, f6 F6 6, f7 F7 7);
tuples!(Of9: f0 F0 0, f1 F1 1, f2 F2 2, f3 F3 3, f4 F4 4, f5 F5 5, f6 F6 6, f7 F7 7, f8 F8 8);
tuples!(Of10: f0 F0 0, f1 F1 1, f2 F2 2, f3 F3 3, f4 F4 4, f5 F5 5, f6 F6 6, f7 F7 7, f8 F8 8, f9 F9 9);
tuples!(Of11: f0 F0 0, f1 F1 1, f2 F2 2, f3 F3 3, f4 F4 4, f5 F5 5, f6 F6 6, f7 F7 7, f8 F8 8, f9 F9 9, f10 F10 10);
tuples!(Of12: f0 F0 0, f1 F1 1, f2 F2 2, f3 F3 3, f4 F4 4, f5 F5 5, f6 F6 6, f7 F7 7, f8 F8 8, f9 F9 9, f10 F10 10, f11 F11 11);
