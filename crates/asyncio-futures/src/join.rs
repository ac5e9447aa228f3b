//! Several futures in one task: `join!` and `try_join!`.
//!
//! No task is made, so the futures may borrow; they are polled in turn whenever one of them wakes
//! the task. For more than a dozen, or for work that is to go on when this is dropped, there is
//! [`gather`](crate::gather()).

use std::future::{Future, IntoFuture};

use futures_lite::future::{try_zip, zip};

use crate::mapped::Mapped;

/// A tuple of futures that can be [joined](crate::join!): one to twelve.
pub trait Join {
    /// The tuple of their outputs.
    type Output;

    /// Polls all until all are ready.
    ///
    /// # Cancel safety
    /// Yes, if each of them is: dropping it drops them where they are.
    fn join(self) -> impl Future<Output = Self::Output>;
}

/// A tuple of futures of `Result`s that can be [joined](crate::try_join!) until the first `Err`.
pub trait TryJoin {
    /// The tuple of their values.
    type Output;
    /// Their error.
    type Error;

    /// Polls all until all are ready or one has failed.
    ///
    /// # Errors
    /// That of the first that fails; the others are dropped where they are.
    ///
    /// # Cancel safety
    /// Yes, if each of them is: dropping it drops them where they are.
    fn try_join(self) -> impl Future<Output = Result<Self::Output, Self::Error>>;
}

/// Runs futures concurrently in this task, and returns a tuple of their outputs.
///
/// It takes one to twelve futures, or whatever can be awaited: `&mut task`, a
/// [`Future`](struct@crate::Future). They may borrow. None is preferred: each is polled when any of them
/// wakes the task.
///
/// # Cancel safety
/// Yes, if each of them is: dropping it drops them where they are.
///
/// # Examples
/// ```
/// # asyncio_executor::Executor::new().run_until_complete(async {
/// let words = ["to", "be"];
/// let (count, first) = asyncio_futures::join!(async { words.len() }, async { words[0] });
/// assert_eq!((count, first), (2, "to"));
/// # }).unwrap();
/// ```
#[macro_export]
macro_rules! join {
    ($($future:expr),+ $(,)?) => {
        $crate::Join::join(($($future,)+)).await
    };
}

/// Runs futures of `Result`s concurrently in this task: `Ok` with the tuple of their values, or
/// the first `Err`, at which the others are dropped where they are.
///
/// # Cancel safety
/// Yes, if each of them is: dropping it drops them where they are.
///
/// # Examples
/// ```
/// # asyncio_executor::Executor::new().run_until_complete(async {
/// let sum = async || -> Result<u8, std::num::ParseIntError> {
///     let (a, b) = asyncio_futures::try_join!(async { "40".parse::<u8>() }, async { "2".parse::<u8>() })?;
///     Ok(a + b)
/// };
/// assert_eq!(sum().await, Ok(42));
/// # }).unwrap();
/// ```
#[macro_export]
macro_rules! try_join {
    ($($future:expr),+ $(,)?) => {
        $crate::TryJoin::try_join(($($future,)+)).await
    };
}

/// Zips a list of futures as a list of pairs, and unpacks their outputs again.
macro_rules! nested {
    ($zip:ident, $last:expr) => { $last };
    ($zip:ident, $first:expr, $($rest:expr),+) => { $zip($first, nested!($zip, $($rest),+)) };
    (@ $last:ident) => { $last };
    (@ $first:ident $($rest:ident)+) => { ($first, nested!(@ $($rest)+)) };
}

macro_rules! tuples {
    ($($future:ident $output:ident $index:tt),+) => {
        impl<$($future: IntoFuture),+> Join for ($($future,)+) {
            type Output = ($($future::Output,)+);

            #[expect(non_snake_case, reason = "the names of the types serve as variables")]
            fn join(self) -> impl Future<Output = Self::Output> {
                let all = nested!(zip, $(self.$index.into_future()),+);
                Mapped::new(all, |nested!(@ $($output)+)| ($($output,)+))
            }
        }

        impl<$($future,)+ $($output,)+ E> TryJoin for ($($future,)+)
        where
            $($future: IntoFuture<Output = Result<$output, E>>),+
        {
            type Output = ($($output,)+);
            type Error = E;

            #[expect(non_snake_case, reason = "the names of the types serve as variables")]
            fn try_join(self) -> impl Future<Output = Result<Self::Output, E>> {
                let all = nested!(try_zip, $(self.$index.into_future()),+);
                Mapped::new(all, |all: Result<_, E>| {
                    all.map(|nested!(@ $($output)+)| ($($output,)+))
                })
            }
        }
    };
}

tuples!(F0 T0 0);
tuples!(F0 T0 0, F1 T1 1);
tuples!(F0 T0 0, F1 T1 1, F2 T2 2);
tuples!(F0 T0 0, F1 T1 1, F2 T2 2, F3 T3 3);
tuples!(F0 T0 0, F1 T1 1, F2 T2 2, F3 T3 3, F4 T4 4);
tuples!(F0 T0 0, F1 T1 1, F2 T2 2, F3 T3 3, F4 T4 4, F5 T5 5);
tuples!(F0 T0 0, F1 T1 1, F2 T2 2, F3 T3 3, F4 T4 4, F5 T5 5, F6 T6 6);
tuples!(F0 T0 0, F1 T1 1, F2 T2 2, F3 T3 3, F4 T4 4, F5 T5 5, F6 T6 6, F7 T7 7);
tuples!(F0 T0 0, F1 T1 1, F2 T2 2, F3 T3 3, F4 T4 4, F5 T5 5, F6 T6 6, F7 T7 7, F8 T8 8);
tuples!(F0 T0 0, F1 T1 1, F2 T2 2, F3 T3 3, F4 T4 4, F5 T5 5, F6 T6 6, F7 T7 7, F8 T8 8, F9 T9 9);
tuples!(F0 T0 0, F1 T1 1, F2 T2 2, F3 T3 3, F4 T4 4, F5 T5 5, F6 T6 6, F7 T7 7, F8 T8 8, F9 T9 9, F10 T10 10);
tuples!(F0 T0 0, F1 T1 1, F2 T2 2, F3 T3 3, F4 T4 4, F5 T5 5, F6 T6 6, F7 T7 7, F8 T8 8, F9 T9 9, F10 T10 10, F11 T11 11);
