//! What can be raced: a tuple of futures with the same output, or an iterator.

use std::future::{Future, IntoFuture};
use std::pin::{Pin, pin};

use crate::gather::{Many, Tuple};
use crate::race::contest::{Branch, Contestant, contest};

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

    async fn race(self) -> Self::Output {
        let branches = self.into_iter().map(|it| Branch::new(it.into_future()));
        let mut branches: Vec<_> = branches.map(Box::pin).collect();
        assert!(!branches.is_empty(), "a race of nothing never ends");
        let mut branches: Vec<Pin<&mut dyn Contestant<_>>> = branches
            .iter_mut()
            .map(|branch| branch.as_mut() as Pin<&mut dyn Contestant<_>>)
            .collect();
        contest(&mut branches).await
    }
}

macro_rules! tuples {
    ($($future:ident $index:tt),+) => {
        impl<T, $($future),+> Race<Tuple> for ($($future,)+)
        where
            $($future: IntoFuture<Output = T>),+
        {
            type Output = T;

            #[expect(non_snake_case, reason = "the names of the types serve as variables")]
            async fn race(self) -> T {
                $(let $future = pin!(Branch::new(self.$index.into_future()));)+
                let branches: &mut [Pin<&mut dyn Contestant<T>>] = &mut [$($future),+];
                contest(branches).await
            }
        }
    };
}

tuples!(F0 0);
tuples!(F0 0, F1 1);
tuples!(F0 0, F1 1, F2 2);
tuples!(F0 0, F1 1, F2 2, F3 3);
tuples!(F0 0, F1 1, F2 2, F3 3, F4 4);
tuples!(F0 0, F1 1, F2 2, F3 3, F4 4, F5 5);
tuples!(F0 0, F1 1, F2 2, F3 3, F4 4, F5 5, F6 6);
tuples!(F0 0, F1 1, F2 2, F3 3, F4 4, F5 5, F6 6, F7 7);
tuples!(F0 0, F1 1, F2 2, F3 3, F4 4, F5 5, F6 6, F7 7, F8 8);
tuples!(F0 0, F1 1, F2 2, F3 3, F4 4, F5 5, F6 6, F7 7, F8 8, F9 9);
tuples!(F0 0, F1 1, F2 2, F3 3, F4 4, F5 5, F6 6, F7 7, F8 8, F9 9, F10 10);
tuples!(F0 0, F1 1, F2 2, F3 3, F4 4, F5 5, F6 6, F7 7, F8 8, F9 9, F10 10, F11 11);
