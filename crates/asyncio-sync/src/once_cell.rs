//! `OnceCell`: a value that is made once, by whoever needs it first.

use std::convert::Infallible;
use std::fmt;

use crate::error::SemaphoreClosed;
use crate::semaphore::Semaphore;

/// A value that the first who needs it makes, in a future, while others wait for it. asyncio has
/// none.
///
/// # Examples
/// ```
/// use asyncio_executor::{Executor, yield_now};
/// use asyncio_sync::OnceCell;
/// use std::rc::Rc;
///
/// let executor = Executor::new();
/// let cell = Rc::new(OnceCell::new());
/// let tasks: Vec<_> = (1..=3)
///     .map(|n| {
///         let cell = cell.clone();
///         executor.create_task(async move {
///             *cell.get_or_init(async || {
///                 yield_now().await;
///                 n
///             })
///             .await
///         })
///     })
///     .collect();
/// for task in tasks {
///     assert_eq!(executor.run_until_complete(task).unwrap().unwrap(), 1);
/// }
/// ```
#[derive(Default)]
pub struct OnceCell<T> {
    value: std::cell::OnceCell<T>,
    /// One permit, which the one that makes the value has. It is closed when there is one, so that
    /// all who wait go on at once.
    making: Semaphore,
}

impl<T> OnceCell<T> {
    /// A cell without a value.
    #[must_use]
    pub fn new() -> Self {
        Self {
            value: std::cell::OnceCell::new(),
            making: Semaphore::new(1),
        }
    }

    /// The value, if it has been made.
    #[must_use]
    pub fn get(&self) -> Option<&T> {
        self.value.get()
    }

    /// The value, if it has been made.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.value.get_mut()
    }

    /// Ends the cell, and gives the value out.
    #[must_use]
    pub fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }

    /// Sets the value.
    ///
    /// # Errors
    /// When there is one, or somebody is making one; the value comes back.
    pub fn set(&self, value: T) -> Result<(), T> {
        let Ok(_making) = self.making.try_acquire() else {
            return Err(value);
        };
        self.fill(value);
        Ok(())
    }

    /// Sets the value: done by the one that makes it.
    fn fill(&self, value: T) -> &T {
        let value = self.value.get_or_init(|| value);
        self.making.close();
        value
    }

    /// The value; made with `make` if there is none and nobody makes one, else waited for. It must
    /// not need the value itself: it would wait for itself for ever.
    ///
    /// # Cancel safety
    /// Yes: when the one that makes the value is cancelled or panics, the next one that waits
    /// makes it, with its own `make`.
    pub async fn get_or_init(&self, make: impl AsyncFnOnce() -> T) -> &T {
        let made = self.get_or_try_init(async || Ok::<_, Infallible>(make().await));
        match made.await {
            Ok(value) => value,
            Err(never) => match never {},
        }
    }

    /// [`get_or_init`](Self::get_or_init) where making it may fail; then the next one that waits
    /// tries.
    ///
    /// # Errors
    /// Those of `make`.
    ///
    /// # Cancel safety
    /// Yes, as [`get_or_init`](Self::get_or_init).
    pub async fn get_or_try_init<E>(
        &self,
        make: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<&T, E> {
        if let Some(value) = self.value.get() {
            return Ok(value);
        }
        match self.making.acquire().await {
            Ok(_making) => Ok(self.fill(make().await?)),
            Err(SemaphoreClosed) => Ok(self.value.get().expect("it is closed by the value")),
        }
    }
}

impl<T> From<T> for OnceCell<T> {
    fn from(value: T) -> Self {
        let cell = Self::new();
        cell.fill(value);
        cell
    }
}

impl<T: fmt::Debug> fmt::Debug for OnceCell<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("OnceCell")
            .field(&self.value.get())
            .finish()
    }
}
