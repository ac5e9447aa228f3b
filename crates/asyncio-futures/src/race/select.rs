//! `select!`: a race between futures of different types, with code for each.

use std::future::{Future, IntoFuture};

use crate::mapped::Mapped;

/// Which branch has won: the first, or one of the rest.
#[doc(hidden)]
#[derive(Debug)]
pub enum Choice<A, B> {
    First(A),
    Rest(B),
}

/// The rest after the last branch.
#[doc(hidden)]
#[derive(Debug)]
pub enum Nothing {}

/// The choice of the last branch.
#[doc(hidden)]
pub fn last<A>(output: A) -> Choice<A, Nothing> {
    Choice::First(output)
}

#[doc(hidden)]
pub fn branch<F, C>(future: F, choice: impl FnOnce(F::Output) -> C) -> impl Future<Output = C>
where
    F: IntoFuture,
{
    Mapped::new(future.into_future(), choice)
}

/// Runs futures concurrently in this task until one is ready; cancels the others, awaits their
/// clean-up, and then runs the winner's code: a [`race`](crate::race()) between futures of
/// different types.
///
/// Each branch is `pattern = future => expression`; the expressions have one type, and may use `?`,
/// `break` and `return`, as the arms of a `match`. A comma stands between branches; behind a block
/// `{ .. }` it may be left out. All futures are evaluated first, up to twelve; there are no
/// conditions, and no `else`.
/// Patterns have to match whatever the future returns. Of several futures that are ready at once
/// the one written first wins. They may borrow, and the arms may use what they borrowed: when an
/// arm runs, the futures are gone, and so are the temporaries they were made from.
///
/// # Cancel safety
/// As [`race`](crate::race()). In a loop, a future that loses and is made anew in the next round
/// has to be safe to cancel itself; work that has to go on belongs into a task, behind a
/// [`shield`](crate::shield()).
///
/// # Examples
/// ```
/// use asyncio_executor::yield_now;
/// use asyncio_futures::select;
///
/// # asyncio_executor::Executor::new().run_until_complete(async {
/// let text = select! {
///     () = std::future::pending() => {
///         "never".to_owned()
///     }
///     (number, _) = async { yield_now().await; (42, true) } => number.to_string(),
/// };
/// assert_eq!(text, "42");
/// # }).unwrap();
/// ```
#[macro_export]
macro_rules! select {
    (biased; $($branches:tt)*) => {
        ::core::compile_error!("`select!` polls its branches in the order written: no `biased;`")
    };
    () => {
        ::core::compile_error!("`select!` of no branches would never end")
    };
    ($($branches:tt)+) => {
        $crate::__branches!([] $($branches)+)
    };
}

/// Takes branches apart, one by one: a comma may be left out behind a block only.
#[doc(hidden)]
#[macro_export]
macro_rules! __branches {
    ([$($branch:tt)+]) => {
        $crate::__select!([] [] $($branch)+)
    };
    ([$($branch:tt)*] else $($rest:tt)*) => {
        ::core::compile_error!("`select!` has no `else`: every branch can win, whatever it returns")
    };
    ([$($branch:tt)*] $pattern:pat = $future:expr, if $($rest:tt)*) => {
        ::core::compile_error!("`select!` has no conditions: use a future that never ends instead")
    };
    ([$($branch:tt)*] $pattern:pat = $future:expr => $arm:block, $($rest:tt)*) => {
        $crate::__branches!([$($branch)* ($pattern, $future, $arm)] $($rest)*)
    };
    ([$($branch:tt)*] $pattern:pat = $future:expr => $arm:block $($rest:tt)*) => {
        $crate::__branches!([$($branch)* ($pattern, $future, $arm)] $($rest)*)
    };
    ([$($branch:tt)*] $pattern:pat = $future:expr => $arm:expr, $($rest:tt)*) => {
        $crate::__branches!([$($branch)* ($pattern, $future, $arm)] $($rest)*)
    };
    ([$($branch:tt)*] $pattern:pat = $future:expr => $arm:expr) => {
        $crate::__branches!([$($branch)* ($pattern, $future, $arm)])
    };
    ([$($branch:tt)*] $pattern:pat = $future:expr $(,)?) => {
        ::core::compile_error!("a branch of `select!` is `pattern = future => expression`")
    };
}

/// Counts branches, by a dot for each; the dots tell how deep a branch's choice is.
#[doc(hidden)]
#[macro_export]
macro_rules! __select {
    ([$($dot:tt)*] [$($done:tt)*] ($pattern:pat, $future:expr, $arm:expr) $($rest:tt)+) => {
        $crate::__select!(
            [$($dot)* .] [$($done)* ([$($dot)*] $pattern, $future, $arm)] $($rest)+
        )
    };
    (
        [$($dot:tt)*]
        [$(([$($depth:tt)*] $pattern:pat, $future:expr, $arm:expr))*]
        ($last_pattern:pat, $last_future:expr, $last_arm:expr)
    ) => {
        {
            let choice = $crate::race((
                $($crate::__choice::branch($future, |output| {
                    $crate::__choose!([$($depth)*] $crate::__choice::Choice::First(output))
                }),)*
                $crate::__choice::branch($last_future, |output| {
                    $crate::__choose!([$($dot)*] $crate::__choice::last(output))
                }),
            )).await;
            match choice {
                $($crate::__choose!(
                    [$($depth)*] $crate::__choice::Choice::First($pattern)
                ) => $arm,)*
                $crate::__choose!(
                    [$($dot)*] $crate::__choice::Choice::First($last_pattern)
                ) => $last_arm,
            }
        }
    };
}

/// A choice as deep as there are dots, as a value or as a pattern.
#[doc(hidden)]
#[macro_export]
macro_rules! __choose {
    ([] $($choice:tt)*) => { $($choice)* };
    ([. $($dot:tt)*] $($choice:tt)*) => {
        $crate::__choice::Choice::Rest($crate::__choose!([$($dot)*] $($choice)*))
    };
}
